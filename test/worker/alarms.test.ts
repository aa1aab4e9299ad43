import { runInDurableObject } from 'cloudflare:test'
import { describe, expect, it, vi } from 'vitest'
import type { DeviceInput } from '../../src/device/enrolment/message.ts'
import { Device } from '../../src/device/object.ts'
import { api, env, newDevice } from './server.ts'
import { deviceOf } from './webhook-tools.ts'

it('the first Idle of a cold object reads no alarm, and sets none', async () => {
  const device = newDevice()
  await device.enroll()
  const receive = vi.spyOn(Device.prototype, 'receive')
  await device.connect({ Status: 'Idle' })
  const [idle] = receive.mock.calls[0] ?? []
  receive.mockRestore()
  await runInDurableObject(env.DEVICE.getByName(device.udid), async (_, state) => {
    const { storage } = state
    const spies = [vi.spyOn(storage, 'getAlarm'), vi.spyOn(storage, 'setAlarm')]
    const cold = new Device(state, env as never)
    const unwanted = { ...idle, listeners: [] } as DeviceInput
    expect(await cold.receive(unwanted)).toMatchObject({ kind: 'accepted' })
    for (const spy of spies) {
      expect(spy).not.toHaveBeenCalled()
      spy.mockRestore()
    }
  })
})

describe('without a webhook, the alarm watches over', () => {
  const alarmOf = (udid: string) =>
    runInDurableObject(env.DEVICE.getByName(udid), (_, { storage }) => storage.getAlarm())
  const quiet = (options: Parameters<typeof newDevice>[0] = {}) =>
    deviceOf({ WEBHOOK_URL: '' }, { answer: () => 'silence', ...options })

  it('a contest', async () => {
    const device = quiet()
    await device.enroll()
    const { udid, serial } = device
    expect(await alarmOf(udid)).toBeNull()
    await quiet({ udid, serial }).enroll()
    expect(await alarmOf(udid)).not.toBeNull()
  })

  it('a command that was queued before the enrolment', async () => {
    const device = quiet()
    const { udid } = device
    await api('POST', '/v1/commands', { udid, request_type: 'ProfileList' })
    await device.enroll()
    expect(await alarmOf(udid)).not.toBeNull()
  })
})
