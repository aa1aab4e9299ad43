import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import worker from '../../src/index.ts'
import type { Renewals } from '../../src/delivery/renewals.ts'
import type { Env } from '../../src/env.ts'
import { readCertificate } from '../../src/pki/x509.ts'
import { arrayAt, isDict, stringAt } from '../../src/plist/dict.ts'
import type { PlistDict } from '../../src/plist/value.ts'
import { writePlist } from '../../src/plist/write.ts'
import type { SimulatedDevice } from '../../src/simulator/device.ts'
import { obtainIdentity, readEnrollmentProfile } from '../../src/simulator/enrolment.ts'
import { createIdentity, readIssuer } from '../../src/simulator/identity.ts'
import { readProfile } from '../../src/simulator/installed.ts'
import { enrolByProfile, install, newAuthority, scepFetch, someKey } from './scep-client.ts'
import { api, env, events, newDevice, newIdentity, until } from './server.ts'

const DAY = 86_400_000
const ca = readIssuer({ certificate: env.DEVICE_CA, privateKey: env.DEVICE_CA_KEY })
const scep = { fetch: scepFetch, key: someKey }

interface Listed {
  id: string
  fingerprint: string
  not_after: string
  renewal: { state: string; reason: string } | null
}
interface Status {
  state: string
  reason: string
  enabled: boolean
  due: number
  counts: Record<string, number>
}

const authority = newAuthority()
beforeAll(() => install(authority))

/** Every identity of the deployment, those that end first first. */
async function listed(query = ''): Promise<Listed[]> {
  const found: Listed[] = []
  let cursor: string | null = ''
  while (cursor !== null) {
    const path: string = `/api/identities?limit=2${query}${cursor && `&cursor=${cursor}`}`
    const { body } = await api<{ identities: Listed[]; next: string | null }>('GET', path)
    found.push(...body.identities)
    cursor = body.next
  }
  return found
}

const one = async (device: SimulatedDevice) => (await listed()).find(({ id }) => id === device.udid)
const renewalOf = (device: SimulatedDevice, state: string) =>
  until(
    () => one(device),
    (row) => row?.renewal?.state === state,
  )
const renew = (device: SimulatedDevice) =>
  api<{ detail?: string }>('POST', `/api/devices/${device.udid}/renew`)
const status = async () => (await api<Status>('GET', '/api/renewals')).body
const set = (body: object) => api<Status & { detail: string }>('PATCH', '/api/renewals', body)
const fingerprintOf = (device: SimulatedDevice) =>
  readCertificate(device.identity().certificate).fingerprint

/** The MDM payload of the last profile that a device was sent. */
function sentMdm(device: SimulatedDevice): PlistDict | undefined {
  const profile = device.enrollmentProfile()?.profile ?? {}
  return arrayAt(profile, 'PayloadContent')
    ?.filter((payload) => isDict(payload))
    .find((payload) => stringAt(payload, 'PayloadType') === 'com.apple.mdm')
}

