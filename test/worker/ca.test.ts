import { createExecutionContext } from 'cloudflare:test'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { installAuthority } from '../../src/directory/authorities.ts'
import { forgetUnused } from '../../src/directory/certificates.ts'
import worker from '../../src/index.ts'
import type { Env } from '../../src/env.ts'
import { challengeMode, profileChallenge } from '../../src/directory/challenges.ts'
import { type ChallengeSettings } from '../../src/config/settings.ts'
import type { Authority } from '../../src/pki/x509/authority.ts'
import { issueCertificate, pem, randomSerial } from '../../src/pki/x509/issue.ts'
import { createSealer } from '../../src/pki/seal/seal.ts'
import { readCertificate } from '../../src/pki/x509/certificate.ts'
import { createIdentity } from '../../src/simulator/device/identity.ts'
import { createPublicKey } from 'node:crypto'
import { clock, turn } from './clock.ts'
import { ask } from './enroll-tools.ts'
import { api, env, newDevice, newIdentity, serve } from './server.ts'
import {
  enrol,
  install,
  newAuthority,
  oneTimeChallenge,
  request,
  rsaKey,
  send,
} from './scep-client.ts'

const DAY = 86_400_000
const NOW = clock.now()

interface Listed {
  items: {
    id: string
    issues: boolean
    imported: boolean
    issued: number
    warning?: string
  }[]
}
const listed = async () => (await api<Listed>('GET', '/api/ca')).body.items

/** Like every CA that MicroMDM ever made: one name, serial number 1. */
function micromdmCA(notAfter: number): Authority {
  const key = rsaKey()
  const der = issueCertificate({
    subject: [
      ['C', 'US'],
      ['O', 'MicroMDM'],
      ['OU', 'MICROMDM SCEP CA'],
    ],
    publicKey: createPublicKey(key.export({ type: 'pkcs8', format: 'pem' })),
    signingKey: key,
    serial: Uint8Array.of(1),
    notBefore: NOW - 1800 * DAY,
    notAfter,
    ca: true,
    keyUsage: ['digitalSignature', 'keyCertSign'],
  })
  return { certificate: readCertificate(der), key }
}

/** A device's certificate with something wrong or weak about it. */
function leafOf(
  { certificate, key }: Authority,
  odd: { bits?: number; extKeyUsage?: 'serverAuth'; notBefore?: number },
) {
  const { bits = 2048, extKeyUsage = 'clientAuth', notBefore = NOW - DAY } = odd
  const privateKey = rsaKey(bits)
  const der = issueCertificate({
    subject: [['CN', 'odd']],
    publicKey: createPublicKey(privateKey.export({ type: 'pkcs8', format: 'pem' })),
    signingKey: key,
    issuer: certificate,
    serial: randomSerial(),
    notBefore,
    notAfter: NOW + 100 * DAY,
    keyUsage: ['digitalSignature'],
    extKeyUsage: [extKeyUsage],
  })
  return { certificate: der, privateKey, commonName: 'odd' }
}

/** The first identity of each depot: the same issuer, the same serial number 2. */
function firstIdentityOf({ certificate, key }: Authority) {
  return createIdentity({
    ca: { certificate, privateKey: key },
    commonName: 'Mac',
    serial: Uint8Array.of(2),
  })
}

const expired = micromdmCA(NOW - DAY)
const namesake = micromdmCA(NOW + 100 * DAY)
const fresh = newAuthority()

describe('a deployment without CA', () => {
  it('answers 503, and accepts no request', async () => {
    expect((await serve('/scep?operation=GetCACert')).status).toBe(503)
    const { der } = request({ challenge: 'x' }, fresh)
    const init = { method: 'POST', body: der as Uint8Array<ArrayBuffer> }
    expect((await serve('/scep?operation=PKIOperation', init)).status).toBe(503)
    expect(await listed()).toEqual([])
  })
})

