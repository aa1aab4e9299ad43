import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import { COUNTERS, type Counters } from '../../src/cli/cost/counters.ts'
import { MICROMDM_TOPICS } from '../../src/events/topics.ts'
import type { SimulatedDevice } from '../../src/simulator/device/device.ts'
import { clock, turn, turnTimers } from './clock.ts'
import { countedWorker, none, type CountedWorker } from './counting.ts'
import { env, seen, newDevice } from './server.ts'

const MINUTE = 60_000
const PUSH_DELAY = 250
const QUIET = { WEBHOOK_URL: '' }
/**
 * As many commands as KEEP_RESULTS and KEEP_EVENTS keep, and a tenth: from then on every tenth one prunes
 * ten.
 */
const HISTORY = 110

async function counted(
  settings: Readonly<Record<string, string>>,
): Promise<{ worker: CountedWorker; device: SimulatedDevice; udid: string }> {
  const udid = `COUNTED-${crypto.randomUUID()}`
  const worker = await countedWorker([udid], settings)
  const device = newDevice({
    udid,
    fetch: (url, init) => worker.fetch(new Request(url, init as RequestInit)),
  })
  return { worker, device, udid }
}

async function command(worker: CountedWorker, udid: string): Promise<void> {
  const response = await worker.fetch(
    new Request('http://mdm.test/v1/commands', {
      method: 'POST',
      headers: { authorization: `Basic ${btoa('micromdm:test-key')}` },
      body: JSON.stringify({ udid, request_type: 'SecurityInfo' }),
    }),
  )
  expect(response.status).toBe(201)
}

/** The Subscriber's calls: one for each batch, and one that finds nothing more. */
async function deliver(worker: CountedWorker, udid: string): Promise<Counters> {
  await worker.drainQueue()
  const stub = env.DEVICE.getByName(udid)
  const subscriber = { subscriber: 'webhook', topics: MICROMDM_TOPICS, read: true }
  let calls = 1
  for (let pulled = await stub.pull(subscriber); pulled.events.length > 0; calls += 1) {
    pulled = await stub.pull({ ...subscriber, passed: pulled.upTo })
  }
  const spent = worker.spent()
  return { ...spent, objectCalls: spent.objectCalls + calls }
}

/** Between two visits of a device its alarm has rung, found nothing to do, and is armed anew by the next. */
async function ringAlarm(worker: CountedWorker, udid: string): Promise<void> {
  await runDurableObjectAlarm(env.DEVICE.getByName(udid))
  worker.spent()
}

/** What one of ten costs on average. */
async function ofTen(once: () => Promise<Counters>): Promise<Counters> {
  let ten = await once()
  for (let n = 1; n < 10; n++) {
    ten = sum(ten, await once())
  }
  return {
    requests: ten.requests / 10,
    objectCalls: ten.objectCalls / 10,
    rows: ten.rows / 10,
    directoryRows: ten.directoryRows / 10,
    messages: ten.messages / 10,
    lines: ten.lines / 10,
  }
}

function sum(one: Counters, other: Counters): Counters {
  return {
    requests: one.requests + other.requests,
    objectCalls: one.objectCalls + other.objectCalls,
    rows: one.rows + other.rows,
    directoryRows: one.directoryRows + other.directoryRows,
    messages: one.messages + other.messages,
    lines: one.lines + other.lines,
  }
}

it('an enrolment, a check-in, an idle connect and a command cost what the cost model says', async () => {
  const { worker, device, udid } = await counted(QUIET)
  expect((await device.enroll()).status).toBe(200)
  await worker.drainQueue()
  await device.connect({ Status: 'Idle' })
  expect(worker.spent()).toEqual(sum(COUNTERS.enrolment, COUNTERS.idle))
  await device.connect({ Status: 'Idle' })
  expect(worker.spent()).toEqual(COUNTERS.idle)
  await worker.writeSeen()
  expect(worker.spent(), 'of what the enrolment wrote, no row is written again').toEqual(none())
  turn(MINUTE)
  await device.connect({ Status: 'Idle' })
  await worker.writeSeen()
  expect(worker.spent()).toEqual(sum(COUNTERS.lastSeen, COUNTERS.idle))
  for (let n = 0; n < HISTORY; n++) {
    await command(worker, udid)
    await device.poll()
  }
  const ofCommand = await ofTen(async () => {
    await ringAlarm(worker, udid)
    await command(worker, udid)
    await device.poll()
    return worker.spent()
  })
  expect(ofCommand).toEqual(COUNTERS.command)
  const ofTokenUpdate = await ofTen(async () => {
    await device.tokenUpdate()
    await worker.drainQueue()
    return worker.spent()
  })
  expect(ofTokenUpdate).toEqual(COUNTERS.tokenUpdate)
})

it('a webhook without a filter adds an event to each, and one message to a burst', async () => {
  const { worker, device, udid } = await counted({})
  expect((await device.enroll()).status).toBe(200)
  await deliver(worker, udid)
  await ringAlarm(worker, udid)
  for (let n = 0; n < HISTORY; n++) {
    await command(worker, udid)
    await device.poll()
  }
  await deliver(worker, udid)
  await ringAlarm(worker, udid)
  await device.connect({ Status: 'Idle' })
  expect(await deliver(worker, udid)).toEqual(COUNTERS.idleWithWebhook)
  const ofCommand = await ofTen(async () => {
    await ringAlarm(worker, udid)
    await command(worker, udid)
    await device.poll()
    return deliver(worker, udid)
  })
  expect(ofCommand).toEqual(COUNTERS.commandWithWebhook)
})

describe('the alarm of a device', () => {
  const alarmOf = (udid: string) =>
    runInDurableObject(env.DEVICE.getByName(udid), (_, { storage }) => storage.getAlarm())

  it('is not set by an enrolment, and deleted once all commands are answered', async () => {
    const { worker, device, udid } = await counted(QUIET)
    await device.enroll()
    expect(await alarmOf(udid)).toBeNull()
    await command(worker, udid)
    await command(worker, udid)
    await device.connect({ Status: 'Idle' })
    expect(await alarmOf(udid)).not.toBeNull()
    await device.poll()
    expect(await alarmOf(udid)).toBeNull()
  })

  it('stays until the subscriber has read the answer', async () => {
    const { worker, device, udid } = await counted({})
    await device.enroll()
    await deliver(worker, udid)
    await command(worker, udid)
    await device.poll()
    expect(await alarmOf(udid)).not.toBeNull()
    await deliver(worker, udid)
    expect(await alarmOf(udid)).toBeNull()
  })
})

it('a device that connects before the push of its command is not pushed, and no timer stays', async () => {
  const { worker, device, udid } = await counted(QUIET)
  await device.enroll()
  const { after } = clock
  let cancelled = 0
  clock.after = (ms, callback) => {
    const cancel = after(ms, callback)
    return () => {
      cancelled += Number(ms === PUSH_DELAY)
      cancel()
    }
  }
  await command(worker, udid)
  await device.connect({ Status: 'Idle' })
  clock.after = after
  expect(cancelled).toBe(1)
  await turnTimers(PUSH_DELAY)
  expect(await seen(device.magic, 'apns')).toEqual([])
})
