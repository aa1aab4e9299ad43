import { runInDurableObject } from 'cloudflare:test'
import { expect, it, vi } from 'vitest'
import type { DeviceInput } from '../../src/device/enrolment/message.ts'
import { Device } from '../../src/device/object.ts'
import { env, newDevice } from './server.ts'

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
