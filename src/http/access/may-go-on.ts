import type { Scope } from '../../keys/scopes.ts'
import type { AppContext } from '../app-env.ts'
import { callerOfCookie, callerOfSentKey, sentKey } from './identify.ts'
import { isAllowed } from './require-scope.ts'
import { readSessionCookie } from './session-cookie.ts'

/**
 * Whether the key or the session of a request would pass the gate now, for an answer that goes on for long.
 * The list of keys is read anew.
 *
 * @throws RequestError if the list cannot be read
 */
export async function mayGoOn(c: AppContext, needed: Scope): Promise<boolean> {
  const sent = sentKey(c, ['micromdm'])
  const cookie = readSessionCookie(c) ?? ''
  const asked = { fresh: true }
  const caller =
    sent === undefined
      ? await callerOfCookie(c, cookie, asked)
      : await callerOfSentKey(c, sent, asked)
  return caller !== undefined && isAllowed(caller.scopes, needed)
}
