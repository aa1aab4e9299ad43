import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { expect, it, vi } from 'vitest'
import { Device } from '../../src/device/object.ts'
import { clock } from './clock.ts'
import { api, env, letPush, pushes, serve, BASIC } from './server.ts'
import {
  activated,
  type MoveBody,
  authorityItem,
  base64,
  command,
  deviceItem,
  deviceThere,
  moved,
  recordOf,
  staged,
} from './move-tools.ts'

const view = (id: string) => api(`GET`, `/api/devices/${id}`)

it('a moved device can be pushed before it calls, and calls with its old identity', async () => {
  const device = deviceThere()
  const { devices } = await moved(recordOf(device))
  expect(devices).toEqual({ moved: 1 })
  expect(await api('GET', '/api/jobs/move')).toMatchObject({
    body: { kind: 'move', state: 'finished', total: 1 },
  })
  expect((await view(device.udid)).body).toMatchObject({
    state: 'enrolled',
    serial_number: device.serial,
    contest: null,
  })
  const push = await serve(`/push/${device.udid}`, { headers: { authorization: BASIC } })
  expect(await push.json()).toMatchObject({ status: 'success' })
  expect((await pushes(device)).length).toBe(1)
  expect(await device.poll()).toMatchObject({ ended: 'empty' })
})

it('old commands wait until an admin releases them, and arrive in their order', async () => {
  const device = deviceThere()
  await moved(
    recordOf(device, {
      bootstrapToken: base64(new Uint8Array(16).fill(7)),
      commands: [
        command(0, 'DeviceInformation', { Queries: [] }),
        command(1, 'EraseDevice'),
        command(2, 'ProfileList'),
      ],
    }),
  )
  await device.poll()
  expect(device.received).toEqual([])
  expect((await device.getBootstrapToken()).token).toEqual(new Uint8Array(16).fill(7))
  const { body } = await api('POST', `/api/devices/${device.udid}/commands/release`)
  expect(body).toMatchObject({ released: 2 })
  await letPush()
  await device.poll()
  expect(device.received.map(({ uuid }) => uuid)).toEqual(['CMD-0', 'CMD-2'])
  const path = `/api/devices/${device.udid}/commands?state=held`
  const { items } = (await api<{ items: { id: string }[] }>('GET', path)).body
  expect(items).toMatchObject([{ command_uuid: 'CMD-1' }])
  expect((await api('POST', `/api/commands/${items[0]?.id}/release`)).status).toBe(200)
  await device.poll()
  expect(device.received.map(({ uuid }) => uuid)).toEqual(['CMD-0', 'CMD-2', 'CMD-1'])
})

it('an activation that is asked for again goes on at once, though a process died in a step', async () => {
  const job = env.JOB.getByName('move')
  const id = await staged([authorityItem, deviceItem(recordOf(deviceThere()))])
  await api('POST', `/api/moves/${id}/activate`, {})
  const MINUTE = 60_000
  await runInDurableObject(job, (_, { storage }) => storage.setAlarm(clock.now() + MINUTE))
  await api('POST', `/api/moves/${id}/activate`, {})
  const alarm = await runInDurableObject(job, (_, { storage }) => storage.getAlarm())
  expect(alarm).toBeLessThanOrEqual(clock.now())
  expect((await activated(id)).devices).toEqual({ moved: 1 })
})

it('devices that failed are tried again by the next activation, and no others', async () => {
  const job = env.JOB.getByName('move')
  const devices = Array.from({ length: 45 }, () => deviceThere())
  const id = await staged([authorityItem, ...devices.map((one) => deviceItem(recordOf(one)))])
  const moveIn = vi.spyOn(Device.prototype, 'moveIn')
  moveIn.mockRejectedValueOnce(new Error('it does not answer'))
  await api('POST', `/api/moves/${id}/activate`, {})
  // Steps that bring the CA and 45 devices, one that looks again, and the end.
  for (let steps = 0; steps < 6; steps++) {
    await runDurableObjectAlarm(job)
  }
  expect((await api<MoveBody>('GET', `/api/moves/${id}`)).body).toMatchObject({
    state: 'activating',
    devices: { moved: 44, failed: 1 },
  })
  const { body } = await api('GET', '/api/jobs/move')
  expect(body).toMatchObject({ state: 'stopped', reason: '1 items failed: activate again' })
  expect((await activated(id)).devices).toEqual({ moved: 45 })
  expect(moveIn).toHaveBeenCalledTimes(46)
  moveIn.mockRestore()
})
