/** What watching costs, and whom: docs/architecture.md §31. */
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { Live } from '../../src/live/object.ts'
import type { LiveLot } from '../../src/live/publish.ts'
import { clock, turn, turnTimers } from './clock.ts'
import { countedWorker } from './counting.ts'
import { openStream } from './live-tools.ts'
import { BASIC, api, enrolled, env, newDevice, until } from './server.ts'

const live = env.LIVE.getByName('live')

beforeEach(() => {
  vi.restoreAllMocks()
  vi.spyOn(console, 'log').mockImplementation(() => undefined)
  vi.spyOn(console, 'warn').mockImplementation(() => undefined)
  // The watch of the test before is over.
  turn(11 * 60_000)
})

function queue(udid: string) {
  return api('POST', `/api/devices/${udid}/commands`, { request_type: 'ProfileList' })
}

function entryOf(device: string) {
  return { kind: 'command.sent', at: clock.now(), device, command: `${device}.1` } as const
}

describe('without a page that watches', () => {
  it('Live gets no call, whatever devices and admins do', async () => {
    const calls = [vi.spyOn(Live.prototype, 'publish'), vi.spyOn(Live.prototype, 'fetch')]
    const device = await enrolled()
    await queue(device.udid)
    await device.poll()
    await api('POST', `/api/devices/${device.udid}/block`)
    await turnTimers(1000)
    expect(calls.map(({ mock }) => mock.calls.length)).toEqual([0, 0])
    // It would have got one.
    const stream = await openStream()
    await stream.event('hello')
    await api('POST', `/api/devices/${device.udid}/unblock`)
    await stream.entry('device.unblocked')
    expect(calls.map(({ mock }) => mock.calls.length)).toEqual([1, 1])
    await stream.close()
  })
})

describe('a device that is watched', () => {
  it('writes the same rows, sends the same messages and makes the same calls', async () => {
    const udid = crypto.randomUUID()
    const worker = await countedWorker([udid], {})
    const device = newDevice({
      udid,
      fetch: (url, init) => worker.fetch(new Request(url, init as RequestInit)),
    })
    await device.enroll()
    const work = async () => {
      const body = JSON.stringify({ request_type: 'ProfileList' })
      const headers = { authorization: BASIC }
      const path = `http://mdm.test/api/devices/${udid}/commands`
      await worker.fetch(new Request(path, { method: 'POST', headers, body }))
      await device.poll()
      await worker.drainQueue()
      return worker.spent()
    }
    await work()
    turn(60_000)
    const alone = await work()
    const streams = [await openStream(), await openStream(`device=${udid}`)]
    turn(60_000)
    expect(await work()).toEqual(alone)
    for (const stream of streams) {
      await stream.entry('command.acknowledged')
      await stream.close()
    }
  })

  it('gets its answers while Live does not answer, and when it fails', async () => {
    const stream = await openStream()
    await stream.event('hello')
    const publish = vi.spyOn(Live.prototype, 'publish')
    publish.mockReturnValueOnce(new Promise(() => undefined))
    const device = await enrolled()
    await queue(device.udid)
    // No time passes: nothing waits for Live.
    expect(await device.poll()).toMatchObject({ answered: 1 })
    publish.mockRejectedValue(new Error('it is down'))
    await turnTimers(10_000)
    await queue(device.udid)
    expect(await device.poll()).toMatchObject({ answered: 1 })
    publish.mockRestore()
    await turnTimers(10_000)
    await queue(device.udid)
    // What was lost in between is said.
    expect((await stream.event('missed')).data['skipped']).toBeGreaterThan(0)
    await stream.close()
  })
})

describe('a flood', () => {
  it('of one device leaves room for the others', async () => {
    const stream = await openStream()
    await stream.event('hello')
    const entries = Array.from({ length: 60 }, () => entryOf('LOUD'))
    await live.publish({ entries: [...entries, entryOf('QUIET')], skipped: 0 } satisfies LiveLot)
    await stream.event('message', ({ device_id }) => device_id === 'QUIET')
    const loud = stream.events.filter(({ data }) => data['device_id'] === 'LOUD')
    expect(loud.length).toBeLessThan(30)
    expect((await stream.event('missed')).data['skipped']).toBe(60 - loud.length)
    await stream.close()
  })

  it('of lots is bounded in rows, and the stream says how much is missing', async () => {
    const stream = await openStream()
    const { id = '' } = await stream.event('hello')
    const pauses: number[] = []
    for (let n = 0; n < 60; n++) {
      pauses.push(await live.publish({ entries: [entryOf(`D${n}`)], skipped: 0 }))
    }
    expect(pauses.at(-1)).toBe(1000)
    const { entries } = await live.activity({ before: Infinity, limit: 100, filter: {} }, 0)
    expect(entries.filter(({ seq }) => seq > Number(id))).toHaveLength(20)
    await stream.event('missed')
    await stream.close()
    const again = await openStream('', { 'last-event-id': id })
    expect((await again.event('hello')).data).toMatchObject({ missed: true })
    await again.close()
  })

  it('costs a client that does not read a hundred entries, and each other one is counted', async () => {
    const stream = await openStream()
    await stream.event('hello')
    for (let n = 0; n < 100; n++) {
      const entries = Array.from({ length: 10 }, (_, k) => entryOf(`D${n}.${k}`))
      await live.publish({ entries, skipped: 0 })
      turn(n % 19 === 18 ? 1000 : 0)
    }
    const told = () => stream.events.filter(({ event }) => event === 'message').length
    const missed = () =>
      stream.events.reduce((sum, { data }) => sum + Number(data['skipped'] ?? 0), 0)
    await until(
      async () => told() + missed(),
      (sum) => sum >= 1000,
      () => turnTimers(50),
    )
    expect(told()).toBeLessThan(300)
    await stream.close()
  })
})
