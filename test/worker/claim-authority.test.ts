import { expect, it, vi } from 'vitest'
import { newAuthorityKey } from '../../src/claim-page/authority-key.ts'
import { readCertificate, readPem } from '../../src/pki/x509/certificate.ts'
import { fromNow } from './clock.ts'
import { enrol, newAuthority, oneTimeChallenge } from './scep-client.ts'
import { api } from './server.ts'

interface Installed {
  certificate: string
  imported: boolean
  issues: boolean
  expires_at: string
  detail: string
}

const DAY = 86_400_000

it('the server makes the certificate of a CA whose key alone was sent, and it issues', async () => {
  vi.spyOn(console, 'warn').mockImplementation(() => undefined)
  const body = { private_key: await newAuthorityKey(crypto.subtle) }
  const { status, body: ca } = await api<Installed>('POST', '/api/ca', body)
  expect(status).toBe(201)
  expect(ca).toMatchObject({ imported: false, issues: true })
  expect(ca.expires_at.slice(0, 16)).toBe(fromNow(3653 * DAY).slice(0, 16))
  expect(JSON.stringify(ca)).not.toContain('PRIVATE')

  const [der = new Uint8Array()] = readPem(ca.certificate)
  const issuer = readCertificate(der)
  const identity = await enrol({ challenge: await oneTimeChallenge() })
  expect(readCertificate(identity.certificate).issuer).toBe(issuer.subject)
})

it.each([
  ['an EC key', { private_key: 'ec' }, /RSA with 2048 bits/],
  ['no key', { private_key: 'nothing' }, /key cannot be read/],
  ['a CA that issued elsewhere', { private_key: 'rsa', imported: true }, /has a certificate/],
])('%s without a certificate is refused', async (_, body, words) => {
  const keys: Record<string, string> = {
    rsa: String(newAuthority().key.export({ type: 'pkcs8', format: 'pem' })),
    ec: await ecKey(),
  }
  const sent = { ...body, private_key: keys[body.private_key] ?? body.private_key }
  const answer = await api<Installed>('POST', '/api/ca', sent)
  expect(answer).toMatchObject({ status: 400, body: { detail: expect.stringMatching(words) } })
})

async function ecKey(): Promise<string> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' }
  const pair = (await crypto.subtle.generateKey(algorithm, true, ['sign'])) as CryptoKeyPair
  const der = (await crypto.subtle.exportKey('pkcs8', pair.privateKey)) as ArrayBuffer
  const base64 = btoa(String.fromCharCode(...new Uint8Array(der)))
  return `-----BEGIN PRIVATE KEY-----\n${base64}\n-----END PRIVATE KEY-----\n`
}
