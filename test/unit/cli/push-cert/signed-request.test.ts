import { expect, it } from 'vitest'
import { checkSignedRequest } from '../../../../src/cli/push-cert/signed-request.ts'
import { writeCertificationRequest } from '../../../../src/pki/x509/certification-request.ts'
import { newKey } from '../../../../src/simulator/device/identity.ts'
import { DAY, newVendor } from './vendor.ts'

const NOW = Date.now()
const key = newKey('rsa')
const keyPem = key.export({ type: 'pkcs1', format: 'pem' }).toString()
const csr = writeCertificationRequest([['CN', 'push']], key)
const vendor = newVendor()
const check = (text: string) => checkSignedRequest(text, keyPem, NOW)
const day = (days: number) => new Date(NOW + days * DAY).toISOString().slice(0, 10)

it('a signed request that Apple takes names its vendor', () => {
  expect(check(vendor.signed({ csr }))).toMatchObject({ commonName: 'MDM Vendor: Example' })
})

it.each<[string, string, string]>([
  [
    'whose vendor certificate has expired, with the date',
    newVendor([-400, -3]).signed({ csr }),
    `Apple will refuse this request: the vendor's certificate CN=MDM Vendor: Example, O=Apple Inc. expired on ${day(-3)}`,
  ],
  [
    'whose vendor certificate is not valid yet',
    newVendor([2, 300]).signed({ csr }),
    `is valid from ${day(2)} on`,
  ],
  ['signed with SHA-1', vendor.signed({ csr, digest: 'sha1' }), 'signed with SHA-1'],
  [
    'signed by another vendor than the chain says',
    vendor.signed({ csr, chain: newVendor().chain }),
    'does not belong to this request',
  ],
  [
    'whose chain lacks the intermediate',
    vendor.signed({ csr, chain: vendor.chain.filter((_, index) => index !== 1) }),
    '(-80018)',
  ],
  [
    'whose chain lacks the root',
    vendor.signed({ csr, chain: vendor.chain.slice(0, 2) }),
    '(-80018)',
  ],
  ['without certificates', vendor.signed({ csr, chain: [] }), 'holds no certificate of its vendor'],
  [
    'for another key',
    vendor.signed({ csr: writeCertificationRequest([['CN', 'push']], newKey('rsa')) }),
    'is for another key than push.key',
  ],
  ['with a damaged CSR', vendor.signed({ csr: csr.slice(0, 90) }), 'request in the signed file'],
  ['that is no plist', Buffer.from('hello').toString('base64'), 'no signed request for Apple'],
])('a request %s is refused before its upload', (_, text, message) => {
  expect(() => check(text)).toThrow(message)
})
