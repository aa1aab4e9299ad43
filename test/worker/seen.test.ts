import { evictDurableObject } from 'cloudflare:test'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { listDevices } from '../../src/directory/devices/rows.ts'
import { noteSeen } from '../../src/directory/devices/seen.ts'
import type { SimulatedDevice } from '../../src/simulator/device/device.ts'
import { clock, turn, turnTimers } from './clock.ts'
import { countedWorker, none, type CountedWorker } from './counting.ts'
import { api, env, newDevice } from './server.ts'

/** `LAST_SEEN_RESOLUTION`, and how long notes are gathered. */
const MINUTE = 60_000
const GATHERED = 20_000

const prepare = env.DB.prepare.bind(env.DB)
const isWrite = (query: string) => query.startsWith('UPDATE')
const statements = () =>
  vi.mocked(env.DB).prepare.mock.calls.filter(([query]) => isWrite(query)).length

const lastSeen = async (id: string) =>
  (await listDevices(env.DB, { serials: [], ids: [id] }))[0]?.lastSeen

beforeEach(async () => {
  // Lets the notes of the test before be written.
  await turnTimers(MINUTE)
  vi.restoreAllMocks()
  vi.spyOn(env.DB, 'prepare')
})

type Devices = readonly [SimulatedDevice, ...SimulatedDevice[]]

/** Devices that enrolled a minute ago, and their Worker. */
async function fleet(count: number): Promise<{ worker: CountedWorker; devices: Devices }> {
  const ids = Array.from({ length: count }, () => `SEEN-${crypto.randomUUID()}`)
  const worker = await countedWorker(ids, { WEBHOOK_URL: '' })
  const [first, ...others] = ids.map((udid) => deviceOn(worker, { udid }))
  const devices = [first ?? expect.fail(), ...others] as const
  for (const device of devices) {
    await device.enroll()
    await device.connect({ Status: 'Idle' })
  }
  await worker.drainQueue()
  await worker.writeSeen()
  turn(MINUTE)
  worker.spent()
  vi.mocked(env.DB).prepare.mockClear()
  return { worker, devices }
}

function deviceOn(
  worker: CountedWorker,
  options: Parameters<typeof newDevice>[0] = {},
): SimulatedDevice {
  return newDevice({
    ...options,
    fetch: (url, init) => worker.fetch(new Request(url, init as RequestInit)),
  })
}

describe('being seen', () => {
  it('costs many devices one statement, and no row of an object and no message', async () => {
    const { worker, devices } = await fleet(5)
    const times: number[] = []
    for (const device of devices) {
      turn(1000)
      times.push(clock.now())
      await device.connect({ Status: 'Idle' })
    }
    expect(worker.spent()).toEqual({ ...none(), requests: 5, objectCalls: 5 })
    await worker.writeSeen()
    expect(worker.spent()).toEqual({ ...none(), directoryRows: 5 })
    expect(statements()).toBe(1)
    expect(await Promise.all(devices.map(({ udid }) => lastSeen(udid)))).toEqual(times)
  })

  it('is written for a device that connects once, and again after LAST_SEEN_RESOLUTION', async () => {
    const { worker, devices } = await fleet(1)
    const [device] = devices
    const at = clock.now()
    for (const rows of [1, 0, 0, 1]) {
      await device.connect({ Status: 'Idle' })
      await worker.writeSeen()
      expect(worker.spent().directoryRows).toBe(rows)
    }
    expect(await lastSeen(device.udid)).toBe(at + 3 * GATHERED)
  })

  it('is noted for the device of a user channel', async () => {
    const { worker, devices } = await fleet(1)
    const [device] = devices
    await device.userChannel({ userId: crypto.randomUUID(), shortName: 'ada' }).tokenUpdate()
    await worker.writeSeen()
    expect(await lastSeen(device.udid)).toBeGreaterThanOrEqual(clock.now() - GATHERED)
  })

  it('is not noted for a sender that is refused or blocked', async () => {
    const { worker, devices } = await fleet(2)
    const [device, other] = devices
    const { udid } = device
    const seenAt = await lastSeen(udid)
    const thief = deviceOn(worker, { udid, identity: other?.identity() ?? expect.fail() })
    expect((await thief.connect({ Status: 'Idle' })).status).toBe(400)
    await api('POST', `/api/devices/${udid}/block`)
    expect((await device.connect({ Status: 'Idle' })).status).toBe(401)
    await worker.writeSeen()
    expect(statements()).toBe(0)
    expect(await lastSeen(udid)).toBe(seenAt)
  })

  it('shows on the page of a device after its object has lost its memory', async () => {
    const { worker, devices } = await fleet(1)
    const [{ udid, connect }] = devices
    const at = clock.now()
    await connect({ Status: 'Idle' })
    await worker.writeSeen()
    await evictDurableObject(env.DEVICE.getByName(udid))
    const { body } = await api('GET', `/api/devices/${udid}`)
    expect(body['last_seen_at']).toBe(new Date(at).toISOString())
  })

  it('is lost when D1 does not take it, and the device has its answer', async () => {
    const { worker, devices } = await fleet(2)
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
    const [device] = devices
    const seenAt = await lastSeen(device.udid)
    const broken = vi.spyOn(env.DB, 'prepare').mockImplementation((query) => {
      if (isWrite(query)) {
        throw new Error('D1_ERROR: out of reach')
      }
      return prepare(query)
    })
    for (const one of devices) {
      expect((await one.connect({ Status: 'Idle' })).status).toBe(200)
    }
    await worker.writeSeen()
    const lines = warn.mock.calls.map(([line]) => JSON.parse(String(line)).event)
    expect(lines).toEqual(['directory:seen-not-written'])
    broken.mockRestore()
    await worker.writeSeen()
    expect(await lastSeen(device.udid)).toBe(seenAt)
    await device.connect({ Status: 'Idle' })
    await worker.writeSeen()
    expect(await lastSeen(device.udid)).toBeGreaterThanOrEqual(clock.now() - GATHERED)
  })
})

describe('the notes of an isolate', () => {
  const noteOf = (device: string) => {
    const works: Promise<unknown>[] = []
    noteSeen(env.DB, device, MINUTE, { waitUntil: (work) => works.push(work) })
    return works
  }

  it('are written at once when they are two hundred', async () => {
    const works = Array.from({ length: 500 }, (_, n) => noteOf(`NONE-${n}`))
    expect(works.flatMap((work, n) => (work.length > 0 ? [n] : []))).toEqual([0, 199, 399])
    await Promise.all([...(works[199] ?? []), ...(works[399] ?? [])])
    expect(statements()).toBe(2)
    await turnTimers(GATHERED)
    await Promise.all(works.flat())
    expect(statements()).toBe(3)
  })

  it('are written by a later request if the first one ended before', async () => {
    vi.spyOn(clock, 'after').mockImplementationOnce(() => () => undefined)
    expect(noteOf('NONE-A')).toHaveLength(1)
    turn(GATHERED)
    expect(noteOf('NONE-B')).toHaveLength(0)
    turn(1)
    const works = noteOf('NONE-C')
    await turnTimers(GATHERED)
    await Promise.all(works)
    expect(statements()).toBe(1)
  })
})
