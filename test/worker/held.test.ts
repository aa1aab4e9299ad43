import { expect, it, vi } from 'vitest'
import { fromNow, turn } from './clock.ts'
import { api, newDevice, pushes } from './server.ts'

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
  expect((await api<{ commands: object[] }>('GET', list)).body.commands).toHaveLength(2)
  const before = await pushes(device, 0)
  expect((await api('POST', `/api/devices/${udid}/commands/release`)).body).toEqual({ released: 2 })
  await pushes(device, before.length + 1)
  await device.poll()
  expect(device.received.map(({ requestType }) => requestType)).toEqual([
    'DeviceInformation',
    'DeviceLock',
    'ShutDownDevice',
  ])
  expect((await api('POST', `/api/devices/${udid}/commands/release`)).body).toEqual({ released: 0 })
})

it('a held command is released or cancelled by its own id, and expires like others', async () => {
  const device = newDevice()
  const [one, two] = [await queue(device.udid, SECRET), await queue(device.udid, SECRET)]
  expect((await api('POST', `/api/commands/${one.id}/release`)).status).toBe(409)
  await device.tokenUpdate()
  expect((await api('POST', `/api/commands/${device.udid}.99/release`)).status).toBe(404)
  expect((await api('POST', `/api/commands/${two.id}/release`)).body).toEqual({ released: 1 })
  expect((await api('POST', `/api/commands/${two.id}/release`)).body).toEqual({ released: 0 })
  await device.poll()
  expect(device.received).toHaveLength(1)
  expect((await api('DELETE', `/api/commands/${one.id}`)).status).toBe(200)
  expect(await stateOf(one.id)).toBe('cancelled')
  const late = newDevice()
  const { id } = await queue(late.udid, { ...SECRET, expires_at: fromNow(60_000) })
  turn(120_000)
  expect(await stateOf(id)).toBe('expired')
})

it('what is held stays for the device that an admin finds to be the right one, whichever enrols first', async () => {
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
