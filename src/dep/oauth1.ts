/** OAuth 1.0 (RFC 5849) with HMAC-SHA1, for the one request that needs it: `GET /session` without a query. */
import { createHmac } from 'node:crypto'
import type { DepToken } from './records.ts'

/**
 * The `Authorization` header of a GET.
 *
 * @param url without query and fragment: they would belong to the signed text
 * @param seconds since 1970; Apple refuses a clock that is minutes off
 * @param nonce differs from that of every earlier request
 */
export function oauth1Header(token: DepToken, url: string, seconds: number, nonce: string): string {
  const parameters = [
    ['oauth_consumer_key', token.consumerKey],
    ['oauth_nonce', nonce],
    ['oauth_signature_method', 'HMAC-SHA1'],
    ['oauth_timestamp', String(seconds)],
    ['oauth_token', token.accessToken],
    ['oauth_version', '1.0'],
  ].map(([name = '', value = '']) => [name, encoded(value)] as const)
  // The names stand in the order of RFC 5849 §3.4.1.3.2. The realm is not signed (RFC 5849 §3.4.1.3.1).
  const signed = parameters.map(([name, value]) => `${name}=${value}`).join('&')
  const key = `${encoded(token.consumerSecret)}&${encoded(token.accessSecret)}`
  const signature = createHmac('sha1', key)
    .update(`GET&${encoded(url)}&${encoded(signed)}`)
    .digest('base64')
  const fields = [...parameters, ['oauth_signature', encoded(signature)] as const]
  return `OAuth realm="ADM", ${fields.map(([name, value]) => `${name}="${value}"`).join(', ')}`
}

/** RFC 5849 §3.6: all but unreserved characters, in capital hexadecimal. */
function encoded(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}
