/**
 * Challenges of downloads: free until they are used, good once, for the device that they were given out
 * for.
 */
import { createExecutionContext } from 'cloudflare:test'
import { addInvitation } from '../../src/directory/invitations.ts'
import { createPrivateKey } from 'node:crypto'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { recordCertificate } from '../../src/directory/record-certificate.ts'
import { findChallenge, profileChallenge } from '../../src/directory/challenges.ts'
import worker from '../../src/index.ts'
import { signAttached } from '../../src/pki/cms/sign.ts'
import { createSealer } from '../../src/pki/seal/seal.ts'
import { readCertificate, readPem } from '../../src/pki/x509/certificate.ts'
import { asDict } from '../../src/plist/dict.ts'
import { readPlist } from '../../src/plist/read.ts'
import { writePlist } from '../../src/plist/write.ts'
import { downloadProfile } from '../../src/simulator/device/enrolment.ts'
import type { SimulatedIdentity } from '../../src/simulator/device/identity.ts'
import { heardControl } from './enroll-tools.ts'
import { clock, turn } from './clock.ts'
import { countedWorker } from './counting.ts'
import {
  enrol,
  enrolByProfile,
  install,
  newAuthority,
  oneTimeChallenge,
  request,
  scepFetch,
  send,
  someKey,
} from './scep-client.ts'
import { api, env, newDevice, newIdentity, serve, TOPIC } from './server.ts'

const DAY = 86_400_000
const MINUTE = 60_000
const PROFILE = 'http://mdm.test/mdm/enroll'
const { APPLE_DEVICE, APPLE_DEVICE_KEY } = env as unknown as Record<string, string>
const authority = newAuthority()
beforeAll(heardControl)
beforeAll(() => install(authority))

/** Keys are slow to make. Another key is another request, which a test of one challenge has to make. */
const mine = (options: Parameters<typeof enrol>[0]) => enrol({ key: someKey, ...options })

const count = (table: string, where = '1'): Promise<number | null> =>
  env.DB.prepare(`SELECT count(*) AS n FROM ${table} WHERE ${where}`).first<number>('n')

/** What a download had for a challenge. */
async function download(path = '/mdm/enroll'): Promise<string> {
  return (await downloadProfile(scepFetch, `http://mdm.test${path}`)).scep.challenge
}

async function daily(): Promise<void> {
  await worker.scheduled({} as ScheduledController, env as never, createExecutionContext())
}

/** The reasons that the log has for what is done meanwhile. */
async function reasons(event: string, work: () => Promise<unknown>): Promise<unknown[]> {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
  try {
    await work()
    return warn.mock.calls
      .map(([line]) => JSON.parse(String(line)) as Record<string, unknown>)
      .filter((line) => line['event'] === event)
      .map(({ reason }) => reason)
  } finally {
    warn.mockRestore()
  }
}

function device(identity: SimulatedIdentity, options: { udid?: string; serial?: string } = {}) {
  return newDevice({ identity, topic: TOPIC, ...options })
}

/** What a device posts, signed with what Apple built into it, or with an identity. */
function posted(about: { UDID?: string; SERIAL?: string }, by?: SimulatedIdentity): RequestInit {
  const [certificate = new Uint8Array()] = readPem(APPLE_DEVICE ?? '')
  const apple = { certificate, privateKey: createPrivateKey(APPLE_DEVICE_KEY ?? '') }
  const body = writePlist({ PRODUCT: 'Mac14,2', VERSION: '23A1', ...about })
  return { method: 'POST', body: signAttached({ ...(by ?? apple), body, digest: 'sha256' }) }
}

/** The challenge in the answer to such a post. */
async function challengeOf(path: string, init: RequestInit): Promise<string> {
  const response = await serve(path, init)
  expect(response.status).toBe(200)
  const profile = asDict(readPlist(new Uint8Array(await response.arrayBuffer())))
  const [scep] = profile['PayloadContent'] as { PayloadContent: { Challenge: string } }[]
  return scep?.PayloadContent.Challenge ?? expect.fail()
}

