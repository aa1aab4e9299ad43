import { describe, expect, it } from 'vitest'
import { entry, xmlOf } from '../devices/xml.ts'
import {
  TOPIC,
  api,
  enrolled,
  env,
  events,
  newDevice,
  newIdentity,
  serve,
  until,
} from './server.ts'
import { buildBinary } from 'plist'
import { signAttached } from '../../src/pki/cms/sign.ts'
import { appleIdentity, ask, post, profileOf } from './enroll-tools.ts'
import { newHook, removeHooks } from './webhook-tools.ts'

interface List {
  devices: { udid: string; serial_number: string; enrollment_status: boolean }[] | null
}

const listed = async (udid: string) =>
  (await api<List>('POST', '/v1/devices', { filter_udid: [udid] })).body.devices

/** Waits until MicroMDM's list has heard of an enrolment or its end. */
const shownAs = ({ udid }: { readonly udid: string }, isEnrolled: boolean) =>
  until(
    () => listed(udid),
    (devices) => devices?.[0]?.enrollment_status === isEnrolled,
  )

describe('a device that enrols', () => {
  it('is listed from its first message on, and enrolled after its TokenUpdate', async () => {
    const device = newDevice()
    expect((await device.authenticate()).status).toBe(200)
    expect(await listed(device.udid)).toMatchObject([
      { serial_number: device.serial, enrollment_status: false },
    ])
    expect((await device.tokenUpdate()).status).toBe(200)
    await shownAs(device, true)
  })

  it('fetches a command, answers it, and the receiver gets every message in order, byte for byte', async () => {
    const device = newDevice()
    await device.enroll()
    const queued = await api('POST', '/v1/commands', {
      udid: device.udid,
      request_type: 'ProfileList',
      command_uuid: 'list-1',
    })
    expect(queued).toEqual({
      status: 201,
      body: { payload: { command_uuid: 'list-1', command: { request_type: 'ProfileList' } } },
    })
    await device.poll()
    expect(device.received.map(({ uuid }) => uuid)).toEqual(['list-1'])
    const got = await events(device.udid, 4)
    expect(got.map(({ topic }) => topic)).toEqual([
      'mdm.Authenticate',
      'mdm.TokenUpdate',
      'mdm.Connect',
      'mdm.Connect',
    ])
    expect(got.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4])
    const payloads = got.map(
      (event) => (event.checkin_event ?? event.acknowledge_event)?.raw_payload,
    )
    expect(payloads).toEqual(device.sent.map(({ body }) => Buffer.from(body).toString('base64')))
    expect(got[3]?.acknowledge_event).toMatchObject({
      status: 'Acknowledged',
      command_uuid: 'list-1',
    })
  })

  it('takes both message kinds on both paths', async () => {
    const device = newDevice({
      checkInUrl: 'http://mdm.test/mdm/connect',
      serverUrl: 'http://mdm.test/mdm/checkin',
    })
    expect((await device.enroll()).status).toBe(200)
    expect((await device.connect({ Status: 'Idle' })).status).toBe(200)
  })

  it('gets commands that were queued before its first message', async () => {
    const device = newDevice()
    await api('POST', '/v1/commands', { udid: device.udid, request_type: 'SecurityInfo' })
    await device.enroll()
    await device.poll()
    expect(device.received.map(({ requestType }) => requestType)).toEqual(['SecurityInfo'])
  })

  it('starts anew when it enrols again: older commands are superseded', async () => {
    const device = newDevice()
    await device.enroll()
    await api('POST', '/v1/commands', { udid: device.udid, request_type: 'SecurityInfo' })
    device.useIdentity(newIdentity())
    await device.enroll()
    await device.poll()
    expect(device.received).toEqual([])
  })

  it('loses nothing when the answer to its Authenticate got lost and it sends it again', async () => {
    const device = newDevice()
    await device.authenticate()
    await api('POST', '/v1/commands', { udid: device.udid, request_type: 'SecurityInfo' })
    await device.enroll()
    await device.poll()
    expect(device.received.map(({ requestType }) => requestType)).toEqual(['SecurityInfo'])
  })

  it('is off the list after it checked out', async () => {
    const device = newDevice()
    await device.enroll()
    await shownAs(device, true)
    await device.checkOut()
    await shownAs(device, false)
    const push = await api('GET', `/push/${device.udid}`)
    expect(push.body).toEqual({
      error: `retrieving PushInfo by UDID: not found: PushInfo udid ${device.udid}`,
    })
  })

  it('may be a User Enrollment with an EnrollmentID, and a user with a queue of its own', async () => {
    const enrollmentId = crypto.randomUUID()
    const device = newDevice({ userEnrollment: { enrollmentId } })
    await device.enroll()
    const user = device.userChannel({ userId: crypto.randomUUID(), shortName: 'ada' })
    expect((await user.tokenUpdate()).status).toBe(200)
    await api('POST', '/v1/commands', { udid: enrollmentId, request_type: 'SecurityInfo' })
    await user.poll()
    expect(user.received).toEqual([])
    await device.poll()
    expect(device.received).toHaveLength(1)
    const [event] = await events(enrollmentId, 1)
    expect(event?.checkin_event).toMatchObject({
      enrollment_id: enrollmentId,
      ids: { id: enrollmentId, type: 'User Enrollment (Device)' },
    })
  })
})

