import { isBinaryPlist } from '../plist/binary.ts'
import { dictAt, stringAt } from '../plist/dict.ts'
import { PlistError } from '../plist/error.ts'
import { readPlistTop } from '../plist/read.ts'
import type { RefusedCommand } from './build.ts'
import { isDestructiveCommand, isSecretCommand } from './table.ts'

/** What the server must know of a payload that it delivers byte for byte. */
export interface RawCommand {
  readonly ok: true
  readonly commandUUID: string
  readonly requestType: string
  readonly secret: boolean
  readonly destructive: boolean
}

const TOP_KEYS: ReadonlySet<string> = new Set(['Command', 'CommandUUID'])

/**
 * Reads `CommandUUID` and `Command.RequestType` of the XML plist posted to `/v1/commands/{udid}` (micromdm-contract
 * §1.5). Unknown types are accepted, and nothing else is looked at; a binary plist is refused, as by MicroMDM.
 */
export function readRawCommand(bytes: Uint8Array): RawCommand | RefusedCommand {
  try {
    if (isBinaryPlist(bytes)) throw new PlistError('plist: a command must be an XML plist')
    const top = readPlistTop(bytes, TOP_KEYS)
    const command = dictAt(top, 'Command')
    const commandUUID = stringAt(top, 'CommandUUID')
    const requestType = command === undefined ? undefined : stringAt(command, 'RequestType')
    if (!commandUUID || !requestType) return { ok: false, error: 'request is malformed' }
    return {
      ok: true,
      commandUUID,
      requestType,
      secret: isSecretCommand(requestType),
      destructive: isDestructiveCommand(requestType),
    }
  } catch (error) {
    if (!(error instanceof PlistError)) throw error
    return { ok: false, error: `parse payload as plist: ${error.message}` }
  }
}
