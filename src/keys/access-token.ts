import { createPublicKey, verify, type JsonWebKey, type KeyObject } from 'node:crypto'
import { personName } from './person.ts'

/** An application of Cloudflare Access: what its tokens have to name (Cloudflare One, "Validate JWTs"). */
export interface AccessApplication {
  /** `https://TEAM.cloudflareaccess.com` */
  readonly issuer: string
  /** The AUD tag. */
  readonly audience: string
}

/** The public keys of a team, by their ids. */
export type AccessKeys = ReadonlyMap<string, KeyObject>

export type AccessTokenCheck =
  /** `until`: when the token ends (milliseconds). */
  | { readonly kind: 'person'; readonly email: string; readonly until: number }
  | { readonly kind: 'refused'; readonly reason: string }

/** The token is a cookie of the browser too, so 4 KB is the most that one can have. */
const MAX_LENGTH = 8192
/** How far the clock of the issuer may be ahead. */
const SKEW = 60_000
/** RFC 8725 §3.5; Cloudflare's keys have 2048 bits. */
const MIN_BITS = 2048
/** Cloudflare lists two. */
const MAX_KEYS = 10

/** A token of the form of a JWS in its compact serialization (RFC 7515 §7.1). Nothing of it is proven. */
export interface SentToken {
  readonly keyId: string
  readonly signed: string
  readonly signature: Uint8Array
  readonly claims: Claims
}

interface Claims {
  readonly iss?: unknown
  readonly aud?: unknown
  readonly exp?: unknown
  readonly nbf?: unknown
  readonly email?: unknown
}

/** @returns `undefined` for any other text, and for a token with another algorithm than RS256 */
export function readAccessToken(text: string): SentToken | undefined {
  const [, signed = '', head = '', body = '', signature = ''] =
    text.length <= MAX_LENGTH ? (/^(([\w-]+)\.([\w-]+))\.([\w-]+)$/.exec(text) ?? []) : []
  const { alg, kid, crit } = jsonIn(head)
  // An algorithm that the token chooses would let its sender sign with the public key (RFC 8725 §3.1).
  return alg === 'RS256' && typeof kid === 'string' && crit === undefined
    ? {
        keyId: kid,
        signed,
        signature: Buffer.from(signature, 'base64url'),
        claims: jsonIn(body),
      }
    : undefined
}

/**
 * Checks who a token is for. The signature comes first: until then, no other part is believed.
 *
 * @param key the public key with the token's `keyId`
 * @param now milliseconds since 1970
 */
export function checkAccessToken(
  { signed, signature, claims }: SentToken,
  key: KeyObject,
  { issuer, audience }: AccessApplication,
  now: number,
): AccessTokenCheck {
  if (!verify('sha256', Buffer.from(signed), key, signature)) {
    return refused('its signature is wrong')
  }
  const { iss, aud, exp, nbf = 0, email } = claims
  if (iss !== issuer) {
    return refused('it is of another team than ACCESS_TEAM')
  }
  if (!(Array.isArray(aud) ? aud : [aud]).includes(audience)) {
    return refused('it is for another application: compare its AUD tag with ACCESS_AUD')
  }
  if (typeof exp !== 'number' || typeof nbf !== 'number' || nbf * 1000 > now + SKEW) {
    return refused('it is not good yet, or names no times')
  }
  const until = exp * 1000
  if (until <= now) {
    return refused('it has ended: reload the page')
  }
  const person = typeof email === 'string' ? personName(email) : undefined
  return person === undefined
    ? refused('it names no e-mail address: a service token is no person')
    : { kind: 'person', email: person, until }
}

function refused(reason: string): AccessTokenCheck {
  return { kind: 'refused', reason }
}

/**
 * The keys of the document at `/cdn-cgi/access/certs`, a JWK Set (RFC 7517 §5). Keys of another kind, and
 * short ones, are left out.
 * @returns `undefined` if it is no such document
 */
export function readAccessKeys(text: string): AccessKeys | undefined {
  const { keys } = jsonIn(text)
  return Array.isArray(keys)
    ? new Map(keys.slice(0, MAX_KEYS).flatMap((jwk: JsonWebKey | null) => keyIn(jwk ?? {})))
    : undefined
}

function keyIn({
  kid,
  kty,
  n = '',
  e = '',
}: JsonWebKey): readonly (readonly [string, KeyObject])[] {
  if (typeof kid !== 'string' || kty !== 'RSA') {
    return []
  }
  try {
    // Only the parts of a public key.
    const key = createPublicKey({ key: { kty, n, e }, format: 'jwk' })
    return (key.asymmetricKeyDetails?.modulusLength ?? 0) >= MIN_BITS ? [[kid, key]] : []
  } catch {
    return []
  }
}

/** An object of JSON, as UTF-8 in base64url or as it is; an empty one for any other text. */
function jsonIn(text: string): Readonly<Record<string, unknown>> {
  try {
    const json = text.startsWith('{') ? text : Buffer.from(text, 'base64url').toString()
    const value: unknown = JSON.parse(json)
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}
