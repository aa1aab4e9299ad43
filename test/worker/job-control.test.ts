import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { Device } from '../../src/device/object.ts'
import type { DirectoryRow } from '../../src/device/standing/directory-row.ts'
import { project } from '../../src/directory/devices/rows.ts'
import { NO_FACTS } from '../../src/mdm/message.ts'
import { clock } from './clock.ts'
import { bulk, confirm, newIds, objectOf, ORDER, ring, type JobBody } from './job-tools.ts'
import { api, enrolled, env, listedAs, until } from './server.ts'

interface Paused extends JobBody {
  paused_at: string | null
}

const steer = (id: string, what: string) => api<Paused>('POST', `/api/jobs/${id}/${what}`)

afterEach(() => {
  vi.restoreAllMocks()
})

const pauseOf = async (id: string) => (await api<Paused>('GET', `/api/jobs/${id}`)).body.paused_at
const alarmOf = (id: string) =>
  runInDurableObject(objectOf(id), (_, { storage }) => storage.getAlarm())
const isMarkedPaused = (id: string) =>
  runInDurableObject(objectOf(id), (_, { storage }) => storage.kv.get('paused') !== undefined)
const KEEP = 30 * 24 * 3_600_000

/** A device as its object lists it. */
function listedRow(
  id: string,
  more: Pick<DirectoryRow, 'hidden'>,
  OSVersion: string,
): DirectoryRow {
  const about = { id, type: 'Device', state: 'enrolled', push: 'none', enrolled: true } as const
  const facts = { ...NO_FACTS, Model: 'Mac14,2', OSVersion }
  const proof = { serialProven: false, claimedAt: 1, identity: '', identityNotAfter: 0 }
  const renewal = { state: '', reason: '', at: 0 } as const
  return { ...about, ...more, ...proof, facts, renewal, lastSeen: 1, version: 1 }
}

/** A job with a pace, of which the first portion is done: 10 of 30. */
async function begun(): Promise<string> {
  const { body } = await bulk({ ids: newIds(30), command: ORDER, pace: 60 })
  await ring(body.id)
  return body.id
}

describe('a job', () => {
  it('calls no device while it is paused, also after its object started anew, and then goes on', async () => {
    const id = await begun()
    const paused = await steer(id, 'pause')
    expect(paused.body).toMatchObject({ state: 'running', done: 10, waiting: 20 })
    expect(paused.body.paused_at).toMatch(/^2/)
    expect((await steer(id, 'pause')).body.paused_at).toBe(paused.body.paused_at)
    await evictDurableObject(objectOf(id))
    expect(await runDurableObjectAlarm(objectOf(id))).toBe(false)
    // A process that died during a batch left its alarm.
    await runInDurableObject(objectOf(id), (_, state) => state.storage.setAlarm(clock.now()))
    await runDurableObjectAlarm(objectOf(id))
    expect(await runDurableObjectAlarm(objectOf(id))).toBe(false)
    expect((await api<Paused>('GET', `/api/jobs/${id}`)).body).toEqual(paused.body)
    expect((await steer(id, 'resume')).body).toMatchObject({ state: 'running', paused_at: null })
    expect(await ring(id)).toMatchObject({ done: 20 })
  })

  it('can be cancelled while it is paused', async () => {
    const id = await begun()
    await steer(id, 'pause')
    const { body } = await steer(id, 'cancel')
    expect(body).toMatchObject({ state: 'cancelled', paused_at: null, waiting: 20 })
    expect(await ring(id)).toMatchObject({ state: 'cancelled', waiting: 20 })
    expect((await steer(id, 'resume')).body).toMatchObject({ state: 'cancelled' })
  })

  it('that ends while it is paused, by its last calls, is forgotten like any other', async () => {
    const { body } = await bulk({ ids: newIds(3), command: ORDER, pace: 600 })
    const { enqueue } = Device.prototype
    const hold = Promise.withResolvers<void>()
    const calls = vi.spyOn(Device.prototype, 'enqueue')
    calls.mockImplementation(async function (this: Device, ...order) {
      await hold.promise
      return enqueue.apply(this, order)
    })
    const ringing = ring(body.id)
    await vi.waitFor(() => {
      expect(calls).toHaveBeenCalledTimes(3)
    })
    const pausing = steer(body.id, 'pause')
    await until(
      () => pauseOf(body.id),
      (at) => at !== null,
    )
    hold.resolve()
    expect((await pausing).body).toMatchObject({ state: 'finished', done: 3, paused_at: null })
    await ringing
    expect(await isMarkedPaused(body.id)).toBe(false)
    expect(await alarmOf(body.id)).toBe(clock.now() + KEEP)
  })

  it('that a release without pauses cancelled is forgotten like any other', async () => {
    const id = await begun()
    await steer(id, 'cancel')
    await evictDurableObject(objectOf(id))
    await runInDurableObject(objectOf(id), async (_, { storage }) => {
      storage.kv.put('paused', clock.now())
      await storage.deleteAlarm()
    })
    expect(await pauseOf(id)).toBe(null)
    expect(await isMarkedPaused(id)).toBe(false)
    expect(await alarmOf(id)).toBe(clock.now() + KEEP)
  })

  it('is not paused as a round, and one that is not there is 404', async () => {
    await api('PATCH', '/api/renewals', { enabled: true })
    const round = await until(
      () => api<JobBody>('GET', '/api/jobs/renewals'),
      ({ status }) => status === 200 || status === 404,
    )
    const answer = await steer('renewals', 'pause')
    expect(answer.status).toBe(round.status === 404 ? 404 : 409)
    expect((await steer(crypto.randomUUID(), 'pause')).status).toBe(404)
  })

  it('shows the answers of its devices on request', async () => {
    const [one, other] = [await enrolled(), await enrolled()]
    const { body } = await bulk({ ids: [one.udid, other.udid, ''], command: ORDER })
    await one.poll()
    const asked = await api<{ items: { answer: string | null }[]; detail: string }>(
      'GET',
      `/api/jobs/${body.id}/outcomes?limit=40&answers=true`,
    )
    expect(asked.body.items.map(({ answer }) => answer)).toEqual(['acknowledged', 'queued', null])
    const tooMany = await api('GET', `/api/jobs/${body.id}/outcomes?limit=41&answers=true`)
    expect(tooMany).toMatchObject({ status: 400 })
  })
})

