import { asDict, bytesAt, dictAt } from '../../plist/dict.ts'
import { tryToRead } from '../../plist/error.ts'
import { readPlist } from '../../plist/read.ts'
import type { PlistDict } from '../../plist/value.ts'
import { writePlist } from '../../plist/write.ts'
import type { Context } from '../store/context.ts'
import { loadEscrow } from '../store/escrow/tokens.ts'

const CLEAR_PASSCODE = 'ClearPasscode'

/** Why a command can only fail: it needs an unlock token, and there is none. */
export function problemWith(
  context: Context,
  command: { readonly requestType: string; readonly payload: Uint8Array },
): string | undefined {
  const { requestType, payload } = command
  if (
    requestType !== CLEAR_PASSCODE ||
    !withoutToken(payload) ||
    loadEscrow(context, 'unlock_token')
  ) {
    return undefined
  }
  return (
    'ClearPasscode needs the unlock token, and the device has escrowed none in this enrolment: ' +
    'give it as unlock_token'
  )
}

/**
 * Adds the device's own unlock token to a ClearPasscode without one; other payloads stay as they are. This
 * happens as the command is handed out: the device gets the token that it escrowed last, and the queue never
 * holds a token, which an admin may see only with a reason.
 */
export function addUnlockToken(
  context: Context,
  requestType: string,
  payload: Uint8Array,
): Uint8Array {
  const plist = requestType === CLEAR_PASSCODE ? withoutToken(payload) : undefined
  const token = plist && loadEscrow(context, 'unlock_token')
  if (!plist || !token) {
    return payload
  }
  const command = dictAt(plist, 'Command') ?? {}
  return writePlist({ ...plist, Command: { ...command, UnlockToken: token } })
}

/** The command as a dictionary, if its UnlockToken is absent or empty. */
function withoutToken(payload: Uint8Array): PlistDict | undefined {
  // A raw payload may be anything: the device decides.
  return tryToRead(() => {
    const plist = asDict(readPlist(payload))
    const token = bytesAt(dictAt(plist, 'Command') ?? {}, 'UnlockToken')
    return token === undefined || token.length === 0 ? plist : undefined
  })
}
