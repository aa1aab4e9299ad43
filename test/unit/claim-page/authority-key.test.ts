import { afterAll, expect, it } from 'vitest'
import { newAuthorityKey } from '../../../src/claim-page/authority-key.ts'
import { certifyAuthority } from '../../../src/pki/x509/authority.ts'
import { pem } from '../../../src/pki/x509/issue.ts'
import { openOpenssl } from '../pki/openssl.ts'

const openssl = openOpenssl()
afterAll(openssl.cleanUp)

it('a browser’s key and the certificate that the server makes for it satisfy openssl', async () => {
  const key = await newAuthorityKey(crypto.subtle)
  const keyFile = openssl.file('ca.key', key)
  expect(openssl.run(['rsa', '-check', '-noout', '-in', keyFile]).toString()).toContain('ok')
  expect(openssl.run(['rsa', '-text', '-noout', '-in', keyFile]).toString()).toContain('2048 bit')

  const made = certifyAuthority(key, Date.now())
  if (!made.ok) {
    throw new Error(made.error)
  }
  const { der, spki } = made.authority.certificate
  const file = openssl.file('ca.pem', pem('CERTIFICATE', der))
  const strict = ['verify', '-x509_strict', '-check_ss_sig', '-CAfile', file, file]
  expect(openssl.run(strict).toString()).toContain('OK')
  const publicKey = openssl.run(['pkey', '-in', keyFile, '-pubout', '-outform', 'DER'])
  expect(Buffer.compare(publicKey, spki)).toBe(0)
})

it('two keys differ', async () => {
  const [one, other] = [await newAuthorityKey(crypto.subtle), await newAuthorityKey(crypto.subtle)]
  expect(one).not.toBe(other)
})

it.each([
  ['nothing', /cannot be read/],
  ['-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n', /cannot be read/],
])('no CA is made for a key that is %j', (key, error) => {
  const made = certifyAuthority(key, Date.now())
  expect(made).toMatchObject({ ok: false, error: expect.stringMatching(error) })
})