describe('the preview of a bulk command', () => {
  const preview = (body: object) => api('POST', '/api/commands/preview', body)

  it('counts the devices by platform and OS, without those that are left out, and queues nothing', async () => {
    const name = `preview-${crypto.randomUUID()}`
    const device = { name, osVersion: '15.1' }
    const all = [await enrolled(device), await enrolled(device), await enrolled(device)]
    await Promise.all(all.map((one) => listedAs(one, 'enrolled')))
    const except = all.slice(2).map(({ udid }) => udid)
    const wanted = { filter: { device_name: name }, except }
    const { body } = await preview(wanted)
    const groups = [{ platform: 'macOS', os_version: '15.1', devices: 2, lacks: [] }]
    expect(body).toMatchObject({ total: 2, failed: 0, unlisted: 0, groups, confirm: null })
    const command = { request_type: 'EnableLostMode', message: 'm' }
    const lost = await preview({
      ...wanted,
      command,
    })
    expect(lost.body).toMatchObject({ groups: [{ lacks: [expect.stringContaining('macOS')] }] })
    const forced = await preview({ ...wanted, command, force: true })
    expect(forced.body).toMatchObject({ groups: [{ lacks: [] }] })
    const lock = await preview({
      ...wanted,
      command: { request_type: 'DeviceLock', pin: '123456' },
    })
    expect(lock.body).toMatchObject(confirm('DeviceLock', 2))
    const queued = await bulk({ ...wanted, command: ORDER })
    expect(queued.body).toMatchObject({ total: 2, done: 2 })
  })

  it('leaves the users of a device out with it, in any case', async () => {
    const { body } = await preview({
      ids: ['AB-1', 'AB-1:ada', 'AB-2:ada', 'AB-2', 'AB-3'],
      except: ['ab-1', 'AB-2:Ada'],
    })
    expect(body).toMatchObject({ total: 2 })
  })

  it('names ids that lead nowhere, and counts those that no list has', async () => {
    const { body } = await preview({ ids: ['', crypto.randomUUID()] })
    const faults = [{ id: '', error: 'not an enrolment id: it is empty' }]
    expect(body).toMatchObject({ total: 1, failed: 1, faults, unlisted: 1, groups: [] })
    const none = await preview({ filter: { device_name: crypto.randomUUID() } })
    expect(none).toMatchObject({ status: 200, body: { total: 0, groups: [] } })
  })

  it('counts listed devices beyond the groups that it shows, and no retired ones', async () => {
    const name = `many-${crypto.randomUUID()}`
    const ids = Array.from({ length: 203 }, (_, n) => `${name}-${n}`)
    const rows = ids.map((id, n) => listedRow(id, { hidden: n === 0 }, `15.${n}`))
    await project(env.DB, rows)
    const { body } = await preview({ ids })
    expect(body).toMatchObject({ total: 203, unlisted: 1 })
    expect(body).toHaveProperty('groups.length', 200)
  })

  it('refuses a destructive command to all', async () => {
    const command = { request_type: 'EraseDevice' }
    expect(await preview({ all: true, command })).toMatchObject({ status: 409 })
  })
})
