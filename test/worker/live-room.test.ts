/** Room for streams, and what is said of entries that found none: docs/architecture.md §31. */
import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { Device } from '../../src/device/object.ts'
import { clock, turn, turnTimers } from './clock.ts'
import { openStream, type ReadStream } from './live-tools.ts'
import { api, enrolled, env, until } from './server.ts'

const OF_KEY = 30
const OF_DEVICE = 20
const OF_ISOLATE = 200
/** A stream sees within this time that it has to end. */
const LOOK = 5000
const live = env.LIVE.getByName('live')

beforeEach(() => {
  vi.restoreAllMocks()
  vi.spyOn(console, 'log').mockImplementation(() => undefined)
  vi.spyOn(console, 'warn').mockImplementation(() => undefined)
  // The watch of the test before is over, and its streams are gone.
  turn(11 * 60_000)
})

function entryOf(device: string) {
  return { kind: 'command.sent', at: clock.now(), device, command: `${device}.1` } as const
}

async function openSockets(udid: string): Promise<number> {
  return runInDurableObject(
    env.DEVICE.getByName(udid),
    (_object, state) =>
      state.getWebSockets().filter(({ readyState }) => readyState === WebSocket.OPEN).length,
  )
}

async function openMany(count: number, query = ''): Promise<ReadStream[]> {
  const streams: ReadStream[] = []
  for (let n = 0; n < count; n++) {
    turn(1)
    streams.push(await openStream(query))
  }
  return streams
}

async function closeAll(streams: readonly ReadStream[]): Promise<void> {
  await Promise.all(streams.map(({ close }) => close()))
}

async function isDisplaced(stream: ReadStream): Promise<void> {
  expect((await stream.event('end')).data['reason']).toContain('this was the oldest')
  await until(
    async () => stream.isOver(),
    (isOver) => isOver,
  )
}

describe('a stream of several devices', () => {
  it('leaves no socket open at one device when another is unknown', async () => {
    const device = await enrolled()
    // The socket opens after the other object has said that it knows no such device.
    const open = Device.prototype.fetch
    let answered = 0
    vi.spyOn(Device.prototype, 'fetch').mockImplementation(async function (this: Device, request) {
      const before = answered
      const response = await open.call(this, request)
      if (response.webSocket) {
        await until(
          async () => answered,
          (count) => count > before,
        )
        await turnTimers(1)
      } else {
        answered += 1
      }
      return response
    })
    for (let n = 0; n < 3; n++) {
      const { response } = await openStream(`device=${device.udid},${crypto.randomUUID()}`)
      expect(response.status).toBe(404)
    }
    await until(
      () => openSockets(device.udid),
      (count) => count === 0,
    )
  })

  it('tells once what a device does that is named twice', async () => {
    const device = await enrolled()
    const stream = await openStream(`device=${device.udid},${device.udid}`)
    await stream.event('hello')
    expect(await openSockets(device.udid)).toBe(1)
    await stream.close()
  })
})

describe('one stream too many', () => {
  it('of a key ends the oldest of them, and is open itself', async () => {
    const streams = await openMany(OF_KEY + 1)
    const [oldest, next] = streams
    expect(streams.map(({ response }) => response.status)).toEqual(streams.map(() => 200))
    await isDisplaced(oldest as ReadStream)
    await enrolled()
    await streams.at(-1)?.entry('device.enrolled')
    expect(next?.isOver()).toBe(false)
    await closeAll(streams)
  })

  it('of a device ends the oldest of them, and is open itself', async () => {
    const device = await enrolled()
    const streams = await openMany(OF_DEVICE + 1, `device=${device.udid}`)
    const [oldest, next] = streams
    await isDisplaced(oldest as ReadStream)
    await api('POST', `/api/devices/${device.udid}/block`)
    await streams.at(-1)?.entry('device.blocked')
    await next?.entry('device.blocked')
    expect(await openSockets(device.udid)).toBe(OF_DEVICE)
    await closeAll(streams)
  })

  it('is open for an admin who goes quickly from page to page', async () => {
    for (let n = 0; n < OF_KEY + 5; n++) {
      const stream = await openStream()
      expect(stream.response.status).toBe(200)
      await stream.close()
    }
  })
})

describe('a flood of streams', () => {
  it('is refused where an isolate is full, until those that are displaced have ended', async () => {
    const streams = await openMany(OF_ISOLATE)
    const { response } = await openStream()
    expect([response.status, await response.json()]).toMatchObject([503, { code: 'unavailable' }])
    await until(
      async () => streams.filter(({ isOver }) => isOver()).length,
      (over) => over === OF_ISOLATE - OF_KEY,
      () => turnTimers(LOOK / 5),
    )
    expect((await openStream()).response.status).toBe(200)
    await closeAll(streams)
  })
})

describe('a lot of which nothing is kept', () => {
  it('is missed by a client that comes back, at once or later', async () => {
    const stream = await openStream()
    await stream.event('hello')
    turn(31_000)
    await live.publish({ entries: Array.from({ length: 20 }, () => entryOf('LOUD')), skipped: 0 })
    const { entries } = await live.activity({ before: Infinity, limit: 1, filter: {} }, 0)
    const last = String(entries[0]?.seq)
    const missed = async () => {
      const again = await openStream('', { 'last-event-id': last })
      const { data } = await again.event('hello')
      await again.close()
      return data['missed']
    }
    await stream.close()
    await live.publish({ entries: [], skipped: 0 })
    expect(await missed()).toBe(false)
    await live.publish({ entries: [entryOf('LOUD')], skipped: 0 })
    await evictDurableObject(live)
    expect(await missed()).toBe(true)
    turn(2000)
    await live.publish({ entries: [entryOf('QUIET')], skipped: 0 })
    expect(await missed()).toBe(true)
  })
})

describe('the list of what happened', () => {
  it('looks through so many lots for one request, and goes on with the next', async () => {
    await api('GET', '/api/activity')
    const device = crypto.randomUUID()
    for (let n = 0; n < 450; n++) {
      turn(100)
      await live.publish({ entries: [entryOf(n === 0 ? device : 'OTHER')], skipped: 0 })
    }
    const pages: number[] = []
    for (let cursor = ''; ;) {
      const { body } = await api<{ items: unknown[]; next: string | null }>(
        'GET',
        `/api/activity?device=${device}&limit=1${cursor && `&cursor=${cursor}`}`,
      )
      pages.push(body.items.length)
      if (body.next === null || body.items.length > 0) {
        break
      }
      cursor = body.next
    }
    expect(pages).toEqual([0, 0, 1])
  })
})
