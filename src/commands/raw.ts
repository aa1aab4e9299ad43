import { faultsOf } from '../apple/check.ts'
import { isBinaryPlist } from '../plist/binary.ts'
import { dictAt, stringAt } from '../plist/dict.ts'
import { PlistError } from '../plist/error.ts'
import { readPlistTop } from '../plist/read.ts'
import type { PlistDict } from '../plist/value.ts'
import type { RefusedCommand } from './build.ts'
import { placeInCommand, type RequestFault } from './exact.ts'
import { isDestructiveCommand, isSecretCommand } from './request-types.ts'

/** The parts of a payload that the server needs. It delivers the payload byte for byte. */
export interface RawCommand {
  readonly ok: true
  readonly commandUUID: string
  readonly requestType: string
  readonly secret: boolean
  readonly destructive: boolean
  readonly command: PlistDict
  /** Faults that Apple's schema finds. The payload is delivered all the same. */
  readonly faults: readonly RequestFault[]
}

const TOP_KEYS: ReadonlySet<string> = new Set(['Command', 'CommandUUID'])

/**
 * Reads the XML plist posted to `/v1/commands/{udid}`. It needs `CommandUUID` and `Command.RequestType`,
 * and unknown types are accepted. A binary plist is refused, as in MicroMDM.
 */
export function readRawCommand(bytes: Uint8Array): RawCommand | RefusedCommand {
  try {
    if (isBinaryPlist(bytes)) throw new PlistError('plist: a command must be an XML plist')
    const top = readPlistTop(bytes, TOP_KEYS)
    const command = dictAt(top, 'Command')
    const commandUUID = stringAt(top, 'CommandUUID')
    const requestType = command && stringAt(command, 'RequestType')
    if (!command || !commandUUID || !requestType)
      return { ok: false, error: 'request is malformed' }
    return {
      ok: true,
      commandUUID,
      requestType,
      secret: isSecretCommand(requestType),
      destructive: isDestructiveCommand(requestType),
      command,
      faults: faultsOf(requestType, command).map(placeInCommand),
    }
  } catch (error) {
    if (!(error instanceof PlistError)) throw error
    return { ok: false, error: `parse payload as plist: ${error.message}` }
  }
}