describe('a device that enrolled by our profile', () => {
  it('is renewed by the same profile, URLs and queries to the byte, and its enrolment goes on', async () => {
    const device = await enrolByProfile({ query: '?site=Z%C3%BCrich+7&room=a%20b' })
    await device.poll()
    const before = { mdm: sentMdm(device), fingerprint: fingerprintOf(device) }
    const token = crypto.getRandomValues(new Uint8Array(16))
    await device.setBootstrapToken(token)
    const user = device.userChannel({ userId: crypto.randomUUID(), shortName: 'ada' })
    await user.tokenUpdate()
    expect((await renew(device)).status).toBe(200)
    expect((await one(device))?.renewal).toMatchObject({ state: 'sent' })
    await api('POST', '/v1/commands', { udid: device.udid, request_type: 'SecurityInfo' })
    expect(await device.poll()).toMatchObject({ ended: 'empty', answered: 2 })
    expect(device.received.map(({ requestType }) => requestType)).toEqual([
      'InstallProfile',
      'SecurityInfo',
    ])
    const { IdentityCertificateUUID: old, PayloadUUID: _, ...constant } = before.mdm ?? {}
    expect(sentMdm(device)).toMatchObject(constant)
    expect(sentMdm(device)?.['IdentityCertificateUUID']).not.toBe(old)
    expect(constant['ServerURL']).toContain('?site=Z%C3%BCrich+7&room=a+b')
    expect(fingerprintOf(device)).not.toBe(before.fingerprint)
    expect(await renewalOf(device, 'renewed')).toMatchObject({ fingerprint: fingerprintOf(device) })
    expect((await device.getBootstrapToken()).token).toEqual(token)
    expect((await user.connect({ Status: 'Idle' })).status).toBe(200)
    const told = await until(
      () => events(device.udid, 1),
      (all) => all.filter(({ topic }) => topic === 'mdm.Authenticate').length === 2,
    )
    const marks = told.map(({ checkin_event: event }) => event?.['renewal'])
    expect(marks.filter(Boolean)).toEqual([true])
  })

  it('is recognised by its certificate alone, when the command is no longer in the queue', async () => {
    const device = await enrolByProfile({ answer: () => 'silence' })
    await renew(device)
    await device.poll()
    const profile = readProfile(device.received[0]?.command['Payload'])
    await api('DELETE', `/v1/commands/${device.udid}`)
    await api('POST', '/v1/commands', { udid: device.udid, request_type: 'SecurityInfo' })
    device.useIdentity(await obtainIdentity(readEnrollmentProfile(profile ?? {}), scep, 'Renamed'))
    await device.authenticate()
    await device.enroll()
    await device.poll()
    expect(device.received.map(({ requestType }) => requestType)).toEqual([
      'InstallProfile',
      'SecurityInfo',
    ])
    // Once it has enrolled with it, another Authenticate begins anew.
    await device.enroll()
    await device.poll()
    expect(device.received).toHaveLength(2)
  })

  it('starts anew when it comes back with a fresh profile and not with its renewal, wiped in between', async () => {
    const device = await enrolByProfile({ answer: () => 'silence' })
    await renew(device)
    await device.poll()
    await api('POST', '/v1/commands', { udid: device.udid, request_type: 'SecurityInfo' })
    const wiped = await enrolByProfile({ udid: device.udid, serial: device.serial })
    await wiped.poll()
    expect(wiped.received).toEqual([])
    await until(
      () => one(wiped),
      (row) => row?.fingerprint === fingerprintOf(wiped),
    )
    expect((await one(wiped))?.renewal).toBeNull()
  })

  it('tells why it refused, keeps its identity, and is not tried again at once', async () => {
    const device = await enrolByProfile({
      answer: ({ requestType }) =>
        requestType === 'InstallProfile'
          ? {
              Status: 'Error',
              ErrorChain: [
                { ErrorDomain: 'MCSCEPErrorDomain', ErrorCode: 22013, USEnglishDescription: 'no' },
              ],
            }
          : undefined,
    })
    await renew(device)
    await device.poll()
    expect(await renewalOf(device, 'failed')).toMatchObject({
      fingerprint: fingerprintOf(device),
      renewal: { reason: 'no (MCSCEPErrorDomain 22013)' },
    })
  })

  it('is blocked when it calls another URL than its profile had', async () => {
    const device = await enrolByProfile({ serverUrl: 'http://mdm.test/mdm/connect?moved=1' })
    await device.poll()
    const answer = await renew(device)
    expect(answer.status).toBe(409)
    expect(answer.body.detail).toMatch(/the device calls http.*moved=1, and its profile had http/)
    expect(await renewalOf(device, 'blocked')).toMatchObject({
      renewal: { reason: answer.body.detail },
    })
  })

  it('has a renewal already on its way, and gets no second', async () => {
    const device = await enrolByProfile()
    await renew(device)
    expect((await renew(device)).body).toEqual({ command_uuid: null })
    await device.poll()
    expect(device.received).toHaveLength(1)
    expect((await api('POST', '/api/devices/NOBODY/renew')).status).toBe(409)
  })
})

