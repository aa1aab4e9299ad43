import { boundedText } from '../../bounded-text.ts'
import { abortAfter, type Clock } from '../../clock.ts'
import { readAccessKeys, type AccessKeys } from '../../keys/access-token.ts'
import { OwnError } from '../../reason.ts'

/** How long a copy of the keys is used. Cloudflare makes a new key every six weeks ("Validate JWTs"). */
const FRESH = 3_600_000
/** A key that the copy lacks may be new: anyone can name one, so it leads to one read in this time. */
const FOR_UNKNOWN = 60_000
/** All reads in a minute, however many requests come while there is no copy. */
const MAX_A_MINUTE = 10
const PATIENCE = 5000
const MAX_BYTES = 64_000

/** How an isolate gets the public keys of a team. */
export interface AccessKeySource {
  /**
   * The keys of an issuer, from a copy if it has the key with this id.
   * @throws OwnError if they cannot be read now
   */
  keysWith(issuer: string, keyId: string): Promise<AccessKeys>
}

/**
 * Requests share the copy of the isolate, but no read: a read belongs to the request that began it, and ends
 * with it.
 */
export function newAccessKeySource(
  fetchKeys: (address: string, init: RequestInit) => Promise<Response>,
  clock: Clock,
): AccessKeySource {
  let copy: { readonly issuer: string; readonly at: number; readonly keys: AccessKeys } | undefined
  let minute = { since: -Infinity, reads: 0 }
  let readAt = -Infinity
  const mayRead = (now: number): boolean => {
    const isOver = now - minute.since >= 60_000
    minute = isOver ? { since: now, reads: 1 } : { ...minute, reads: minute.reads + 1 }
    return minute.reads <= MAX_A_MINUTE
  }
  return {
    async keysWith(issuer, keyId) {
      const now = clock.now()
      const known = copy?.issuer === issuer && now - copy.at < FRESH ? copy.keys : undefined
      if (known && (known.has(keyId) || now - readAt < FOR_UNKNOWN)) {
        return known
      }
      if (!mayRead(now)) {
        throw new OwnError('they were asked for too often in this minute')
      }
      readAt = now
      const keys = await readKeys(fetchKeys, issuer)
      copy = { issuer, at: now, keys }
      return keys
    },
  }
}

/** @throws OwnError */
async function readKeys(
  fetchKeys: Parameters<typeof newAccessKeySource>[0],
  issuer: string,
): Promise<AccessKeys> {
  const timeout = abortAfter(PATIENCE)
  try {
    const answer = await fetchKeys(`${issuer}/cdn-cgi/access/certs`, {
      redirect: 'manual',
      signal: timeout.signal,
    })
    const text = await boundedText(answer, MAX_BYTES)
    const keys = answer.status === 200 ? readAccessKeys(text ?? '') : undefined
    if (!keys) {
      throw new OwnError(`the answer has status ${answer.status}, or is no list of keys`)
    }
    return keys
  } catch (error) {
    throw timeout.signal.aborted ? new OwnError('no answer within 5 s') : error
  } finally {
    timeout.cancel()
  }
}
