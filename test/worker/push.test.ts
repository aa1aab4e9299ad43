import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { afterEach, describe, expect, it } from 'vitest'
import type { SimulatedDevice } from '../../src/simulator/device/device.ts'
import { Device } from '../../src/device/object.ts'
import type { DeviceEnv } from '../../src/device/runtime/runtime.ts'
import { PUSH_WAITING } from '../../src/jobs/push-waiting.ts'
import { clock, turn, turnTimers } from './clock.ts'
import { api, env, newDevice, pushes, resetRules, rule, seen, TOPIC, until } from './server.ts'

afterEach(resetRules)

/** Devices that are enrolled and never answer. */
async function silentDevices(count: number): Promise<SimulatedDevice[]> {
  const devices = Array.from({ length: count }, () => newDevice({ answer: () => 'silence' }))
  await Promise.all(devices.map((device) => device.enroll()))
  return devices
}

function queue({ udid }: SimulatedDevice): Promise<unknown> {
  return api('POST', '/v1/commands', { udid, request_type: 'ProfileList' })
}

function push({
  udid,
}: SimulatedDevice): Promise<{ status: number; body: Record<string, unknown> }> {
  return api('GET', `/push/${udid}`)
}

/** What APNs does with every push that matches, until the rules are reset. */
function apns(status: number, reason: string, match = '/3/device/'): Promise<void> {
  const body = JSON.stringify({ reason })
  return rule({ on: 'apns', match, status, times: 1e6, headers: { 'apns-id': 'x' }, body })
}

const circuit = () => env.PUSH.getByName(TOPIC)
const job = () => env.JOB.getByName(PUSH_WAITING)

describe('the push circuit', () => {
  it('blames no device when APNs refuses every token, and opens', async () => {
    const [good, ...waiting] = await silentDevices(6)
    await push(good ?? newDevice())
    await apns(400, 'BadDeviceToken')
    for (const device of waiting) {
      await queue(device)
    }
    for (const device of waiting) {
      await pushes(device)
    }
    await until(
      () => circuit().gate('one', 0),
      ({ open }) => open === 'BadDeviceToken',
    )
    const devices = await silentDevices(3)
    for (const device of [...waiting, ...devices]) {
      expect(await push(device)).toEqual({ status: 500, body: { error: 'BadDeviceToken' } })
    }
    await resetRules()
    for (const device of [...waiting, ...devices]) {
      expect((await push(device)).status).toBe(200)
    }
  })

  it.each([
    ['refused', 400, { 'apns-id': 'x' }],
    ['not answered', 502, {}],
  ])('holds back no other device when the pushes of many are %s', async (_, status, headers) => {
    const [good, ...bad] = await silentDevices(8)
    if (!good) {
      throw new Error('a device')
    }
    await push(good)
    // A probe is not made more often.
    turn(60_000)
    const body = JSON.stringify({ reason: 'BadDeviceToken' })
    for (const { magic } of bad) {
      await rule({ on: 'apns', match: magic, status, times: 1e6, headers, body })
    }
    const before = (await seen(good.magic, 'apns')).length
    for (const [n, device] of bad.entries()) {
      expect((await push(device)).status).toBe(500)
      if (n === 0) {
        // The first failure also reported the other deliveries of this file.
        await circuit().gate('one', 1, [`${good.udid}:`])
      }
    }
    // The probe goes to a device that pushes reached before.
    await until(
      () => seen(good.magic, 'apns'),
      (found) => found.length > before,
    )
    await good.connect({ Status: 'Idle' })
    await queue(good)
    await pushes(good, before + 2)
    expect((await circuit().gate('one', 0)).open).toBeUndefined()
  })

  it('is probed when its time is over, with devices that pushes reached before', async () => {
    const [good, bad] = await silentDevices(2)
    if (!good || !bad) {
      throw new Error('two devices')
    }
    await push(good)
    await circuit().gate('one', 1, [`${good.udid}:`])
    await apns(403, 'BadCertificate')
    await push(bad)
    expect((await circuit().gate('one', 0)).open).toBe('BadCertificate')
    const before = (await seen(good.magic, 'apns')).length
    await runDurableObjectAlarm(circuit())
    expect(await seen(good.magic, 'apns')).toHaveLength(before)
    turn(5 * 60_000)
    await runDurableObjectAlarm(circuit())
    expect(await seen(good.magic, 'apns')).toHaveLength(before + 1)
    expect((await circuit().gate('one', 0)).until).toBeGreaterThan(clock.now())
    await resetRules()
    turn(5 * 60_000)
    await runDurableObjectAlarm(circuit())
    expect((await circuit().gate('one', 0)).open).toBeUndefined()
  })

  it('closes when an admin’s push gets through', async () => {
    const [refused, other] = await silentDevices(2)
    if (!refused || !other) {
      throw new Error('two devices')
    }
    await apns(403, 'BadCertificate')
    expect((await push(refused)).body).toEqual({ error: 'BadCertificate' })
    await resetRules()
    await push(refused)
    await queue(other)
    expect(await pushes(other)).toHaveLength(1)
  })

  it('blames a device whose token is refused while others are delivered', async () => {
    const [good, bad] = await silentDevices(2)
    if (!good || !bad) {
      throw new Error('two devices')
    }
    await push(good)
    await apns(400, 'BadDeviceToken', bad.magic)
    expect((await push(bad)).body).toEqual({ error: 'BadDeviceToken' })
    await resetRules()
    expect(String((await push(bad)).body['error'])).toContain('dead until it sends a TokenUpdate')
    await bad.tokenUpdate()
    expect((await push(bad)).status).toBe(200)
  })
})