describe('a device whose profile was not made here', () => {
  const query = '?site=7&room=%41'
  const urls = {
    serverUrl: `http://old.test/mdm/connect${query}`,
    checkInUrl: `http://old.test/mdm/checkin${query}`,
  }
  const stranger = async (options = {}) => {
    const device = newDevice({ identity: newIdentity(undefined, 'rsa'), scep, ...urls, ...options })
    await device.enroll()
    await device.poll()
    return device
  }

  it('is blocked with a reason, until an admin says that it has the default one', async () => {
    const device = await stranger()
    expect((await renew(device)).body.detail).toMatch(/not known which enrolment profile/)
    await set({ unknown_profiles: 'default' })
    expect((await renew(device)).status).toBe(200)
    await device.poll()
    expect(sentMdm(device)).toMatchObject({
      ServerURL: urls.serverUrl,
      CheckInURL: urls.checkInUrl,
    })
    expect(await renewalOf(device, 'renewed')).toMatchObject({ id: device.udid })
    const employee = { userEnrollment: { enrollmentId: crypto.randomUUID() } }
    const personal = await stranger(employee)
    const path = `/api/devices/${employee.userEnrollment.enrollmentId}/renew`
    expect((await api('POST', path)).body['detail']).toMatch(/User Enrollment/)
    expect(personal.received).toEqual([])
    await set({ unknown_profiles: null })
  })

  it('keeps the other payloads of a stored profile, and what its MDM payload says', async () => {
    const identifier = 'com.example.mdm'
    const anchor = {
      PayloadType: 'com.apple.security.root',
      PayloadUUID: 'A',
      PayloadContent: new Uint8Array([1]),
    }
    const mdm = {
      PayloadType: 'com.apple.mdm',
      PayloadUUID: 'M',
      PayloadIdentifier: 'com.example.mdm.m',
      IdentityCertificateUUID: 'S',
      ServerURL: `http://OLD.test:80/mdm/connect${query}`,
      Topic: 'com.apple.mgmt.External.test',
      AccessRights: 19,
      ServerCapabilities: ['com.apple.mdm.per-user-connections'],
      SignMessage: true,
    }
    const identity = {
      PayloadType: 'com.apple.security.scep',
      PayloadUUID: 'S',
      PayloadContent: {
        URL: 'http://old.test/scep',
        Challenge: 'old',
        Keysize: 4096,
        Subject: [[['CN', 'Own']]],
      },
    }
    const profile = {
      PayloadType: 'Configuration',
      PayloadIdentifier: identifier,
      PayloadUUID: 'P',
      PayloadContent: [anchor, identity, mdm],
    }
    const Mobileconfig = Buffer.from(writePlist(profile)).toString('base64')
    await api('PUT', '/v1/profiles', { profile: { Identifier: identifier, Mobileconfig } })
    expect((await set({ unknown_profiles: 'com.example.nothing' })).body.detail).toMatch(
      /stored as/,
    )
    await set({ unknown_profiles: identifier })
    const device = await stranger({ checkInUrl: urls.serverUrl })
    expect((await renew(device)).status).toBe(200)
    await device.poll()
    const { PayloadIdentifier, PayloadContent } = device.enrollmentProfile()?.profile ?? {}
    expect(PayloadIdentifier).toBe(identifier)
    // The device's own spelling of the URL is the profile's, and no CheckInURL appears that was not there.
    const { IdentityCertificateUUID: _, ...constant } = mdm
    expect(PayloadContent).toEqual([
      anchor,
      {
        ...identity,
        PayloadUUID: expect.any(String),
        PayloadContent: {
          ...identity.PayloadContent,
          URL: 'http://old.test/scep',
          Challenge: expect.not.stringMatching('old'),
        },
      },
      { ...constant, IdentityCertificateUUID: expect.not.stringMatching(/^S$/) },
    ])
    await set({ unknown_profiles: null })
    await api('DELETE', '/v1/profiles', { ids: [identifier] })
  })
})

