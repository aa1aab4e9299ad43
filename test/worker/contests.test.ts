import { expect, it, vi } from 'vitest'
import { ask } from './enroll-tools.ts'
import { api, BASIC, decide, env, newDevice, newIdentity, pushes, until } from './server.ts'
import { fromNow, turn } from './clock.ts'

/** An enrolled Mac, and what enrols with its id and another certificate. */
async function rivals() {
  const device = newDevice({ answer: () => 'silence' })
  await device.enroll()
  await device.setBootstrapToken(new Uint8Array([1, 2, 3]))
  await api('POST', '/v1/commands', { udid: device.udid, request_type: 'SecurityInfo' })
  const { udid, serial } = device
  const other = newDevice({ udid, serial, answer: () => 'silence' })
  return { device, other }
}

const view = async ({ udid }: { readonly udid: string }) =>
  (await api<{ contest: object | null }>('GET', `/api/devices/${udid}`)).body.contest

it('an enrolled device is pushed as soon as another certificate enrols with its id, and keeps its enrolment', async () => {
  const { device, other } = await rivals()
  const before = (await pushes(device)).length
  await other.enroll()
  expect(await view(device)).toMatchObject({ undecided: false })
  await pushes(device, before + 1)
  const told = await until(
    () => api<{ items: { id: string }[] }>('GET', '/api/devices?contested=true'),
    ({ body }) => body.items.some(({ id }) => id === device.udid),
  )
  expect(told.status).toBe(200)

  await other.poll()
  expect(other.received).toEqual([])
  expect((await other.getBootstrapToken()).token).toEqual(new Uint8Array())
  expect((await other.checkIn('DeclarativeManagement', { Endpoint: 'tokens' })).status).toBe(503)

  await device.poll()
  const [probe] = device.received
  expect(probe?.requestType).toBe('DeviceInformation')
  await device.connect({ Status: 'Acknowledged', CommandUUID: probe?.uuid ?? '' })
  expect(await view(device)).toBeNull()
  const path = `/api/devices/${device.udid}/events?topic=enrollment.contested,enrollment.settled`
  const ended = await api<{ items: object[] }>('GET', path)
  expect(ended.body.items).toMatchObject([
    { topic: 'enrollment.settled', proof: 'probe' },
    { topic: 'enrollment.contested', contested_until: expect.any(String) },
  ])
  expect((await device.getBootstrapToken()).token).toEqual(new Uint8Array([1, 2, 3]))
  await device.poll()
  expect(device.received.map(({ requestType }) => requestType)).toContain('SecurityInfo')
  // The other one hears nothing, and is not told to leave.
  for (const message of [
    () => other.connect({ Status: 'Idle' }),
    () => other.authenticate(),
    () => other.checkIn('DeclarativeManagement', { Endpoint: 'tokens' }),
    () => other.checkOut(),
  ]) {
    const { status, body } = await message()
    expect({ status, length: body.length }).toEqual({ status: 200, length: 0 })
  }
})

it('a restored device whose clock is wrong goes on, and keeps its enrolment in a contest', async () => {
  const clock = () => new Date('2001-01-01')
  const device = newDevice({ clock, answer: () => 'silence' })
  await device.enroll()
  const { udid, serial } = device
  await newDevice({ udid, serial, clock: () => new Date('2099-01-01') }).enroll()
  await device.poll()
  await device.connect({ Status: 'Acknowledged', CommandUUID: device.received[0]?.uuid ?? '' })
  expect(await view(device)).toBeNull()
  expect((await device.tokenUpdate()).status).toBe(200)
})

it('a captured Authenticate or CheckOut changes nothing', async () => {
  const device = newDevice()
  await device.enroll()
  await device.checkOut()
  device.useIdentity(newIdentity())
  await device.enroll()
  await api('POST', '/v1/commands', { udid: device.udid, request_type: 'SecurityInfo' })
  // Signed as before, to the byte: the clock of the tests stands still.
  expect((await device.authenticate()).status).toBe(200)
  await device.poll()
  expect(device.received.map(({ requestType }) => requestType)).toEqual(['SecurityInfo'])
})

