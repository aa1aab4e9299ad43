import { afterAll, describe, expect, it } from 'vitest'
import { signAttached } from '../../../../src/pki/cms/sign.ts'
import { pem } from '../../../../src/pki/x509/issue.ts'
import { readSigner } from '../../../../src/pki/x509/signer.ts'
import { nodeIdentity } from '../node-identity.ts'
import { openOpenssl } from '../openssl.ts'

const openssl = openOpenssl()
afterAll(openssl.cleanUp)

const root = nodeIdentity({
  subject: [['CN', 'Root']],
  ca: true,
  keyUsage: ['keyCertSign'],
  notAfter: Date.UTC(2060, 0),
  key: 'ec',
})
const middle = nodeIdentity({
  subject: [['CN', 'Middle']],
  ca: true,
  keyUsage: ['keyCertSign'],
  notAfter: Date.UTC(2060, 0),
  key: 'ec',
  by: root,
})
const body = Buffer.from('<?xml version="1.0"?>\r\n<plist/>\n')

describe('a certificate that signs profiles', () => {
  it.each(['rsa', 'ec'] as const)(
    'signs with its chain, to the satisfaction of openssl (%s)',
    (key) => {
      const leaf = nodeIdentity({ by: middle, key, notAfter: Date.now() + 86_400_000 })
      const type = key === 'rsa' ? 'pkcs1' : 'sec1'
      const signer = readSigner(
        pem('CERTIFICATE', leaf.certificate) + pem('CERTIFICATE', middle.certificate),
        leaf.privateKey.export({ type, format: 'pem' }).toString(),
      )
      const { certificate, chain, privateKey } = signer
      const der = signAttached({
        certificate: certificate.der,
        chain,
        privateKey,
        body,
        digest: 'sha256',
        signingTime: Date.now(),
      })
      const ca = openssl.file('root.pem', pem('CERTIFICATE', root.certificate))
      const args = ['cms', '-verify', '-binary', '-inform', 'DER', '-purpose', 'any', '-CAfile', ca]
      expect(openssl.run(args, der)).toEqual(body)
    },
  )

  it('is refused without its own key, and the message does not repeat the key', () => {
    const { certificate } = nodeIdentity({ key: 'ec' })
    const cert = pem('CERTIFICATE', certificate)
    const other = nodeIdentity({ key: 'ec' }).privateKey.export({ type: 'pkcs8', format: 'pem' })
    expect(() => readSigner(cert, String(other))).toThrow(
      'the private key does not belong to the certificate',
    )
    expect(() => readSigner(cert, 'topsecret')).toThrow(/^the private key is no unencrypted PEM$/)
    expect(() => readSigner('', String(other))).toThrow('holds no PEM CERTIFICATE block')
  })
})
