import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import worker from '../../src/index.ts'
import { arrayAt, isDict, stringAt } from '../../src/plist/dict.ts'
import type { PlistDict } from '../../src/plist/value.ts'
import { writePlist } from '../../src/plist/write.ts'
import type { SimulatedDevice } from '../../src/simulator/device/device.ts'
import {
  downloadProfile,
  obtainIdentity,
  readEnrollmentProfile,
} from '../../src/simulator/device/enrolment.ts'
import { readProfile } from '../../src/simulator/device/answers/installed.ts'
import {
  readCertRep,
  sendScepRequest,
  type ScepFetch,
  writeScepRequest,
} from '../../src/simulator/device/scep.ts'
import { turn } from './clock.ts'
import { fingerprintOf, one, queuers, renew, renewalOf, set } from './renewal-client.ts'
import {
  enrol,
  enrolByProfile,
  install,
  newAuthority,
  SCEP_URL,
  scepFetch,
  someKey,
} from './scep-client.ts'
import { api, env, events, listedAs, newDevice, newIdentity, until } from './server.ts'

const scep = { fetch: scepFetch, key: someKey }

const authority = newAuthority()
beforeAll(() => install(authority))

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
    expect(await queuers(device)).toMatchObject([
      { face: 'api', key: expect.any(String), renewal: true },
    ])
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
    expect(await renewalOf(device, 'renewed')).toMatchObject({ id: fingerprintOf(device) })
    expect((await device.getBootstrapToken()).token).toEqual(token)
    expect((await user.connect({ Status: 'Idle' })).status).toBe(200)
    const posted = await until(
      () => events(device.udid, 1),
      (all) => all.filter(({ topic }) => topic === 'mdm.Authenticate').length === 2,
    )
    const marks = posted.map(({ checkin_event: event }) => event?.['renewal'])
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
    device.useIdentity(newIdentity())
    await device.enroll()
    await device.poll()
    expect(device.received).toHaveLength(2)
  })

  it('starts anew when it was wiped and comes back with a fresh profile instead of its renewal', async () => {
    const device = await enrolByProfile({ answer: () => 'silence' })
    await renew(device)
    await device.poll()
    await api('POST', '/v1/commands', { udid: device.udid, request_type: 'SecurityInfo' })
    const wiped = await enrolByProfile({ udid: device.udid, serial: device.serial })
    await wiped.poll()
    expect(wiped.received).toEqual([])
    await until(
      () => one(wiped),
      (row) => row?.id === fingerprintOf(wiped),
    )
    expect((await one(wiped))?.renewal).toBeNull()
  })

  it('reports why it refused, keeps its identity, and is not tried again at once', async () => {
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
      id: fingerprintOf(device),
      renewal: { reason: 'no (MCSCEPErrorDomain 22013)' },
    })
  })

  it('keeps the URLs of its profile when it calls others', async () => {
    const device = await enrolByProfile({ serverUrl: 'http://mdm.test/mdm/connect?moved=1' })
    await device.poll()
    expect((await renew(device)).status).toBe(200)
    await device.poll()
    expect(sentMdm(device)).toMatchObject({ ServerURL: 'http://mdm.test/mdm/connect' })
  })

  it('has a renewal already on its way, and gets no second', async () => {
    const device = await enrolByProfile()
    const { command_id: id, command_uuid } = (await renew(device)).body
    expect((await api('GET', `/api/commands/${id}`)).body).toMatchObject({ command_uuid })
    expect((await renew(device)).body).toEqual({ command_id: null, command_uuid: null })
    await device.poll()
    expect(device.received).toHaveLength(1)
    expect((await api('POST', '/api/devices/UNKNOWN/renew')).status).toBe(404)
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

  it('is blocked with a reason, until an admin declares that it has the default one', async () => {
    const device = await stranger()
    expect((await renew(device)).body.detail).toMatch(/not known which enrolment profile/)
    await set({ unknown_profiles: 'default' })
    expect((await renew(device)).status).toBe(200)
    await device.poll()
    expect(sentMdm(device)).toMatchObject({
      ServerURL: urls.serverUrl,
      CheckInURL: urls.checkInUrl,
    })
    expect(await renewalOf(device, 'renewed')).toMatchObject({ device_id: device.udid })
    const employee = { userEnrollment: { enrollmentId: crypto.randomUUID() } }
    const personal = await stranger(employee)
    const path = `/api/devices/${employee.userEnrollment.enrollmentId}/renew`
    expect((await api('POST', path)).body['detail']).toMatch(/User Enrollment/)
    expect(personal.received).toEqual([])
    await set({ unknown_profiles: null })
  })

  it('keeps the other payloads of a stored profile, and the values of its MDM payload', async () => {
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

describe('a Mac that renews with a new key and the challenge of its profile', () => {
  const DAY = 86_400_000
  /** Waits for what goes on behind the answer too. */
  const patient: ScepFetch = async (url, init) => {
    const context = createExecutionContext()
    const asked = new Request(url, init as RequestInit)
    const response = await worker.fetch(asked as never, env as never, context)
    await waitOnExecutionContext(context)
    return response
  }
  /** A request as macOS makes it. A stranger can make it too, after reading the profile. */
  const ask = async (device: SimulatedDevice): Promise<void> => {
    const challenge = device.enrollmentProfile()?.scep.challenge ?? expect.fail()
    await expect(enrol({ challenge, fetch: patient })).rejects.toMatchObject({ failInfo: '2' })
  }
  const sent = async ({ udid }: SimulatedDevice) =>
    (await api<{ items: { request_type: string }[] }>('GET', `/api/devices/${udid}/commands`)).body
      .items
  /** It enrolled ten months ago. */
  const ageing = async (options = {}): Promise<SimulatedDevice> => {
    const device = await enrolByProfile(options)
    await device.poll()
    await listedAs(device, 'enrolled')
    await ask(device)
    turn(300 * DAY)
    return device
  }

  it('gets no certificate, but its renewal profile, however many requests come', async () => {
    const device = await ageing()
    const before = fingerprintOf(device)
    const { challenge = '' } = device.enrollmentProfile()?.scep ?? {}
    expect(await sent(device)).toEqual([])
    await Promise.all([ask(device), ask(device), ask(device)])
    turn(DAY)
    await ask(device)
    expect(await sent(device)).toMatchObject([{ request_type: 'InstallProfile' }])
    await device.poll()
    expect(fingerprintOf(device)).not.toBe(before)
    await renewalOf(device, 'renewed')
    turn(DAY)
    await expect(enrol({ challenge, fetch: patient })).rejects.toMatchObject({ failInfo: '2' })
    expect(await sent(device)).toHaveLength(1)
  })

  it('gets another profile on another day when it has refused one', async () => {
    const device = await ageing({ answer: () => 'Error' })
    for (const numberSent of [1, 2, 3]) {
      await ask(device)
      await device.poll()
      await ask(device)
      expect(await sent(device)).toHaveLength(numberSent)
      turn(DAY + 60_000)
    }
  })

  it('is reported to admins once a day while renewals are off', async () => {
    await set({ enabled: false })
    const device = await ageing()
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
    await Promise.all([ask(device), ask(device)])
    const lines = warn.mock.calls.map(([line]) => JSON.parse(String(line)))
    warn.mockRestore()
    expect(lines.filter(({ event }) => event === 'scep:renewal-needed')).toEqual([
      {
        event: 'scep:renewal-needed',
        level: 'warn',
        device: device.udid,
        reason: 'renewals are off (PATCH /api/renewals): not enabled',
        request_id: expect.any(String),
      },
    ])
    const path = `/api/devices/${device.udid}/events?topic=renewal.needed`
    const { body } = await api<{ items: object[] }>('GET', path)
    expect(body.items).toHaveLength(1)
    expect(await sent(device)).toEqual([])
    expect((await one(device))?.renewal).toMatchObject({ state: 'blocked' })
    await set({ enabled: true })
  })

  it('with the same request as at enrolment gets the same certificate, and its renewal profile', async () => {
    const profile = await downloadProfile(patient, 'http://mdm.test/mdm/enroll')
    const options = { challenge: profile.scep.challenge, subject: [['CN', 'Mac']] as const }
    const pending = writeScepRequest(options, authority.certificate)
    const repeat = async () =>
      readCertRep(await sendScepRequest({ fetch: patient, url: SCEP_URL }, pending.der), pending)
    const identity = await repeat()
    const { serverUrl, topic, checkInUrl = serverUrl } = profile
    const device = newDevice({ profile, identity, serverUrl, checkInUrl, topic, scep })
    await device.enroll()
    await device.poll()
    await listedAs(device, 'enrolled')
    turn(300 * DAY)
    expect((await repeat()).certificate).toEqual(identity.certificate)
    expect(await sent(device)).toMatchObject([{ request_type: 'InstallProfile' }])
  })
})