it('a wiped Mac that enrols again by hand works, and gets all waiting commands once an admin confirms it', async () => {
  const { device, other } = await rivals()
  const wiped = newDevice({ udid: device.udid, serial: device.serial })
  await wiped.enroll()
  const profile = { request_type: 'InstallProfile', payload: btoa('<plist/>') }
  for (const body of [{ request_type: 'ProfileList' }, profile]) {
    await api('POST', '/v1/commands', { udid: device.udid, ...body })
  }
  await wiped.poll()
  expect(wiped.received.map(({ requestType }) => requestType)).toEqual(['ProfileList'])
  await decide('new', wiped)
  await wiped.poll()
  expect(wiped.received.map(({ requestType }) => requestType)).toEqual([
    'ProfileList',
    'InstallProfile',
  ])
  expect((await device.connect({ Status: 'Idle' })).status).toBe(503)
  expect((await api('POST', `/api/devices/${device.udid}/commands/requeue`)).body['requeued']).toBe(
    1,
  )
  await wiped.poll()
  expect(wiped.received.at(-1)?.requestType).toBe('SecurityInfo')
  expect(other.received).toEqual([])
})

it('an admin decides for many at once, and the answer lists those that are not contested or not devices', async () => {
  const one = await rivals()
  const two = await rivals()
  await one.other.enroll()
  await two.other.enroll()
  const settled = newDevice()
  await settled.enroll()
  const ids = [one.device.udid, two.device.udid, settled.udid, 'no such device']
  const { body } = await api('POST', '/api/enrollments/decide', { ids, decision: 'earlier' })
  expect(body['outcomes']).toMatchObject([
    { state: 'decided' },
    { state: 'decided' },
    { state: 'not_contested' },
    { state: 'failed', error: expect.stringContaining('no such device') },
  ])
  await one.device.poll()
  expect(one.device.received.map(({ requestType }) => requestType)).toEqual(['SecurityInfo'])
})

it('a device that fails is reported, and the others are decided', async () => {
  const { device, other } = await rivals()
  await other.enroll()
  const DEVICE = {
    getByName: (name: string) =>
      name === 'FAILS'
        ? { viewDevice: () => Promise.reject(new Error('overloaded')) }
        : env.DEVICE.getByName(name),
  }
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
  const body = JSON.stringify({ ids: ['FAILS', device.udid], decision: 'new' })
  const init = { method: 'POST', headers: { authorization: BASIC }, body }
  const response = await ask('/api/enrollments/decide', init, { DEVICE })
  expect(warn.mock.calls.join()).toContain('contest:decision-failed')
  warn.mockRestore()
  expect(await response.json()).toMatchObject({
    outcomes: [
      { state: 'failed', error: expect.stringContaining('send its id again') },
      { state: 'decided' },
    ],
  })
})

it('an identity of an earlier enrolment is answered with 503 until an admin reinstates it', async () => {
  const old = newIdentity()
  const device = newDevice({ identity: old })
  await device.enroll()
  device.useIdentity(newIdentity())
  await device.enroll()
  await decide('new', device)
  device.useIdentity(old)
  expect((await device.connect({ Status: 'Idle' })).status).toBe(503)
  const hash = await crypto.subtle.digest('SHA-256', old.certificate)
  const fingerprint = Buffer.from(hash).toString('hex')
  const path = `/api/devices/${device.udid}/identities/${fingerprint}/reinstate`
  expect((await api('POST', path)).status).toBe(200)
  expect((await device.connect({ Status: 'Idle' })).status).toBe(200)
  const { body } = await api('GET', `/api/devices/${device.udid}/identities`)
  expect(body['items']).toMatchObject([{ id: fingerprint, state: 'current' }, { state: 'current' }])
  await api('POST', `/api/devices/${device.udid}/identities/${fingerprint}/revoke`)
  expect((await device.connect({ Status: 'Idle' })).status).toBe(400)
})

const SECRET = { request_type: 'DeviceLock', pin: '123456' }
const PLAIN = { request_type: 'DeviceInformation', queries: ['OSVersion'] }

interface Command {
  id: string
  state: string
}

const queue = async (id: string, command: object) =>
  (await api<Command>('POST', `/api/devices/${id}/commands`, command)).body

const stateOf = async (id: string) => (await api<Command>('GET', `/api/commands/${id}`)).body.state

