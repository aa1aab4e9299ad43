import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readCertificateHeader } from '../../../../src/pki/cms/certificate-header.ts'
import { pem } from '../../../../src/pki/x509/issue.ts'
import { nodeIdentity } from '../node-identity.ts'

const { certificate, read } = nodeIdentity({ key: 'ec' })
const base64 = Buffer.from(certificate).toString('base64')
const text = pem('CERTIFICATE', certificate)
const identity = { ok: true, certificate, fingerprint: read.fingerprint, others: [] }

describe('a client certificate in a header', () => {
  it('is read as RFC 9440 and as URL-escaped PEM', () => {
    expect(readCertificateHeader(`:${base64}:`)).toEqual(identity)
    expect(readCertificateHeader(encodeURIComponent(text))).toEqual(identity)
    // nginx leaves + and / as they are in some versions.
    expect(readCertificateHeader(encodeURI(text))).toEqual(identity)
  })

  it.each([
    ['nothing', ''],
    ['base64 without colons', base64],
    ['two header lines', `:${base64}:, :${base64}:`],
    ['two certificates', encodeURIComponent(text + text)],
    ['a certificate and a key', encodeURIComponent(text + pem('PRIVATE KEY', certificate))],
    ['a broken escape', '-----BEGIN%20CERTIFICATE%'],
    ['no certificate', ':AAAA:'],
    ['a cut certificate', `:${base64.slice(0, -8)}:`],
    ['too much', `:${'A'.repeat(20_000)}:`],
    ['too much around it', `:${base64}:${' '.repeat(20_000)}`],
  ])('is refused when there is %s', (_, value) => {
    expect(readCertificateHeader(value).ok).toBe(false)
  })

  it('is refused with any other content, and nothing is thrown', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.uint8Array().map((bytes) => `:${Buffer.from(bytes).toString('base64')}:`),
          fc
            .tuple(fc.nat(certificate.length - 1), fc.integer({ min: 1, max: 255 }))
            .map(([at, by]) => {
              const changed = Buffer.from(certificate)
              changed[at] = (changed[at] ?? 0) ^ by
              return `:${changed.toString('base64')}:`
            }),
        ),
        (value) => {
          const check = readCertificateHeader(value)
          expect(check.ok && check.fingerprint).not.toBe(read.fingerprint)
        },
      ),
    )
  })
})