describe('a round of renewals', () => {
  const object = (
    env as unknown as { RENEWALS: DurableObjectNamespace<Renewals> }
  ).RENEWALS.getByName('fleet')
  const tick = () => runDurableObjectAlarm(object)
  const cron = () => worker.scheduled({} as ScheduledController, env as unknown as Env)

  /** Devices with the default profile and a day left of their identities; nobody else's is near its end. */
  async function fleet(size: number, options = {}): Promise<SimulatedDevice[]> {
    const devices = Array.from({ length: size }, (_, n) =>
      newDevice({
        identity: createIdentity({
          ca,
          commonName: `old ${n}`,
          key: someKey,
          now: new Date(Date.now() - 364 * DAY),
        }),
        scep,
        ...options,
      }),
    )
    for (const device of devices) {
      await device.enroll()
      await device.poll()
    }
    const ids = new Set(devices.map(({ udid }) => udid))
    await until(
      () => listed(`&expires_before=${new Date(Date.now() + 2 * DAY).toISOString()}`),
      (rows) => rows.filter(({ id }) => ids.has(id)).length === size,
    )
    return devices
  }

  const sentTo = async (devices: readonly SimulatedDevice[]) => {
    const rows = await Promise.all(devices.map(one))
    return devices.filter((_, index) => rows[index]?.renewal?.state === 'sent')
  }

  beforeEach(async () => {
    const udids = (await listed()).map(({ id }) => id)
    await api('DELETE', '/v1/devices', { Opts: { udids } })
    await until(listed, (rows) => rows.length === 0)
    await runInDurableObject(object, async (_, state) => {
      await state.storage.deleteAll()
      state.storage.kv.put('renewals', { changedAt: Date.now(), unknownProfiles: 'default' })
    })
  })

  it('begins with one device, and goes on in batches when that has its new identity', async () => {
    const devices = await fleet(8)
    expect(await status()).toMatchObject({ state: 'idle', due: 8 })
    await cron()
    expect(await status()).toMatchObject({ state: 'running', due: 8 })
    await tick()
    const canaries = await sentTo(devices)
    expect(canaries).toHaveLength(1)
    await tick()
    expect(await sentTo(devices)).toEqual(canaries)
    const [canary] = canaries
    await canary?.poll()
    expect(canary && (await renewalOf(canary, 'renewed'))).toBeTruthy()
    await tick()
    expect(await sentTo(devices)).toHaveLength(5)
    await tick()
    expect(await sentTo(devices)).toHaveLength(7)
    await tick()
    expect(await status()).toMatchObject({ state: 'idle', due: 0, counts: { sent: 7, renewed: 1 } })
    await Promise.all(devices.map((device) => device.poll()))
    const rows = await Promise.all(devices.map((device) => renewalOf(device, 'renewed')))
    for (const row of rows) {
      expect(Date.parse(row?.not_after ?? '')).toBeGreaterThan(Date.now() + 300 * DAY)
    }
  })

  it('stops when the first device refuses, says why, and goes on when an admin enables it', async () => {
    const devices = await fleet(2, { answer: () => 'Error' })
    await cron()
    await tick()
    const [canary] = await sentTo(devices)
    await canary?.poll()
    expect(canary && (await renewalOf(canary, 'failed'))).toBeTruthy()
    await tick()
    const stopped = await status()
    expect(stopped).toMatchObject({ state: 'stopped', due: 1 })
    expect(stopped.reason).toMatch(/^the first renewal failed: The command failed/)
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
    await cron()
    expect(warn.mock.calls.join('\n')).toMatch(/"renewals:off".*the first renewal failed/)
    warn.mockRestore()
    expect((await set({ enabled: true })).body).toMatchObject({
      state: 'running',
      reason: '',
      due: 2,
    })
  })

  it('tells which devices are blocked, at once and not at the pace of renewals', async () => {
    await runInDurableObject(object, (_, state) => {
      state.storage.kv.put('renewals', { changedAt: Date.now() })
    })
    const devices = await fleet(2)
    await cron()
    await tick()
    await tick()
    await tick()
    expect(await status()).toMatchObject({ state: 'idle', due: 0, counts: { blocked: 2 } })
    expect((await set({ unknown_profiles: 'default' })).body).toMatchObject({
      state: 'running',
      due: 2,
    })
    await tick()
    expect(await sentTo(devices)).toHaveLength(1)
  })

  it('does nothing by itself after a CA was imported, until an admin enables it', async () => {
    await install(newAuthority(), { imported: true })
    const devices = await fleet(1)
    await cron()
    expect(await status()).toMatchObject({ state: 'off', enabled: false, due: 1 })
    expect(await tick()).toBe(false)
    expect((await set({ enabled: true })).body).toMatchObject({ state: 'running' })
    await tick()
    expect(await sentTo(devices)).toHaveLength(1)
    await install(newAuthority(), { imported: true })
    expect(await status()).toMatchObject({ enabled: false })
  })
})