describe('tokens that a device escrows', () => {
  it('come back byte for byte, are sealed at rest, and are not served to the next enrolment', async () => {
    const device = newDevice()
    await device.enroll()
    expect((await device.getBootstrapToken()).token).toEqual(new Uint8Array())
    const token = crypto.getRandomValues(new Uint8Array(64))
    await device.setBootstrapToken(token)
    expect((await device.getBootstrapToken()).token).toEqual(token)
    device.useIdentity(newIdentity())
    await device.enroll()
    expect((await device.getBootstrapToken()).token).toEqual(new Uint8Array())
  })
})

describe('a renewal', () => {
  const profile = `<?xml version="1.0"?><plist version="1.0"><dict><key>PayloadContent</key><array><dict>
    <key>PayloadType</key><string>com.apple.mdm</string></dict></array></dict></plist>`

  async function renew(awaitingConfiguration: boolean, adopted = false) {
    const commonName = `renewing ${crypto.randomUUID()}`
    const device = newDevice({ identity: newIdentity(commonName), answer: () => 'silence' })
    await (adopted ? device.tokenUpdate() : device.enroll())
    await device.setBootstrapToken(new Uint8Array([1, 2, 3]))
    await api('POST', '/v1/commands', {
      udid: device.udid,
      request_type: 'InstallProfile',
      payload: btoa(profile),
    })
    await api('POST', '/v1/commands', {
      udid: device.udid,
      request_type: 'SecurityInfo',
      command_uuid: 'survivor',
    })
    await device.poll()
    device.useIdentity(newIdentity(commonName))
    expect((await device.authenticate()).status).toBe(200)
    await device.tokenUpdate({ awaitingConfiguration })
    const [profileCommand] = device.received
    await device.connect({ Status: 'Acknowledged', CommandUUID: profileCommand?.uuid ?? '' })
    const view = await api<{ commands?: { uuid: string }[] }>('GET', `/v1/commands/${device.udid}`)
    return { device, queue: view.body.commands?.map(({ uuid }) => uuid) ?? [] }
  }

  it('keeps queue and tokens, once the new identity has acknowledged the profile', async () => {
    const { device, queue } = await renew(false)
    expect(queue).toContain('survivor')
    expect((await device.getBootstrapToken()).token).toEqual(new Uint8Array([1, 2, 3]))
  })

  it('of a device that never sent Authenticate before is one too', async () => {
    const { device, queue } = await renew(false, true)
    expect(queue).toContain('survivor')
    expect((await device.getBootstrapToken()).token).toEqual(new Uint8Array([1, 2, 3]))
  })

  it('that awaits configuration was an enrolment after all', async () => {
    const { device } = await renew(true)
    await device.poll()
    expect(device.received.map(({ requestType }) => requestType)).toEqual(['InstallProfile'])
    expect((await device.getBootstrapToken()).token).toEqual(new Uint8Array())
  })

  it('is an enrolment when no renewal profile was sent', async () => {
    const device = newDevice()
    await device.enroll()
    await api('POST', '/v1/commands', { udid: device.udid, request_type: 'SecurityInfo' })
    device.useIdentity(newIdentity())
    await device.enroll()
    await device.poll()
    expect(device.received).toEqual([])
  })
})

describe('check-ins that the server declines', () => {
  it('answers UserAuthenticate with 410 and GetToken with 400', async () => {
    const device = newDevice()
    await device.enroll()
    expect((await device.checkIn('UserAuthenticate', { UserID: 'X' })).status).toBe(410)
    expect((await device.checkIn('GetToken', { TokenServiceType: 'x' })).status).toBe(400)
    expect((await device.checkIn('NoSuchMessage')).status).toBe(400)
  })
})

it('the Worker names the missing settings when it is half configured', async () => {
  const { default: worker } = await import('../../src/index.ts')
  const response = await worker.fetch(
    new Request('http://mdm.test/v1/devices', { method: 'POST' }),
    { ...env, API_KEY: '' } as never,
    { waitUntil() {}, passThroughOnException() {} } as never,
  )
  expect(response.status).toBe(503)
  expect(await response.text()).toContain('API_KEY is not set')
  expect(TOPIC).toContain('com.apple.mgmt')
})

it('the admin API reads no body before it knows the admin', async () => {
  const response = await serve('/v1/commands', { method: 'POST', body: '{' })
  expect(response.status).toBe(401)
  expect(await response.json()).toEqual({ error: 'Unauthorized' })
})