it('secret and destructive commands that wait for a device that never enrolled are held, until an admin releases them all', async () => {
  const device = newDevice()
  const { udid } = device
  const lock = await queue(udid, SECRET)
  const plain = await queue(udid, PLAIN)
  await api('POST', '/v1/commands', { udid, request_type: 'ShutDownDevice' })
  expect(lock.state).toBe('held')
  expect(await api('POST', `/api/devices/${udid}/commands/release`)).toMatchObject({
    status: 409,
    body: { detail: expect.stringContaining('no device has enrolled') },
  })
  const warned = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
  await device.enroll()
  expect(warned.mock.calls.flat().join('\n')).toContain('"mdm:commands-held"')
  warned.mockRestore()
  await device.poll()
  expect(device.received.map(({ requestType }) => requestType)).toEqual(['DeviceInformation'])
  expect(await stateOf(plain.id)).toBe('acknowledged')
  expect(await stateOf(lock.id)).toBe('held')
  expect((await api('GET', `/api/devices/${udid}`)).body).toMatchObject({
    channels: [{ queue: { waiting: 2, by_state: { held: 2 } } }],
  })
  const list = `/api/devices/${udid}/commands?state=held`
  expect((await api<{ items: object[] }>('GET', list)).body.items).toHaveLength(2)
  const before = await pushes(device, 0)
  expect((await api('POST', `/api/devices/${udid}/commands/release`)).body).toEqual({
    released: 2,
    held: 0,
  })
  await pushes(device, before.length + 1)
  await device.poll()
  expect(device.received.map(({ requestType }) => requestType)).toEqual([
    'DeviceInformation',
    'DeviceLock',
    'ShutDownDevice',
  ])
  expect((await api('POST', `/api/devices/${udid}/commands/release`)).body).toEqual({
    released: 0,
    held: 0,
  })
})

it('a held command is released or cancelled by its own id, and expires like others', async () => {
  const device = newDevice()
  const [one, two] = [await queue(device.udid, SECRET), await queue(device.udid, SECRET)]
  expect((await api('POST', `/api/commands/${one.id}/release`)).status).toBe(409)
  await device.tokenUpdate()
  expect((await api('POST', `/api/commands/${device.udid}.99/release`)).status).toBe(404)
  const release = () => api('POST', `/api/commands/${two.id}/release`)
  expect((await release()).body).toMatchObject({ id: two.id, state: 'queued', held_for: null })
  expect((await release()).body).toMatchObject({ id: two.id, state: 'queued' })
  await device.poll()
  expect(device.received).toHaveLength(1)
  expect((await api('DELETE', `/api/commands/${one.id}`)).status).toBe(200)
  expect(await stateOf(one.id)).toBe('cancelled')
  const late = newDevice()
  const { id } = await queue(late.udid, { ...SECRET, expires_at: fromNow(60_000) })
  turn(120_000)
  expect(await stateOf(id)).toBe('expired')
})

it('held commands stay for the device that an admin confirms, whichever enrols first', async () => {
  const device = newDevice()
  const secret = await queue(device.udid, SECRET)
  const plain = await queue(device.udid, PLAIN)
  await newDevice({ udid: device.udid }).authenticate()
  await device.enroll()
  await device.poll()
  expect(await stateOf(plain.id)).toBe('acknowledged')
  expect(await stateOf(secret.id)).toBe('held')
  const other = newDevice({ udid: device.udid })
  await other.enroll()
  expect(await stateOf(secret.id)).toBe('held')
  expect((await api('POST', `/api/devices/${device.udid}/commands/release`)).body).toEqual({
    released: 1,
    held: 0,
  })
  await other.poll()
  expect(await stateOf(secret.id)).toBe('acknowledged')
})

it('the release of a device is one of its users too', async () => {
  const device = newDevice()
  const user = device.userChannel({ userId: crypto.randomUUID(), shortName: 'ada' })
  const profile = { request_type: 'InstallProfile', payload: btoa('<plist/>') }
  const early = await queue(user.enrollmentId, profile)
  expect(early.state).toBe('held')
  await device.enroll()
  await user.tokenUpdate()
  expect((await api('POST', `/api/devices/${device.udid}/commands/release`)).body).toEqual({
    released: 1,
    held: 0,
  })
  await user.poll()
  expect(user.received).toHaveLength(1)
})

it('nothing is held for a device that is known, nor for its users', async () => {
  const device = newDevice()
  await device.enroll()
  expect((await queue(device.udid, SECRET)).state).toBe('queued')
  const userId = crypto.randomUUID()
  await device.userChannel({ userId, shortName: 'ada' }).tokenUpdate()
  const profile = { request_type: 'InstallProfile', payload: btoa('<plist/>') }
  expect((await queue(`${device.udid}:${userId}`, profile)).state).toBe('queued')
})