it('a push that APNs could not take is repeated after seconds, by the alarm', async () => {
  const [device] = await silentDevices(1)
  if (!device) {
    throw new Error('a device')
  }
  const headers = { 'apns-id': 'x' }
  await rule({ on: 'apns', match: device.magic, status: 503, times: 1, headers })
  await queue(device)
  await pushes(device)
  const object = env.DEVICE.getByName(device.udid)
  const alarmAt = await until(
    () => runInDurableObject(object, (_, state) => state.storage.getAlarm()),
    (at) => at !== null && at < clock.now() + 30_000,
  )
  expect(await seen(device.magic, 'apns')).toHaveLength(1)
  turn(Number(alarmAt) - clock.now())
  expect(await runDurableObjectAlarm(object)).toBe(true)
  const found = await seen(device.magic, 'apns')
  expect(found.map(({ status }) => status)).toEqual([503, 200])
})

describe('when pushes may leave again', () => {
  /** The job starts when no isolate believes in the old state any more. Here is one isolate, and it knows. */
  async function pushWaiting(): Promise<void> {
    expect(await runDurableObjectAlarm(circuit())).toBe(true)
    while (await runDurableObjectAlarm(job())) {
      // It goes on.
    }
  }

  it('because the circuit has closed, every device with commands waiting is pushed', async () => {
    const [admins, ...waiting] = await silentDevices(30)
    if (!admins) {
      throw new Error('a device')
    }
    await apns(403, 'BadCertificate')
    await push(admins)
    await Promise.all(waiting.map(queue))
    for (const { udid, magic } of waiting) {
      await env.DEVICE.getByName(udid).pushWaiting()
      expect(await seen(magic, 'apns')).toEqual([])
    }
    await resetRules()
    expect((await push(admins)).status).toBe(200)
    await runInDurableObject(circuit(), async (_, state) => {
      expect(await state.storage.getAlarm()).toBeLessThan(clock.now() + 60_000)
    })
    // More than a page of devices.
    await pushWaiting()
    for (const { magic } of waiting) {
      const found = await seen(magic, 'apns')
      expect(found.filter(({ status }) => status === 200)).toHaveLength(1)
    }
  })

  it('a device whose push hangs holds up the others for seconds', async () => {
    const [device] = await silentDevices(1)
    if (!device) {
      throw new Error('a device')
    }
    await queue(device)
    await pushes(device)
    await device.connect({ Status: 'Idle' })
    await rule({ on: 'apns', match: device.magic, status: 200, times: 1, held: true })
    await circuit().inUse('hanging')
    const pushed = pushWaiting()
    await until(
      () => seen(device.magic, 'apns'),
      (found) => found.length > 1,
    )
    await turnTimers(2000)
    await pushed
    expect(await seen(device.magic, 'apns')).toHaveLength(2)
  })

  it('because there is another certificate, a silent device is pushed again', async () => {
    const [device] = await silentDevices(1)
    if (!device) {
      throw new Error('a device')
    }
    await queue(device)
    expect(await pushes(device)).toHaveLength(1)
    await device.connect({ Status: 'Idle' })
    await circuit().inUse('none')
    await circuit().inUse('two')
    await until(
      async () => {
        await runDurableObjectAlarm(circuit())
        await runDurableObjectAlarm(job())
        return seen(device.magic, 'apns')
      },
      (found) => found.length > 1,
    )
  })

  it('no device is asked while there is no certificate', async () => {
    await runInDurableObject(circuit(), async (object, state) => {
      await state.storage.deleteAlarm()
      await object.inUse('none')
      expect(await state.storage.getAlarm()).toBeNull()
      await object.inUse('three')
      expect(await state.storage.getAlarm()).toBeGreaterThan(clock.now() + 30_000)
    })
  })

  it('without the binding commands queue, and a push reports what is missing', async () => {
    const [device] = await silentDevices(1)
    await runInDurableObject(env.DEVICE.getByName(device?.udid ?? ''), async (_, state) => {
      const object = new Device(state, { ...env, APNS: undefined } as unknown as DeviceEnv)
      const answer = await object.push({ user: '', bare: false })
      expect(answer).toMatchObject({
        kind: 'failed',
        error: expect.stringContaining('APNS binding'),
      })
      await object.pushWaiting()
    })
    await queue(device ?? newDevice())
    expect((await api('GET', `/v1/commands/${device?.udid}`)).body).toHaveProperty('commands')
  })
})
