import { runInDurableObject } from 'cloudflare:test'
import { expect, it } from 'vitest'
import { Device, type DeviceEnv } from '../../src/device/object.ts'
import { clock } from './clock.ts'
import { env, newDevice } from './server.ts'

it('an alarm that dies is rung again later, however often it dies', async () => {
  const device = newDevice()
  await device.enroll()
  await runInDurableObject(env.DEVICE.getByName(device.udid), async (_, state) => {
    // A deploy that forgot the secrets.
    const object = new Device(state, {} as DeviceEnv)
    await state.storage.deleteAlarm()
    const again = { isRetry: true, retryCount: 1, scheduledTime: clock.now() }
    await expect(object.alarm(again)).rejects.toThrow('not configured')
    expect(await state.storage.getAlarm()).toBeGreaterThan(clock.now())
  })
})