describe('an installed CA', () => {
  it('must be a CA, with its own RSA key', async () => {
    const text = ({ key }: Authority): string =>
      String(key.export({ type: 'pkcs8', format: 'pem' }))
    const certificate = pem('CERTIFICATE', fresh.certificate.der)
    const leaf = pem('CERTIFICATE', firstIdentityOf(expired).certificate)
    const small = newAuthority(NOW, rsaKey(1024))
    for (const [body, error] of [
      [{ certificate, private_key: text(namesake) }, /does not belong/],
      [{ certificate: leaf, private_key: text(fresh) }, /no CA certificate/],
      [{ certificate: 'nothing', private_key: text(fresh) }, /no PEM CERTIFICATE/],
      [{ certificate, private_key: 'nothing' }, /key cannot be read/],
      [
        { certificate: pem('CERTIFICATE', small.certificate.der), private_key: text(small) },
        /2048/,
      ],
      [{ certificate, private_key: text(fresh), next_serial: -1 }, /next_serial/],
      ['[', /no valid JSON/],
    ] as const) {
      const answer = await api<{ detail: string }>('POST', '/api/ca', body)
      expect(answer.status).toBe(400)
      expect(answer.body.detail).toMatch(error)
      expect(answer.body.detail).not.toContain('PRIVATE')
    }
    expect(await listed()).toEqual([])
  })

  it('keeps its key sealed', async () => {
    await install(expired, { imported: true })
    const rows = JSON.stringify((await env.DB.prepare('SELECT * FROM authorities').all()).results)
    const pkcs8 = expired.key.export({ type: 'pkcs8', format: 'der' })
    expect(rows).toContain(JSON.stringify([...expired.certificate.der]).slice(1, -1))
    expect(rows).not.toContain(JSON.stringify([...pkcs8.subarray(400, 440)]).slice(1, -1))
  })

  it('issues nothing after its end, while its identities stay valid', async () => {
    const device = newDevice({ identity: firstIdentityOf(expired) })
    expect((await device.enroll()).status).toBe(200)
    await expect(enrol({ challenge: await oneTimeChallenge() })).rejects.toMatchObject({
      failInfo: '2',
    })
    expect(await listed()).toMatchObject([{ issues: false, imported: true, issued: 0 }])
    expect((await listed())[0]?.warning).toMatch(/expired/)
  })
})

describe('two CAs of one name with colliding serial numbers, one of them expired', () => {
  const old = firstIdentityOf(expired)
  const other = firstIdentityOf(namesake)
  beforeAll(() => install(namesake, { imported: true, next_serial: 300 }))

  it('are distinguished by key: identities of both enrol, each in its own name', async () => {
    expect(readCertificate(old.certificate).issuer).toBe(readCertificate(other.certificate).issuer)
    expect(readCertificate(old.certificate).serial).toBe(readCertificate(other.certificate).serial)
    const devices = [old, other].map((identity) => newDevice({ identity }))
    for (const device of devices) {
      expect((await device.enroll()).status).toBe(200)
    }
    const [first, second] = devices
    first?.useIdentity(other)
    second?.useIdentity(old)
    expect((await first?.connect({ Status: 'Idle' }))?.status).toBe(400)
    expect((await second?.connect({ Status: 'Idle' }))?.status).toBe(400)
  })

  it('open requests that were encrypted to either CA, and the newer CA issues', async () => {
    const pending = request({ challenge: await oneTimeChallenge() }, expired)
    const certificate = readCertificate((await send(pending)).certificate)
    expect(certificate.issuer).toBe(namesake.certificate.subject)
    expect(await listed()).toMatchObject([
      { id: namesake.certificate.keyId, issues: true, issued: 1 },
      { id: expired.certificate.keyId, issues: false, issued: 0 },
    ])
  })

  it('continue the imported serial counter, without a gap or a repetition under load', async () => {
    const challenges = await Promise.all(Array.from({ length: 6 }, oneTimeChallenge))
    const identities = await Promise.all(
      challenges.map((challenge) => send(request({ challenge }, namesake))),
    )
    const serials = identities.map(({ certificate }) => readCertificate(certificate).serial).sort()
    expect(serials).toEqual(['012d', '012e', '012f', '0130', '0131', '0132'])
  })

  it('keep the static challenge of the profiles in the field, unless a setting says otherwise', async () => {
    await expect(enrol({ challenge: 'micromdm' })).resolves.toBeTruthy()
    const settings = { dynamicChallenge: undefined, challenge: 'micromdm', challengeLifetime: DAY }
    const sealer = createSealer(env.SEAL_KEYS)
    const download = (scep: ChallengeSettings) =>
      profileChallenge(env.DB, { scep, sealer }, NOW, { profile: 1, by: 'anybody' })
    expect(await download(settings)).toBe('micromdm')
    const dynamic = { ...settings, dynamicChallenge: true }
    expect(await challengeMode(env.DB, dynamic)).toEqual({ kind: 'one-time' })
    const challenge = await download(dynamic)
    await expect(enrol({ challenge })).resolves.toBeTruthy()
    await expect(enrol({ challenge })).rejects.toMatchObject({ failInfo: '2' })
  })
})

