import {
  createExecutionContext,
  evictDurableObject,
  runDurableObjectAlarm,
  runInDurableObject,
} from 'cloudflare:test'
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import worker from '../../src/index.ts'
import { Device } from '../../src/device/object.ts'
import { RENEWALS } from '../../src/jobs/renewal/control.ts'
import type { Env } from '../../src/env.ts'
import type { SimulatedDevice } from '../../src/simulator/device/device.ts'
import { createIdentity, readIssuer } from '../../src/simulator/device/identity.ts'
import { PATIENCE } from '../patience.ts'
import { clock, turn } from './clock.ts'
import { listed, one, queuers, renewalOf, set, status } from './renewal-client.ts'
import { install, newAuthority, scepFetch, someKey } from './scep-client.ts'
import { api, env, newDevice, until } from './server.ts'

/** A change counts only for attempts before it, so time passes between the two. */
const SECOND = 1000
const DAY = 86_400_000
const PATIENT = { timeout: PATIENCE, interval: 10 }
const ca = readIssuer({ certificate: env.DEVICE_CA, privateKey: env.DEVICE_CA_KEY })
const scep = { fetch: scepFetch, key: someKey }

beforeAll(() => install(newAuthority()))

describe('a round of renewals', () => {
  const object = env.JOB.getByName(RENEWALS)
  const tick = () => runDurableObjectAlarm(object)
  const cron = () =>
    worker.scheduled({} as ScheduledController, env as unknown as Env, createExecutionContext())

  /** Devices with the default profile, and a day left of their identities. No other identity ends soon. */
  async function fleet(size: number, options = {}): Promise<SimulatedDevice[]> {
    const devices = Array.from({ length: size }, (_, n) =>
      newDevice({
        identity: createIdentity({
          ca,
          commonName: `old ${n}`,
          key: someKey,
          now: new Date(clock.now() - 364 * DAY),
        }),
        scep,
        ...options,
      }),
    )
    for (const device of devices) {
      await device.enroll()
      await device.poll()
    }
    const ids = new Set(devices.map(({ udid }) => udid))
    await until(
      () => listed(`&expires_before=${new Date(clock.now() + 2 * DAY).toISOString()}`),
      (rows) => rows.filter(({ device_id }) => ids.has(device_id)).length === size,
    )
    return devices
  }

  const sentTo = async (devices: readonly SimulatedDevice[]) => {
    const rows = await Promise.all(devices.map(one))
    return devices.filter((_, index) => rows[index]?.renewal?.state === 'sent')
  }

  beforeEach(async () => {
    const udids = (await listed()).map(({ device_id }) => device_id)
    await api('DELETE', '/v1/devices', { Opts: { udids } })
    await until(listed, (rows) => rows.length === 0)
    await runInDurableObject(object, async (_, state) => {
      await state.storage.deleteAll()
      state.storage.kv.put('settings', { changedAt: clock.now(), unknownProfiles: 'default' })
    })
    await evictDurableObject(object)
  })

  it('begins with five devices, and goes on in batches when one of them has its new identity', async () => {
    const failing = new Set<string>()
    const devices = await fleet(8, {
      answer: (_: unknown, { udid }: SimulatedDevice) => (failing.has(udid) ? 'Error' : undefined),
    })
    expect(await status()).toMatchObject({ state: 'idle', due: 8 })
    await cron()
    expect(await status()).toMatchObject({ state: 'running', due: 8 })
    await tick()
    const canaries = await sentTo(devices)
    expect(canaries).toHaveLength(5)
    expect(await Promise.all(canaries.slice(0, 1).map(queuers))).toMatchObject([
      [{ face: 'server', key: null, renewal: true }],
    ])
    await tick()
    expect(await sentTo(devices)).toEqual(canaries)
    const [hostile, canary] = canaries
    failing.add(hostile?.udid ?? '')
    await hostile?.poll()
    expect(hostile && (await renewalOf(hostile, 'failed'))).toBeTruthy()
    await tick()
    expect(await status()).toMatchObject({ state: 'running', due: 3 })
    await canary?.poll()
    expect(canary && (await renewalOf(canary, 'renewed'))).toBeTruthy()
    await tick()
    expect(await sentTo(devices)).toHaveLength(6)
    await tick()
    const counts = { sent: 6, renewed: 1, failed: 1 }
    expect(await status()).toMatchObject({ state: 'idle', due: 0, counts })
    const honest = devices.filter((device) => device !== hostile)
    await Promise.all(honest.map((device) => device.poll()))
    const rows = await Promise.all(honest.map((device) => renewalOf(device, 'renewed')))
    for (const row of rows) {
      expect(Date.parse(row?.expires_at ?? '')).toBeGreaterThan(clock.now() + 300 * DAY)
    }
  })

  it('passes over an unreachable device, and renews one whose serial number another claims', async () => {
    const devices = await fleet(2)
    const [broken, claimed] = devices
    if (!broken || !claimed) {
      throw new Error('two devices')
    }
    turn(SECOND)
    await newDevice({ serial: claimed.serial }).enroll()
    await until(
      () => api<{ serial_number_contested: boolean }>('GET', `/api/devices/${claimed.udid}`),
      ({ body }) => body.serial_number_contested,
    )
    await runInDurableObject(env.DEVICE.getByName(broken.udid), (instance) => {
      instance.renewalFacts = () => Promise.reject(new Error('the object is broken'))
    })
    await cron()
    await tick()
    expect(await sentTo(devices)).toEqual([claimed])
    expect(await one(broken)).toMatchObject({ renewal: { state: 'blocked' } })
    await claimed.poll()
    expect(await renewalOf(claimed, 'renewed')).toBeTruthy()
    await tick()
    expect(await status()).toMatchObject({ state: 'idle', due: 0 })
  })

  it('stops when five devices refuse, says why, and goes on when an admin enables it', async () => {
    const devices = await fleet(6, { answer: () => 'Error' })
    await cron()
    await tick()
    const canaries = await sentTo(devices)
    for (const canary of canaries) {
      await canary.poll()
      expect(await renewalOf(canary, 'failed')).toBeTruthy()
    }
    await tick()
    const stopped = await status()
    expect(stopped).toMatchObject({ state: 'stopped', due: 1 })
    expect(stopped.reason).toMatch(/^5 of 5 renewals failed: The command failed/)
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
    await cron()
    expect(warn.mock.calls.join('\n')).toMatch(/"renewals:due-but-off".*5 of 5 renewals failed/)
    warn.mockRestore()
    turn(SECOND)
    expect((await set({ enabled: true })).body).toMatchObject({
      state: 'running',
      reason: null,
      due: 6,
    })
  })

  it('shows at once which devices are blocked, without regard to the pace', async () => {
    await runInDurableObject(object, (_, state) => {
      state.storage.kv.put('settings', { changedAt: clock.now() })
    })
    const devices = await fleet(2)
    await cron()
    await tick()
    await tick()
    await tick()
    expect(await status()).toMatchObject({ state: 'idle', due: 0, counts: { blocked: 2 } })
    turn(SECOND)
    expect((await set({ unknown_profiles: 'default' })).body).toMatchObject({
      state: 'running',
      due: 2,
    })
    await tick()
    expect(await sentTo(devices)).toHaveLength(2)
  })

  it('is a job that an admin sees, lists and cancels', async () => {
    const devices = await fleet(6)
    await cron()
    await tick()
    const path = `/api/jobs/${RENEWALS}`
    const job = { id: RENEWALS, kind: 'renewal', state: 'running', total: 5, done: 5, waiting: 0 }
    expect((await api('GET', path)).body).toMatchObject(job)
    const { body: all } = await api<{ items: { id: string }[] }>('GET', '/api/jobs')
    expect(all.items.map(({ id }) => id)).toContain(RENEWALS)
    expect((await api('GET', `${path}/outcomes`)).body).toMatchObject({ items: [], total: 0 })
    const cancelled = await api('POST', `${path}/cancel`)
    expect(cancelled.body).toMatchObject({ ...job, state: 'cancelled' })
    expect(await status()).toMatchObject({ state: 'idle', due: 1 })
    await tick()
    expect(await sentTo(devices)).toHaveLength(5)
    turn(SECOND)
    await cron()
    expect(await status()).toMatchObject({ state: 'running' })
    expect((await api('GET', path)).body).toMatchObject({ state: 'running', total: 0 })
  })

  it('is listed, or does not begin', async () => {
    await fleet(1)
    const start = (DB: unknown) =>
      runInDurableObject(object, async (instance) => {
        Object.assign(instance, { env: { ...env, DB } })
        await instance.start({ name: RENEWALS, kind: 'renewal', work: '' })
      })
    await expect(start({})).rejects.toThrow()
    expect((await api('GET', `/api/jobs/${RENEWALS}`)).status).toBe(404)
    await start(env.DB)
    expect((await api('GET', `/api/jobs/${RENEWALS}`)).body).toMatchObject({ state: 'running' })
  })

  it('counts the device that a cancel has waited for, and no other of its step', async () => {
    const devices = await fleet(2)
    await cron()
    // Polled, not resolved: a promise would go on in the context of the object that resolves it.
    let isCancelled = false
    const attempt = Object.getOwnPropertyDescriptor(Device.prototype, 'attemptRenewal')?.value
    const hanging = vi.spyOn(Device.prototype, 'attemptRenewal')
    hanging.mockImplementation(async function (this: Device, ...args) {
      await vi.waitUntil(() => isCancelled, PATIENT)
      return Reflect.apply(attempt, this, args)
    })
    const step = tick()
    await vi.waitUntil(() => hanging.mock.calls.length > 0, PATIENT)
    const cancel = api('POST', `/api/jobs/${RENEWALS}/cancel`)
    await until(
      () => api<{ state: string }>('GET', `/api/jobs/${RENEWALS}`),
      ({ body }) => body.state === 'cancelled',
    )
    isCancelled = true
    expect((await cancel).body).toMatchObject({ state: 'cancelled', total: 1, failed: 0 })
    await step
    hanging.mockRestore()
    expect(await sentTo(devices)).toHaveLength(1)
  })

  it('does nothing by itself after a CA was imported, until an admin enables it', async () => {
    await install(newAuthority(), { imported: true })
    const devices = await fleet(1)
    await cron()
    expect(await status()).toMatchObject({ state: 'off', enabled: false, due: 1 })
    expect(await tick()).toBe(false)
    turn(SECOND)
    expect((await set({ enabled: true })).body).toMatchObject({ state: 'running' })
    await tick()
    expect(await sentTo(devices)).toHaveLength(1)
    turn(SECOND)
    await install(newAuthority(), { imported: true })
    expect(await status()).toMatchObject({ enabled: false })
  })
})
