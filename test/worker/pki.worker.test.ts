import { Buffer } from 'node:buffer'
import { generateKeyPairSync } from 'node:crypto'
import { expect, it } from 'vitest'
import { verifyDetached } from '../../src/pki/cms/cms.ts'
import { signDetached } from '../../src/pki/cms/sign.ts'
import { issueCertificate, pem } from '../../src/pki/x509/issue.ts'
import { checkPushCertificate } from '../../src/pki/x509/push-certificate.ts'
import { createSealer, SealError } from '../../src/pki/seal/seal.ts'
import { type Anchor, validatePath } from '../../src/pki/x509/path.ts'
import { type Certificate, readCertificate } from '../../src/pki/x509/certificate.ts'

// workerd's node:crypto is not Node's (BoringSSL, its own bindings): the same calls are made here again.
const NOW = Date.UTC(2026, 10, 23)
const body = new TextEncoder().encode('<plist><dict/></plist>')
const DIGESTS = ['sha1', 'sha256', 'sha384', 'sha512'] as const

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const ec = generateKeyPairSync('ec', { namedCurve: 'P-384' })
const caKeys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const namesakeKeys = generateKeyPairSync('ec', { namedCurve: 'P-256' })

function issue(keys: typeof rsa, by: typeof rsa, issuer?: Certificate): Uint8Array {
  return issueCertificate({
    subject: issuer ? [['UID', 'com.apple.mgmt.test']] : [['CN', 'CA']],
    publicKey: keys.publicKey,
    signingKey: by.privateKey,
    ...(issuer && { issuer }),
    serial: Uint8Array.of(1),
    notBefore: Date.UTC(2020, 0),
    notAfter: Date.UTC(2030, 0),
    ca: issuer === undefined,
    keyUsage: issuer ? ['digitalSignature'] : ['keyCertSign'],
  })
}

const ca = readCertificate(issue(caKeys, caKeys))
const namesake = readCertificate(issue(namesakeKeys, namesakeKeys))
const rsaDevice = issue(rsa, caKeys, ca)
const ecDevice = issue(ec, caKeys, ca)

it.each(DIGESTS)('in workerd, signatures with %s are made and verified', (digest) => {
  for (const [certificate, { privateKey }] of [
    [rsaDevice, rsa],
    [ecDevice, ec],
  ] as const) {
    for (const withAttributes of [true, false]) {
      const der = signDetached({ certificate, privateKey, body, digest, withAttributes })
      expect(verifyDetached(der, body)).toMatchObject({ ok: true, certificate })
      expect(verifyDetached(der, body.slice(1)).ok).toBe(false)
    }
  }
})

it('in workerd, a changed byte is an answer, and never an exception', () => {
  const der = signDetached({
    certificate: ecDevice,
    privateKey: ec.privateKey,
    body,
    digest: 'sha256',
  })
  for (const at of der.keys()) {
    const changed = Uint8Array.from(der)
    changed[at] = (changed[at] ?? 0) ^ (1 << (at & 7))
    expect(() => verifyDetached(changed, body)).not.toThrow()
  }
})

it('in workerd, a chain leads to the CA of the key, not of the name', () => {
  const leaf = readCertificate(rsaDevice)
  const [own, other] = [ca, namesake].map((certificate): Anchor => ({ certificate, row: 'own' }))
  const both = [other, own].filter((anchor) => anchor !== undefined)
  expect(validatePath(leaf, [], both, NOW)).toEqual({ ok: true, caKeyId: ca.keyId, warnings: [] })
  expect(validatePath(leaf, [], both.slice(0, 1), NOW).ok).toBe(false)
})

it('in workerd, the size of a key is readable', () => {
  const small = generateKeyPairSync('rsa', { modulusLength: 1024 })
  const leaf = readCertificate(issue(small, caKeys, ca))
  const warnings = ['the certificate UID=com.apple.mgmt.test has an RSA key of 1024 bits']
  const byRow = (row: Anchor['row']) => validatePath(leaf, [], [{ certificate: ca, row }], NOW)
  expect(byRow('imported')).toEqual({ ok: true, caKeyId: ca.keyId, warnings })
  expect(byRow('own')).toEqual({ ok: false, reason: warnings[0] })
})

it('in workerd, secrets are sealed and opened', () => {
  const sealer = createSealer(Buffer.alloc(32, 7).toString('base64'))
  const sealed = sealer.seal(body, 'device/1')
  expect(sealer.open(sealed, 'device/1')).toEqual(body)
  expect(() => sealer.open(sealed, 'device/2')).toThrow(SealError)
  sealed[sealed.length - 1] = (sealed.at(-1) ?? 0) ^ 1
  expect(() => sealer.open(sealed, 'device/1')).toThrow(SealError)
})

it('in workerd, a push certificate is matched with its key', () => {
  const certificate = pem('CERTIFICATE', rsaDevice)
  const keyOf = (keys: typeof rsa): string =>
    String(keys.privateKey.export({ type: 'pkcs8', format: 'pem' }))
  expect(checkPushCertificate(certificate, keyOf(rsa), NOW).ok).toBe(true)
  expect(checkPushCertificate(certificate, keyOf(ec), NOW).ok).toBe(false)
})