describe('a certificate that is new here', () => {
  beforeAll(() => install(fresh))

  it('with a short key enrols below an imported CA, with a warning, and not below one of ours', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
    const weak = () =>
      warn.mock.calls.flat().filter((line) => String(line).includes('"identity:weak"'))
    const device = newDevice({ identity: leafOf(namesake, { bits: 1024 }) })
    expect((await device.enroll()).status).toBe(200)
    expect((await device.connect({ Status: 'Idle' })).status).toBe(200)
    expect(weak()).toEqual([
      expect.stringMatching(
        `"device":"${device.udid}".*"reason":"the certificate CN=odd has an RSA key of 1024 bits"`,
      ),
    ])
    const ours = newDevice({ identity: leafOf(fresh, { bits: 1024 }) })
    expect((await ours.authenticate()).status).toBe(400)
    expect(weak()).toHaveLength(1)
    warn.mockRestore()
  })

  it.each([
    ['for servers', { extKeyUsage: 'serverAuth' }],
    ['not valid yet', { notBefore: NOW + DAY }],
  ] as const)('is refused when it is %s', async (_, odd) => {
    const device = newDevice({ identity: leafOf(namesake, odd) })
    expect((await device.authenticate()).status).toBe(400)
    expect((await device.tokenUpdate()).status).toBe(400)
  })

  it('is not checked again when its device is known', async () => {
    const identity = newIdentity(undefined, 'ec', new Date(clock.now() - 365 * DAY + 1000))
    const device = newDevice({ identity })
    await device.enroll()
    turn(2000)
    expect((await device.connect({ Status: 'Idle' })).status).toBe(200)
    expect((await device.tokenUpdate()).status).toBe(200)
    expect((await newDevice({ identity }).authenticate()).status).toBe(400)
  })
})

describe('a rotation', () => {
  it('issues from the new CA, and enrolments of the old CA stay and renew', async () => {
    const identity = await enrol({ challenge: await oneTimeChallenge() })
    const device = newDevice({ identity })
    await device.enroll()
    const pending = request({ challenge: await oneTimeChallenge() }, namesake)
    await install(fresh)
    expect((await device.connect({ Status: 'Idle' })).status).toBe(200)
    const renewed = await enrol({ renew: identity })
    expect(readCertificate(renewed.certificate).issuer).toBe(fresh.certificate.subject)
    device.useIdentity(renewed)
    expect((await device.connect({ Status: 'Idle' })).status).toBe(200)
    // A client that fetched the old CA before the rotation gets its answer from that CA.
    await expect(send(pending)).resolves.toBeTruthy()
  })

  it('to a CA that is installed twice leaves one CA, and its counter does not go back', async () => {
    await install(namesake, { imported: true, next_serial: 2 })
    expect((await listed()).map(({ id }) => id)).toEqual([
      namesake.certificate.keyId,
      fresh.certificate.keyId,
      expired.certificate.keyId,
    ])
    const identity = await enrol({ challenge: await oneTimeChallenge() })
    expect(Number.parseInt(readCertificate(identity.certificate).serial, 16)).toBeGreaterThan(0x132)
  })

  it('ends with the removal of the old CA: its known devices stay, new ones are refused', async () => {
    const known = await enrol({ challenge: await oneTimeChallenge() })
    const survivor = newDevice({ identity: known })
    await survivor.enroll()
    const issuing = `/api/ca/${namesake.certificate.keyId}`
    expect((await api('DELETE', issuing)).status).toBe(409)
    await install(fresh)
    expect((await api('DELETE', issuing)).status).toBe(204)
    expect((await api('DELETE', issuing)).status).toBe(404)
    expect((await survivor.connect({ Status: 'Idle' })).status).toBe(200)
    const stranger = newDevice({ identity: firstIdentityOf(namesake) })
    expect((await stranger.authenticate()).status).toBe(400)
    await install(namesake, { imported: true })
  })

  it('warns from 180 days before the end of the issuing CA', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
    const daily = () =>
      worker.scheduled({} as ScheduledController, env as unknown as Env, createExecutionContext())
    expect((await listed())[0]?.warning).toMatch(/expires on \d{4}-\d\d-\d\d: make a new one/)
    await daily()
    expect(warn.mock.calls.join()).toMatch(/"ca:expires","reason":"the CA .* expires on/)
    await install(newAuthority())
    warn.mockClear()
    expect((await listed())[0]?.warning).toBeNull()
    await daily()
    expect(warn.mock.calls.join()).not.toContain('ca:expires')
    warn.mockRestore()
  })

  it('issues from the CA that was installed last, for any time of the clock', async () => {
    const sealer = createSealer(env.SEAL_KEYS)
    const facts = { imported: false, nextSerial: undefined, now: clock.now() }
    const last = newAuthority()
    await installAuthority(env.DB, sealer, newAuthority(), facts)
    await installAuthority(env.DB, sealer, last, { ...facts, now: facts.now - DAY })
    expect((await listed())[0]).toMatchObject({ id: last.certificate.keyId, issues: true })
  })
})