/** As `raw_payload` has it. */
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')

const NAME = 'Al\x1bice &#27;\xef\xbf\xbe\xed\xa0\x80\xff ]]>'
const READ = 'Al�ice ������ ]]>'

describe('a device whose name is not all text', () => {
  it('has its answers taken: the webhook gets the bytes, the API shows U+FFFD, the next command goes out', async () => {
    const hook = await newHook({ topics: ['mdm.Connect'] })
    const device = await enrolled()
    const path = `/api/devices/${device.udid}/commands`
    const info = { request_type: 'DeviceInformation', queries: ['DeviceName'] }
    const { body: first } = await api('POST', path, { ...info, command_uuid: 'one' })
    await api('POST', path, { ...info, command_uuid: 'two' })
    await device.connect({ Status: 'Idle' })
    const body = xmlOf(
      entry('UDID', device.udid) +
        entry('Status', 'Acknowledged') +
        entry('CommandUUID', 'one') +
        `<key>QueryResponses</key><dict>${entry('DeviceName', NAME)}<key>n</key><date>x</date></dict>` +
        // Of another type than Apple's.
        entry('ErrorChain', 'none') +
        '<key>UnlockToken</key><data>QUJD</data>',
    )
    const next = await device.send(body, 'connect')
    expect(next.status).toBe(200)
    expect(Buffer.from(next.body).toString()).toContain('<string>two</string>')
    const whole = (await events(device.udid, 5)).find(
      ({ acknowledge_event: about }) => about?.['status'] === 'Acknowledged' && !about['redacted'],
    )
    expect(whole?.acknowledge_event?.raw_payload).toBe(base64(body))
    const [cut] = await hook.events(device.udid, 1)
    expect(cut?.acknowledge_event).toMatchObject({ redacted: ['UnlockToken'] })
    const rest = Buffer.from(cut?.acknowledge_event?.raw_payload ?? '', 'base64')
    expect(rest.toString('latin1')).toBe(
      Buffer.from(body).toString('latin1').replace('<key>UnlockToken</key><data>QUJD</data>', ''),
    )
    const shown = await api('GET', `/api/commands/${String(first['id'])}`)
    expect(shown).toMatchObject({
      status: 200,
      body: {
        state: 'acknowledged',
        result: { QueryResponses: { DeviceName: READ, n: 'x' } },
        errors: [],
      },
    })
    await removeHooks()
  })

  it('enrols, and is listed', async () => {
    const device = newDevice()
    const body = xmlOf(
      entry('MessageType', 'Authenticate') +
        entry('UDID', device.udid) +
        entry('Topic', TOPIC) +
        entry('DeviceName', NAME),
    )
    expect((await device.send(body, 'checkIn')).status).toBe(200)
    expect((await device.tokenUpdate()).status).toBe(200)
    expect((await events(device.udid, 1))[0]?.checkin_event?.raw_payload).toBe(base64(body))
    await until(
      () => api<{ items: object[] }>('GET', `/api/devices?q=${device.udid}`),
      ({ body: { items } }) => JSON.stringify(items).includes(`"device_name":"${READ}"`),
    )
  })

  it('is refused when one of its ids is broken, and no id is repaired into another’s', async () => {
    const device = await enrolled()
    const broken = xmlOf(entry('UDID', `${device.udid}\x01`) + entry('Status', 'Idle'))
    expect((await device.send(broken, 'connect')).status).toBe(400)
    const answer = xmlOf(
      entry('UDID', device.udid) + entry('Status', 'Acknowledged') + entry('CommandUUID', 'a\xff'),
    )
    expect((await device.send(answer, 'connect')).status).toBe(400)
  })

  it('gets its profile in Setup Assistant and over the air, in XML and binary', async () => {
    const binary = Buffer.from(
      buildBinary({ UDID: 'U', SERIAL: 'S', PRODUCT: 'iPhone16,2', X: 'ab' }),
    )
    // The text becomes a null object.
    binary[binary.lastIndexOf('Rab', undefined, 'latin1')] = 0
    const xml = xmlOf(
      entry('UDID', 'U') + entry('SERIAL', 'S') + entry('PRODUCT', 'iPhone\x1b') + entry('X', NAME),
    )
    for (const plist of [xml, binary]) {
      const body = signAttached({ ...appleIdentity(), body: plist, digest: 'sha256' })
      for (const path of ['/mdm/enroll', '/ota/phase23']) {
        await profileOf(await ask(path, post(body)))
      }
    }
    const serial = xmlOf(entry('UDID', 'U') + entry('SERIAL', 'S\x1b'))
    const body = signAttached({ ...appleIdentity(), body: serial, digest: 'sha256' })
    expect((await ask('/mdm/enroll', post(body))).status).toBe(400)
  })
})
