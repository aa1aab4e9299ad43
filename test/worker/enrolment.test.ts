import { describe, expect, it } from 'vitest'
import { api, env, events, newDevice, newIdentity, serve, TOPIC, until } from './server.ts'

interface List {
  devices: { udid: string; serial_number: string; enrollment_status: boolean }[] | null
}

const listed = async (udid: string) =>
  (await api<List>('POST', '/v1/devices', { filter_udid: [udid] })).body.devices

/** Waits until MicroMDM's list has heard of an enrolment or its end. */
const shownAs = ({ udid }: { readonly udid: string }, enrolled: boolean) =>
  until(
    () => listed(udid),
    (devices) => devices?.[0]?.enrollment_status === enrolled,
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

  it('keeps what was queued before its first message', async () => {
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

describe('check-ins that we decline', () => {
  it('answers UserAuthenticate with 410 and GetToken with 400', async () => {
    const device = newDevice()
    await device.enroll()
    expect((await device.checkIn('UserAuthenticate', { UserID: 'X' })).status).toBe(410)
    expect((await device.checkIn('GetToken', { TokenServiceType: 'x' })).status).toBe(400)
    expect((await device.checkIn('NoSuchMessage')).status).toBe(400)
  })
})

it('the Worker tells what is missing when it is half configured', async () => {
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