it('issues although the key of an earlier CA is sealed by a seal key that is gone', async () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
  const gone = createSealer(`gone:${btoa('a seal key that is no longer set')}`)
  const facts = { imported: false, nextSerial: undefined, now: clock.now() }
  const earlier = newAuthority()
  await installAuthority(env.DB, gone, earlier, facts)
  await install(newAuthority())
  const identity = await enrol({ challenge: await oneTimeChallenge() })
  expect((await newDevice({ identity }).enroll()).status).toBe(200)
  const { keyId } = earlier.certificate
  expect(warn.mock.calls.join()).toContain(
    `"ca:not-opened","ca":"${keyId}","reason":"sealed with key`,
  )
  await api('DELETE', `/api/ca/${keyId}`)
  warn.mockRestore()
})

describe('certificates that no device uses', () => {
  const moved = newAuthority()
  const kept = async (where = '1'): Promise<number | null> =>
    env.DB.prepare(`SELECT count(*) AS n FROM certificates WHERE ${where}`).first<number>('n')

  it('are deleted after 7 days below an imported CA too, if this server issued them', async () => {
    const before = firstIdentityOf(moved)
    // The clock stands, so the imports of the tests above have later times than it: up to the next second.
    turn(1000)
    await install(moved, { imported: true })
    const challenge = 'micromdm'
    const [used, unused] = [await enrol({ challenge }), await enrol({ challenge })]
    const device = newDevice({ identity: used })
    await device.enroll()
    turn(7 * DAY)
    await worker.scheduled(
      {} as ScheduledController,
      env as unknown as Env,
      createExecutionContext(),
    )
    expect(await kept(`authority = '${moved.certificate.keyId}'`)).toBe(1)
    expect((await newDevice({ identity: unused }).authenticate()).status).toBe(400)
    expect((await newDevice({ identity: before }).enroll()).status).toBe(200)
    expect((await device.connect({ Status: 'Idle' })).status).toBe(200)
    await install(moved, { imported: true })
    expect((await newDevice({ identity: unused }).enroll()).status).toBe(200)
  })

  it('begin no enrolment after their deletion, even if DEVICE_CA names our CA', async () => {
    const own = newAuthority()
    await install(own)
    const identity = await enrol({ challenge: await oneTimeChallenge() })
    turn(7 * DAY)
    await worker.scheduled(
      {} as ScheduledController,
      env as unknown as Env,
      createExecutionContext(),
    )
    expect(await kept(`authority = '${own.certificate.keyId}'`)).toBe(0)
    const bindings = { DEVICE_CA: pem('CERTIFICATE', own.certificate.der) }
    const device = newDevice({ identity, fetch: (url, init) => ask(url, init, bindings) })
    expect((await device.connect({ Status: 'Idle' })).status).toBe(400)
    expect((await device.authenticate()).status).toBe(400)
  })

  it('are limited in number if they were issued without proof: the oldest go first', async () => {
    const row = (name: string, at: number) =>
      env.DB.prepare(
        `INSERT INTO certificates (fingerprint, authority, serial, subject, issued_at, not_after, der, counted, kept_until)
          VALUES (?1, ?1, '', '', ?2, 0, x'', 1, ?3)`,
      ).bind(name, clock.now() + at, clock.now() + DAY)
    await env.DB.batch([
      ...['first', 'second', 'third', 'fourth'].map((name, n) => row(name, n)),
      env.DB.prepare(`INSERT INTO identities (fingerprint, enrollment) VALUES ('first', 'D')`),
    ])
    await forgetUnused(env.DB, clock.now(), 2)
    const names = `fingerprint IN ('first', 'second', 'third', 'fourth')`
    expect([await kept(names), await kept(`${names} AND fingerprint <> 'second'`)]).toEqual([3, 3])
  })
})
