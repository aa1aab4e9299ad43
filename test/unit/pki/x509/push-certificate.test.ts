import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { pem } from '../../../../src/pki/x509/issue.ts'
import { checkPushCertificate, expiryWarning } from '../../../../src/pki/x509/push-certificate.ts'
import { nodeIdentity } from '../node-identity.ts'

const NOW = Date.UTC(2026, 10, 23)
const TOPIC = 'com.apple.mgmt.External.0b64b4ac-fb3a-4aa3-9c9b-1f4c1f1a3e2d'
const push = nodeIdentity({ subject: [['UID', TOPIC]] })
const device = nodeIdentity({ key: 'ec' })
const certPem = pem('CERTIFICATE', push.certificate)
const pkcs8 = String(push.privateKey.export({ type: 'pkcs8', format: 'pem' }))
const pkcs1 = String(push.privateKey.export({ type: 'pkcs1', format: 'pem' }))
const ecPem = String(device.privateKey.export({ type: 'pkcs8', format: 'pem' }))
const cipher = { cipher: 'aes-256-cbc', passphrase: 'secret' } as const

describe('a push certificate', () => {
  it.each([
    ['PKCS#8', pkcs8],
    ['PKCS#1', pkcs1],
    ['a file with the certificate in front', `${certPem}${pkcs1}`],
  ])('is accepted with its key as %s', (_, keyPem) => {
    expect(checkPushCertificate(`Bag\n${certPem}`, keyPem, NOW)).toEqual({
      ok: true,
      topic: TOPIC,
      notAfter: Date.UTC(2030, 0),
      certificatePem: certPem,
      keyPem: pkcs8,
      fingerprint: push.read.fingerprint,
    })
  })

  it.each([
    ['the key of another', certPem, ecPem, NOW, /does not belong/],
    ['an expired date', certPem, pkcs8, Date.UTC(2031, 0), /expired on 2030-01-01/],
    ['no topic', pem('CERTIFICATE', device.certificate), ecPem, NOW, /no UID/],
    ['no certificate', 'nothing', pkcs8, NOW, /no PEM CERTIFICATE/],
    ['a broken certificate', pem('CERTIFICATE', Uint8Array.of(1, 2)), pkcs8, NOW, /cannot be read/],
    ['no key', certPem, certPem, NOW, /no PEM PRIVATE KEY/],
    ['a broken key', certPem, pem('PRIVATE KEY', Uint8Array.of(1, 2)), NOW, /cannot be read/],
    [
      'an encrypted PKCS#8 key',
      certPem,
      String(push.privateKey.export({ type: 'pkcs8', format: 'pem', ...cipher })),
      NOW,
      /decrypt it first/,
    ],
    [
      'an encrypted PKCS#1 key',
      certPem,
      String(push.privateKey.export({ type: 'pkcs1', format: 'pem', ...cipher })),
      NOW,
      /decrypt it first/,
    ],
  ])('with %s is refused in one clear line', (_, cert, keyPem, now, message) => {
    const check = checkPushCertificate(cert, keyPem, now)
    expect(check.ok ? 'accepted' : check.error).toMatch(message)
    expect(check.ok ? '\n' : check.error).not.toContain('\n')
  })
})

it('damaged in any way is judged, and never throws', () => {
  const damage = (text: string, at: number, byte: number): string => {
    const bytes = Buffer.from(text)
    bytes[at % bytes.length] = byte
    return bytes.toString('latin1')
  }
  const spot = fc.tuple(fc.nat(), fc.integer({ min: 32, max: 126 }))
  fc.assert(
    fc.property(
      fc.array(spot, { maxLength: 4 }),
      fc.array(spot, { maxLength: 2 }),
      (inCert, inKey) => {
        const cert = inCert.reduce((text, [at, byte]) => damage(text, at, byte), certPem)
        const key = inKey.reduce((text, [at, byte]) => damage(text, at, byte), pkcs1)
        const check = checkPushCertificate(cert, key, NOW)
        expect(check.ok || check.error.length > 0).toBe(true)
      },
    ),
    { numRuns: 2000 },
  )
})

it.each([
  [61, 'nothing'],
  [60, 'in 60 days: renew it at https://identity.apple.com'],
  [0, 'in 0 days'],
  [-1, 'expired on 2026-11-22, and Apple takes no push with it'],
])('%i days before a push certificate’s end the warning says %s', (days, text) => {
  expect(expiryWarning(NOW + days * 86_400_000, NOW) ?? 'nothing').toContain(text)
})