describe('a download', () => {
  it('writes nothing, and makes no profile for HEAD', async () => {
    const made = vi.spyOn(crypto, 'randomUUID')
    const counted = await countedWorker([], {})
    const before = await count('challenges')
    for (let n = 0; n < 100; n++) {
      const method = n % 10 === 0 ? 'HEAD' : 'GET'
      const query = n < 5 ? `?site=${'x'.repeat(10_000)}` : ''
      const response = await counted.fetch(new Request(`${PROFILE}${query}`, { method }))
      expect(response.status).toBe(200)
      expect(made.mock.calls.length > 0).toBe(method === 'GET')
      made.mockClear()
    }
    made.mockRestore()
    for (const path of ['/mdm/enroll', '/ota/phase23']) {
      const init = posted({ UDID: 'A', SERIAL: 'B' })
      await counted.fetch(new Request(`http://mdm.test${path}`, init))
    }
    expect(counted.spent()).toMatchObject({ rows: 0, directoryRows: 0, messages: 0 })
    expect(await count('challenges')).toBe(before)
  })

  it('has a challenge of 96 characters for one certificate, and it stays used', async () => {
    const challenge = await download()
    expect(challenge).toMatch(/^[A-Za-z0-9+/]{96}$/)
    const pending = request({ challenge, key: someKey }, authority)
    const attempts = await Promise.allSettled([
      send(pending),
      enrol({ challenge }),
      enrol({ challenge }),
    ])
    expect(attempts.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    const refusals = attempts.filter((attempt) => attempt.status === 'rejected')
    expect(refusals.map(({ reason }) => reason)).toMatchObject([
      { failInfo: '2' },
      { failInfo: '2' },
    ])
    turn(2 * DAY)
    await expect(enrol({ challenge })).rejects.toMatchObject({ failInfo: '2' })
  })

  it('gives a certificate to one of two requests at the same time', async () => {
    const sealer = createSealer(env.SEAL_KEYS)
    for (const text of [await download(), await oneTimeChallenge()]) {
      const found = await findChallenge(env.DB, sealer, text, clock.now())
      const challenge = found.kind === 'fresh' ? found.challenge : expect.fail()
      const record = (attempt: string) => {
        const certificate = readCertificate(newIdentity().certificate)
        const facts = { request: text + attempt, authority: 'x', now: clock.now() }
        return recordCertificate(env.DB, certificate, facts, { challenge })
      }
      expect([await record('a'), await record('b')]).toEqual([
        expect.objectContaining({ authority: 'x' }),
        undefined,
      ])
    }
  })

  it('gives nothing if it is revoked while the server answers the request', async () => {
    const text = await download()
    const found = await findChallenge(env.DB, createSealer(env.SEAL_KEYS), text, clock.now())
    const challenge = found.kind === 'fresh' ? found.challenge : expect.fail()
    await api('DELETE', '/api/challenges')
    turn(1)
    const certificate = readCertificate(newIdentity().certificate)
    const facts = { request: text, authority: 'x', now: clock.now() }
    expect(await recordCertificate(env.DB, certificate, facts, { challenge })).toBeUndefined()
  })

  it('gives the same certificate to the same request, also after the challenge ended', async () => {
    const pending = request({ challenge: await download() }, authority)
    const first = await send(pending)
    turn(2 * DAY)
    expect((await send(pending)).certificate).toEqual(first.certificate)
  })

  it('gives nothing if it is a day old, or changed', async () => {
    const old = await download()
    const tampered = (await download()).replace(/^../, 'AA')
    turn(DAY)
    const lines = await reasons('scep:refused', async () => {
      await expect(mine({ challenge: old })).rejects.toMatchObject({ failInfo: '2' })
      await expect(mine({ challenge: tampered })).rejects.toMatchObject({ failInfo: '2' })
    })
    expect(lines).toEqual(['the challenge is too old', 'the challenge is wrong'])
  })

  it('is voided when an admin revokes all challenges, as stored ones are; renewals stay', async () => {
    const challenge = await download()
    const ofAdmin = await oneTimeChallenge()
    const renewing = await enrolByProfile()
    await api('POST', `/api/devices/${renewing.udid}/renew`)
    const { status, body } = await api('DELETE', '/api/challenges')
    expect([status, body]).toEqual([200, { given_out_before: new Date(clock.now()).toISOString() }])
    const lines = await reasons('scep:refused', async () => {
      await expect(enrol({ challenge })).rejects.toMatchObject({ failInfo: '2' })
      await expect(mine({ challenge: ofAdmin })).rejects.toMatchObject({ failInfo: '2' })
    })
    expect(lines).toEqual(['the challenge was revoked', 'the challenge is wrong'])
    turn(1)
    await expect(mine({ challenge: await download() })).resolves.toBeTruthy()
    const { certificate } = renewing.identity()
    await renewing.poll()
    expect(renewing.identity().certificate).not.toEqual(certificate)
  })
})

describe('an identity from a challenge that was given out for a device', () => {
  const other = { udid: crypto.randomUUID(), serial: 'OTHER' }

  it.each(['ADE', 'OTA'])('by %s enrols that device and no other', async (way) => {
    const [udid, serial] = [crypto.randomUUID(), 'C02BOUND']
    const about = { UDID: udid, SERIAL: serial }
    let challenge: string
    let again: string | undefined
    if (way === 'ADE') {
      challenge = await challengeOf('/mdm/enroll', posted(about))
    } else {
      const first = await mine({ challenge: await challengeOf('/ota/phase23', posted(about)) })
      const lies = [{ ...about, UDID: other.udid }, { ...about, SERIAL: other.serial }, {}]
      for (const lie of lies) {
        expect((await serve('/ota/phase23', posted(lie, first))).status).toBe(400)
      }
      challenge = await challengeOf('/ota/phase23', posted(about, first))
      turn(1000)
      again = await challengeOf('/ota/phase23', posted(about, first))
    }
    const identity = await mine({ challenge })
    if (again !== undefined) {
      // The identity of phase 2 gets one other, and that one none.
      await expect(mine({ challenge: again })).rejects.toMatchObject({ failInfo: '2' })
      expect((await serve('/ota/phase23', posted(about, identity))).status).toBe(400)
    }
    const lines = await reasons('device:refused', async () => {
      for (const wrong of [
        { udid: other.udid, serial },
        { udid, serial: other.serial },
      ]) {
        expect((await device(identity, wrong).authenticate()).status).toBe(400)
      }
    })
    expect(lines).toEqual([
      'the certificate was issued for another UDID',
      'the certificate was issued for another serial number',
    ])
    expect((await device(identity, { udid, serial }).enroll()).status).toBe(200)
  })

  it('by an invitation for a serial number enrols no device with another one, or without one', async () => {
    const scep = { dynamicChallenge: true, challenge: '', challengeLifetime: DAY }
    const issuer = { scep, sealer: createSealer(env.SEAL_KEYS) }
    const facts = { serial: 'INVITED', note: '', expiresAt: clock.now() + DAY, maxUses: 1 }
    const added = await addInvitation(env.DB, facts, clock.now())
    const before = await count('challenges')
    const challenge = await profileChallenge(env.DB, issuer, clock.now(), {
      profile: 1,
      subject: { serial: 'INVITED' },
      by: { id: added?.invitation.id ?? '', maxUses: 1 },
    })
    expect(await count('challenges')).toBe((before ?? 0) + 1)
    const identity = await mine({ challenge })
    for (const serial of ['OTHER', '']) {
      expect((await device(identity, { serial }).authenticate()).status).toBe(400)
    }
    expect((await device(identity, { serial: 'INVITED' }).enroll()).status).toBe(200)
  })

  it('is unbound if the device names neither, as in a User Enrollment', async () => {
    const identity = await mine({ challenge: await challengeOf('/mdm/enroll', posted({})) })
    expect((await device(identity).enroll()).status).toBe(200)
  })

  it('passes its binding on to its successors', async () => {
    const [udid, serial] = [crypto.randomUUID(), 'C02LASTS']
    const challenge = await challengeOf('/mdm/enroll', posted({ UDID: udid, SERIAL: serial }))
    const identity = await mine({ challenge })
    await device(identity, { udid, serial }).enroll()
    await mine({ renew: identity })
    expect(await count('certificates', `bound_udid <> '' AND challenge IS NULL`)).toBe(1)
  })
})

describe('a certificate that this server issued', () => {
  it('is refused at first use, unless an enrolment begins with it', async () => {
    const identity = await mine({ challenge: await download() })
    const mac = device(identity)
    const lines = await reasons('device:refused', async () => {
      expect((await mac.connect({ Status: 'Idle' })).status).toBe(400)
      expect((await mac.tokenUpdate()).status).toBe(400)
    })
    expect(lines).toEqual(Array(2).fill(expect.stringMatching(/has to send Authenticate first$/)))
    expect((await mac.enroll()).status).toBe(200)
    expect((await device(newIdentity()).connect({ Status: 'Idle' })).status).toBe(200)
  })

  it('is deleted after 7 days without use, and then enrols no device', async () => {
    const unused = await mine({ challenge: await download() })
    const used = await mine({ challenge: await oneTimeChallenge() })
    const mac = device(used)
    await mac.enroll()
    const { fingerprint } = readCertificate(unused.certificate)
    const kept = (): Promise<number | null> =>
      count('certificates', `fingerprint = '${fingerprint}'`)
    turn(7 * DAY - 1)
    await daily()
    expect(await kept()).toBe(1)
    turn(1)
    await daily()
    expect(await kept()).toBe(0)
    expect(await count('certificates', 'kept_until > 0')).toBe(0)
    const lines = await reasons('device:refused', async () => {
      expect((await device(unused).authenticate()).status).toBe(400)
      expect((await device(unused).connect({ Status: 'Idle' })).status).toBe(400)
    })
    expect(lines).toEqual(Array(2).fill(expect.stringMatching(/enrol again$/)))
    expect((await mac.connect({ Status: 'Idle' })).status).toBe(200)
  })

  it('is kept as long as its challenge is valid', async () => {
    const scep = { dynamicChallenge: true, challenge: '', challengeLifetime: 30 * DAY }
    const issuer = { scep, sealer: createSealer(env.SEAL_KEYS) }
    const terms = { profile: 1, by: 'anybody' } as const
    const challenge = await profileChallenge(env.DB, issuer, clock.now(), terms)
    await mine({ challenge })
    turn(29 * DAY)
    await daily()
    await expect(enrol({ challenge })).rejects.toMatchObject({ failInfo: '2' })
    turn(DAY)
    await daily()
    await expect(enrol({ challenge })).rejects.toMatchObject({ failInfo: '2' })
  })
})

it('without proof there are 60 certificates a minute; renewals, ADE and admins’ challenges continue', async () => {
  turn(MINUTE)
  const row = `INSERT INTO certificates (fingerprint, authority, serial, subject, issued_at, not_after, der, counted)
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 58)
    SELECT 'stranger' || i, 'x', i, '', ?, 0, x'', 1 FROM n`
  const mac = await mine({ challenge: await oneTimeChallenge() })
  await device(mac).enroll()
  await env.DB.prepare(row).bind(clock.now()).run()
  const challenges = await Promise.all([1, 2, 3, 4].map(() => download()))
  const attempts = await Promise.allSettled(challenges.map((challenge) => mine({ challenge })))
  expect(attempts.filter(({ status }) => status === 'fulfilled')).toHaveLength(2)
  const left = challenges.find((_, n) => attempts[n]?.status === 'rejected') ?? expect.fail()
  const lines = await reasons('scep:refused', () =>
    expect(mine({ challenge: left })).rejects.toMatchObject({ failInfo: '2' }),
  )
  expect(lines).toEqual([expect.stringMatching(/^60 certificates .* raise SCEP_RATE$/)])
  const bound = await challengeOf('/mdm/enroll', posted({ UDID: 'U', SERIAL: 'S' }))
  await expect(mine({ challenge: bound })).resolves.toBeTruthy()
  await expect(mine({ challenge: await oneTimeChallenge() })).resolves.toBeTruthy()
  await expect(mine({ renew: mac })).resolves.toBeTruthy()
  turn(MINUTE)
  await expect(mine({ challenge: left })).resolves.toBeTruthy()
})

describe('a blocked device', () => {
  it('gets no challenge with its Apple certificate or identity, and no bootstrap token', async () => {
    const [udid, serial] = [crypto.randomUUID(), 'C02BLOCK']
    const about = { UDID: udid, SERIAL: serial }
    const ways = async (identity: SimulatedIdentity): Promise<number[]> => {
      const posts: [string, RequestInit][] = [
        ['/mdm/enroll', posted(about)],
        ['/ota/phase23', posted(about)],
        ['/ota/phase23', posted(about, identity)],
      ]
      return Promise.all(posts.map(async ([path, init]) => (await serve(path, init)).status))
    }
    const identity = await mine({ challenge: await challengeOf('/ota/phase23', posted(about)) })
    const mac = device(identity, { udid, serial })
    await mac.enroll()
    const token = crypto.getRandomValues(new Uint8Array(16))
    await mac.setBootstrapToken(token)
    expect(await ways(identity)).toEqual([200, 200, 200])
    await api('POST', `/v1/devices/${udid}/block`)
    expect(await ways(identity)).toEqual([400, 400, 400])
    expect((await mac.getBootstrapToken()).token ?? new Uint8Array()).toHaveLength(0)
    await api('POST', `/v1/devices/${udid}/unblock`)
    expect((await mac.getBootstrapToken()).token).toEqual(token)
    const { fingerprint } = readCertificate(identity.certificate)
    await api('POST', `/api/devices/${udid}/identities/${fingerprint}/revoke`)
    expect(await ways(identity)).toEqual([200, 200, 400])
  })
})
