import { runInDurableObject } from 'cloudflare:test'
import { describe, expect, it, vi } from 'vitest'
import type { DeviceInput } from '../../src/device/enrolment/message.ts'
import { Device } from '../../src/device/object.ts'
import { clock, turn } from './clock.ts'
import { api, enrolled, env, newDevice } from './server.ts'
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

describe('an alarm that the platform has lost', () => {
  /** The object as it is after the platform put it out of memory, with an alarm at this time. */
  async function afterRestart(
    udid: string,
    alarm: number | null,
    decide: (cold: Device) => unknown,
  ) {
    return runInDurableObject(env.DEVICE.getByName(udid), async (_, state) => {
      await (alarm === null ? state.storage.deleteAlarm() : state.storage.setAlarm(alarm))
      await decide(new Device(state, env as never))
      return state.storage.getAlarm()
    })
  }
  const HOUR = 3_600_000
  const news = { id: 'event', topic: 'dep.account', dep: { account: 'a' } } as const

  it('is set again by any change of the object, and is in the log', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
    const { udid } = await enrolled()
    const alarm = clock.now()
    turn(HOUR + 1)
    expect(await afterRestart(udid, alarm, (cold) => cold.recordNews(news))).toBe(clock.now())
    expect(warn.mock.calls.join()).toContain(`"event":"device:alarm-lost","device":"${udid}"`)
    warn.mockRestore()
  })

  it('counts as lost only after an hour: the platform repeats a failed one for some minutes', async () => {
    const { udid } = await enrolled()
    const alarm = clock.now()
    turn(HOUR)
    expect(await afterRestart(udid, alarm, (cold) => cold.recordNews(news))).toBe(alarm)
  })

  it('is set anew by the next event when nothing is left of it', async () => {
    const { udid } = await enrolled()
    expect(await afterRestart(udid, null, (cold) => cold.recordNews(news))).not.toBeNull()
  })
})
