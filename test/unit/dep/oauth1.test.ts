import { createHmac } from 'node:crypto'
import { expect, it } from 'vitest'
import { oauth1Header } from '../../../src/dep/oauth1.ts'

const token = {
  consumerKey: 'key',
  consumerSecret: 'one secret!',
  accessToken: "access*'",
  accessSecret: 'other/secret',
  expiresAt: 0,
}

it('signs the request as RFC 5849 writes it, without the realm', () => {
  const header = oauth1Header(token, 'https://apple.example/session', 1_800_000_000, 'abc')
  // Written by hand from RFC 5849 §3.4.1: the parameters in order, each escaped, then all of them again.
  const text =
    'GET&https%3A%2F%2Fapple.example%2Fsession&' +
    'oauth_consumer_key%3Dkey%26oauth_nonce%3Dabc%26oauth_signature_method%3DHMAC-SHA1%26' +
    'oauth_timestamp%3D1800000000%26oauth_token%3Daccess%252A%2527%26oauth_version%3D1.0'
  const signature = createHmac('sha1', 'one%20secret%21&other%2Fsecret').update(text)
  expect(header).toBe(
    'OAuth realm="ADM", oauth_consumer_key="key", oauth_nonce="abc", ' +
      'oauth_signature_method="HMAC-SHA1", oauth_timestamp="1800000000", ' +
      'oauth_token="access%2A%27", oauth_version="1.0", ' +
      `oauth_signature="${encodeURIComponent(signature.digest('base64'))}"`,
  )
})
