import {
  createExecutionContext,
  runDurableObjectAlarm,
  runInDurableObject,
  waitOnExecutionContext,
} from 'cloudflare:test'
import { expect, it } from 'vitest'
import type { Env } from '../../src/env.ts'
import worker from '../../src/index.ts'
import type { SimulatedDevice } from '../../src/simulator/device/device.ts'
import { turn, turnTimers } from './clock.ts'
import { env, listedAs, newDevice } from './server.ts'

type Calls = Record<string, ((...values: unknown[]) => unknown) | undefined>

const outOfReach = () => Promise.reject(new Error('out of reach'))

/** A device of a Worker whose D1 batches pass through `batch`, and whose calls of objects may be replaced. */
function deviceWith(
  batch: (statements: D1PreparedStatement[]) => Promise<unknown>,
  calls: Partial<Record<'unlisted' | 'projected', () => Promise<void>>> = {},
) {
  const DEVICE = {
    getByName: (name: string) =>
      new Proxy(env.DEVICE.getByName(name), {
        get: (stub, method) =>
          (calls as Calls)[String(method)] ??
          ((...values: unknown[]) => (stub as unknown as Calls)[String(method)]?.(...values)),
      }),
  }
  const DB = { prepare: (text: string) => env.DB.prepare(text), batch }
  const sent: unknown[] = []
  const EVENTS = { send: async (message: unknown) => void sent.push(message) }
  const its = { ...env, DB, DEVICE, EVENTS, WEBHOOK_URL: '' } as unknown as Env
  const device = newDevice({
    fetch: async (url, init) => {
      const context = createExecutionContext()
      const response = await worker.fetch(new Request(url, init as RequestInit), its, context)
      // Lets the notes of devices seen be written, which the request waits for.
      await Promise.all([waitOnExecutionContext(context), turnTimers(20_000)])
      return response
    },
  })
  return { device, sent }
}

const stateOf = async ({ udid }: SimulatedDevice) =>
  (await env.DB.prepare('SELECT state, push, version FROM devices WHERE id = ?')
    .bind(udid)
    .first<{ state: string; push: string; version: number }>()) ?? undefined

const alarmOf = ({ udid }: SimulatedDevice) =>
  runInDurableObject(env.DEVICE.getByName(udid), (_, { storage }) => storage.getAlarm())

it('an enrolment writes two batches of D1: the claim lists the device, and the TokenUpdate its row', async () => {
  const batches: number[] = []
  const { device, sent } = deviceWith((statements) => {
    batches.push(statements.length)
    return env.DB.batch(statements)
  })
  expect((await device.authenticate()).status).toBe(200)
  expect(await stateOf(device)).toMatchObject({ state: 'authenticated', push: 'none' })
  expect((await device.tokenUpdate()).status).toBe(200)
  expect(await stateOf(device)).toMatchObject({ state: 'enrolled', push: 'ready' })
  // The first reads the webhooks, and whether a stream watches. It holds for 30 s in the isolate.
  expect(batches).toEqual([2, 3, 1])
  expect(sent).toEqual([])
  expect(await runDurableObjectAlarm(env.DEVICE.getByName(device.udid))).toBe(false)
})

it('a row that D1 does not take is announced by the alarm, and the device gets its answer', async () => {
  let isDown = false
  const { device, sent } = deviceWith((statements) =>
    isDown ? outOfReach() : env.DB.batch(statements),
  )
  await device.authenticate()
  isDown = true
  expect((await device.tokenUpdate()).status).toBe(200)
  expect(sent).toEqual([])
  expect(await stateOf(device)).toMatchObject({ state: 'authenticated' })
  turn(61_000)
  expect(await runDurableObjectAlarm(env.DEVICE.getByName(device.udid))).toBe(true)
  await listedAs(device, 'enrolled')
})

it('the alarm of a row ends with the message that confirms the row', async () => {
  let isDown = false
  const { device } = deviceWith((statements) => (isDown ? outOfReach() : env.DB.batch(statements)))
  await device.authenticate()
  isDown = true
  await device.tokenUpdate()
  isDown = false
  await device.tokenUpdate()
  expect(await stateOf(device)).toMatchObject({ state: 'enrolled' })
  expect(await alarmOf(device)).not.toBeNull()
  await device.connect({ Status: 'Idle' })
  expect(await alarmOf(device)).toBeNull()
})

it('the row of a CheckOut is stored and confirmed after the answer, without the queue', async () => {
  const { device, sent } = deviceWith((statements) => env.DB.batch(statements))
  await device.enroll()
  expect((await device.checkOut()).status).toBe(200)
  expect(await stateOf(device)).toMatchObject({ state: 'checked_out' })
  expect(await alarmOf(device)).toBeNull()
  expect(sent).toEqual([])
})

it('the row of a CheckOut that D1 does not take is announced by the alarm', async () => {
  let isDown = false
  const { device } = deviceWith((statements) => (isDown ? outOfReach() : env.DB.batch(statements)))
  await device.enroll()
  isDown = true
  expect((await device.checkOut()).status).toBe(200)
  expect(await stateOf(device)).toMatchObject({ state: 'enrolled' })
  turn(61_000)
  expect(await runDurableObjectAlarm(env.DEVICE.getByName(device.udid))).toBe(true)
  await listedAs(device, 'checked_out')
})

it('the alarm stands while an object does not know that its row is stored', async () => {
  const { device } = deviceWith((statements) => env.DB.batch(statements), {
    projected: outOfReach,
  })
  await device.enroll()
  await device.checkOut()
  expect(await stateOf(device)).toMatchObject({ state: 'checked_out' })
  expect(await alarmOf(device)).not.toBeNull()
})

/** For the object, a device whose TokenUpdate is the last work of a process: no row is stored. */
async function interrupted() {
  const down = { d1: false, object: false }
  const { device, sent } = deviceWith(
    (statements) => (down.d1 ? outOfReach() : env.DB.batch(statements)),
    {
      unlisted: () => (down.object ? outOfReach() : env.DEVICE.getByName(device.udid).unlisted()),
    },
  )
  await device.authenticate()
  Object.assign(down, { d1: true, object: true })
  expect((await device.tokenUpdate()).status).toBe(503)
  Object.assign(down, { d1: false, object: false })
  expect(await stateOf(device)).toMatchObject({ state: 'authenticated' })
  return { device, sent, down }
}

it('a check-in whose row is stored nowhere gets no 200, and its repetition stores the row', async () => {
  const { device } = await interrupted()
  expect((await device.tokenUpdate()).status).toBe(200)
  expect(await stateOf(device)).toMatchObject({ state: 'enrolled', push: 'ready' })
})

it('a row that is stored nowhere is stored and confirmed with the next message after a minute', async () => {
  const { device, sent } = await interrupted()
  await device.connect({ Status: 'Idle' })
  expect(await stateOf(device)).toMatchObject({ state: 'authenticated' })
  turn(61_000)
  await device.connect({ Status: 'Idle' })
  expect(await stateOf(device)).toMatchObject({ state: 'enrolled' })
  expect(await env.DEVICE.getByName(device.udid).directoryRow()).toBeUndefined()
  expect(sent).toEqual([])
})

it('a row that D1 does not take with that message either is announced by the alarm', async () => {
  const { device, down } = await interrupted()
  turn(61_000)
  down.d1 = true
  expect((await device.connect({ Status: 'Idle' })).status).toBe(200)
  down.d1 = false
  turn(61_000)
  expect(await runDurableObjectAlarm(env.DEVICE.getByName(device.udid))).toBe(true)
  await listedAs(device, 'enrolled')
})
