import { asDict, bytesAt, dictAt } from '../../plist/dict.ts'
import { PlistError } from '../../plist/error.ts'
import { readPlist } from '../../plist/read.ts'
import type { PlistDict } from '../../plist/value.ts'
import { writePlist } from '../../plist/write.ts'
import type { Context } from '../store/context.ts'
import { loadEscrow } from '../store/escrow/tokens.ts'

const CLEAR_PASSCODE = 'ClearPasscode'

/** A command that says so little that it can only fail, or nothing. */
export function problemWith(
  context: Context,
  command: { readonly requestType: string; readonly payload: Uint8Array },
): string | undefined {
  const { requestType, payload } = command
  if (requestType !== CLEAR_PASSCODE || !withoutToken(payload) || storedToken(context)) {
    return undefined
  }
  return 'ClearPasscode needs the unlock token, and the device has escrowed none in this enrolment: give it as unlock_token'
}

/**
 * Puts the device's own unlock token into a ClearPasscode without one; every other payload stays as it is. This happens as
 * the command is handed out: the queue never holds the token, which only an entered reason may show to an admin, and the
 * device gets the one that it escrowed last.
 */
export function filled(context: Context, requestType: string, payload: Uint8Array): Uint8Array {
  const plist = requestType === CLEAR_PASSCODE ? withoutToken(payload) : undefined
  const token = plist && storedToken(context)
  if (!plist || !token) {
    return payload
  }
  const command = dictAt(plist, 'Command') ?? {}
  return writePlist({ ...plist, Command: { ...command, UnlockToken: token } })
}

function storedToken(context: Context): Uint8Array | undefined {
  return context.state.device.schema === 0 ? undefined : loadEscrow(context, 'unlock_token')
}

/** The command as a dictionary, if it has no UnlockToken, or an empty one. */
function withoutToken(payload: Uint8Array): PlistDict | undefined {
  try {
    const plist = asDict(readPlist(payload))
    const token = bytesAt(dictAt(plist, 'Command') ?? {}, 'UnlockToken')
    return token === undefined || token.length === 0 ? plist : undefined
  } catch (error) {
    // A raw payload may be anything: it is the device's to judge.
    if (error instanceof PlistError) {
      return undefined
    }
    throw error
  }
}
