import { describe, expect, it } from 'vitest'
import { addDevice, newLane, nextTry, startDevices } from '../../../src/webhooks/lane.ts'
import { DELIVERED, down, REFUSED, TestReceiver } from './receiver.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
/** The number of failing devices from which the receiver counts as down, and one device less. */
const MANY = ['A', 'B', 'C', 'D', 'E']
const FEW = MANY.slice(1)

describe('a failure of posts', () => {
  it('for one device delays only that device', async () => {
    const receiver = new TestReceiver()
    receiver.answer = (device) => (device === 'A' ? down() : DELIVERED)
    receiver.event('A')
    await receiver.run(receiver.now + 10 * MINUTE)
    const at = receiver.now
    receiver.event('B')
    await receiver.run(at)
    expect(receiver.postsOf('B')).toMatchObject([{ at, outcome: 'delivered' }])
    const waits = receiver.postsOf('A').map((post, n, all) => post.at - (all[n - 1]?.at ?? post.at))
    expect(waits.slice(0, 5)).toEqual([0, 1000, 2000, 4000, 8000])
  })

  it('for one device takes one place of the posts in flight', async () => {
    const receiver = new TestReceiver(2)
    let hang = (): void => undefined
    const hanging = new Promise<ReturnType<typeof down>>((resolve) => {
      hang = () => {
        resolve(down())
      }
    })
    receiver.answer = (device) => (device === 'A' ? hanging : DELIVERED)
    receiver.event('A')
    for (const device of ['B', 'C', 'B', 'C']) {
      receiver.event(device)
    }
    const taken = () => receiver.takenOf('B').length + receiver.takenOf('C').length
    await expect.poll(taken).toBe(4)
    expect([...receiver.lane.busy]).toEqual(['A'])
    hang()
    await receiver.run(receiver.now)
    expect(receiver.postsOf('A')).toMatchObject([{ outcome: 'down' }])
  })

  it('for four devices delays no other device, with and without Retry-After', async () => {
    for (const retryAfter of [undefined, 6 * HOUR]) {
      const receiver = new TestReceiver()
      receiver.answer = (device) => (device === 'good' ? DELIVERED : down(retryAfter))
      for (const device of FEW) {
        receiver.event(device)
      }
      await receiver.run(receiver.now + DAY)
      const at = receiver.now
      receiver.event('good')
      await receiver.run(at)
      expect(receiver.postsOf('good')).toMatchObject([{ at, outcome: 'delivered' }])
      expect(receiver.lane.allowed).toBe(4)
    }
  })

  it('for five devices in a row delays the others a minute at most', async () => {
    const receiver = new TestReceiver()
    receiver.answer = (device) => (device === 'good' ? DELIVERED : down())
    for (const device of MANY) {
      receiver.event(device)
    }
    await receiver.run(receiver.now + DAY)
    const at = receiver.now
    receiver.event('good')
    await receiver.run(at + MINUTE)
    expect(receiver.postsOf('good')).toMatchObject([{ outcome: 'delivered' }])
  })

  it('for several devices takes half of the places when their posts hang', async () => {
    const receiver = new TestReceiver(4)
    let hangs = false
    const never = new Promise<ReturnType<typeof down>>(() => undefined)
    receiver.answer = (device) => (device === 'good' ? DELIVERED : hangs ? never : down())
    for (const device of FEW) {
      // Answers to posts for other devices show that the receiver is up.
      receiver.event(device)
      receiver.event('good')
      await receiver.settled()
    }
    receiver.now += HOUR
    hangs = true
    receiver.pump()
    expect(receiver.lane.busy.size).toBe(2)
    const before = receiver.takenOf('good').length
    receiver.event('good')
    await expect.poll(() => receiver.takenOf('good').length).toBe(before + 1)
  })
})

describe('a receiver that is down', () => {
  it.each([['A'], FEW, MANY])(
    'is logged once as recovered, after failures for %s and others',
    async (...devices) => {
      const receiver = new TestReceiver(3)
      receiver.answer = () => down()
      devices.forEach((device) => receiver.event(device))
      await receiver.run(receiver.now + 10 * SECOND)
      expect(receiver.notes).not.toContain('webhook:recovered')
      receiver.answer = () => DELIVERED
      await receiver.run(receiver.now + HOUR)
      expect(receiver.notes.filter((note) => note === 'webhook:recovered')).toHaveLength(1)
    },
  )

  it('can have 200,000 devices that wait', () => {
    const lane = newLane(1)
    for (let n = 0; n < 200_000; n++) {
      lane.waiting.set(String(n), 7 + n)
    }
    expect(nextTry(lane, 1)).toBe(7)
  })

  it.each([
    ['is up', {}, false],
    ['is down', { downs: 3, closedUntil: 5000, failing: MANY }, false],
    ['is up, but the webhook is paused', {}, true],
  ])(
    'with 10,000 devices behind reads a few of them in a round while it %s',
    (_, stored, paused) => {
      const circuit = {
        downs: 0,
        closedUntil: 0,
        askedUntil: 0,
        quietUntil: 0,
        failing: [],
        ...stored,
      }
      const lane = newLane(4, circuit, paused)
      const read = countReads(lane.ready)
      for (const device of [...MANY, ...Array.from({ length: 10_000 }, (__, n) => String(n))]) {
        addDevice(lane, device)
      }
      const started = startDevices(lane, 4, 1000)
      nextTry(lane, 4)
      expect(started).toHaveLength(paused || 'downs' in stored ? 0 : 4)
      expect(read()).toBeLessThan(20)
    },
  )

  it('is tried by one post at a time, less and less often, and later gets all events in order', async () => {
    const receiver = new TestReceiver()
    const start = receiver.now
    receiver.answer = () => (receiver.now < start + HOUR ? down() : DELIVERED)
    for (let round = 0; round < 3; round++) {
      for (let device = 0; device < 20; device++) {
        receiver.event(`device ${device}`)
      }
    }
    await receiver.run(start + 2 * HOUR)
    const failed = receiver.posts.filter(({ outcome }) => outcome === 'down')
    expect(failed.length).toBeLessThan(75)
    for (let device = 0; device < 20; device++) {
      const taken = receiver
        .postsOf(`device ${device}`)
        .filter(({ outcome }) => outcome === 'delivered')
      expect(taken.map(({ seq }) => seq)).toEqual([1, 2, 3])
      expect(taken[0]?.at).toBeLessThan(start + HOUR + 2 * MINUTE)
    }
  })

  it('is tried first for a device without failures, and counts as up when it accepts this post', async () => {
    const receiver = new TestReceiver()
    receiver.answer = (device) => (device === 'good' ? DELIVERED : down())
    for (const device of MANY) {
      receiver.event(device)
    }
    await receiver.run(receiver.now)
    receiver.event('good')
    expect(receiver.postsOf('good')).toEqual([])
    await receiver.run(receiver.now + 2 * SECOND)
    expect(receiver.posts[5]).toMatchObject({ device: 'good', outcome: 'delivered' })
  })

  it('that asks for a wait after posts for many devices gets one post in five minutes for the others', async () => {
    const receiver = new TestReceiver(6)
    const start = receiver.now
    const last = Promise.withResolvers<typeof DELIVERED>()
    receiver.answer = (device) =>
      device === 'good' ? last.promise : receiver.now === start ? down(2 * HOUR) : DELIVERED
    for (const device of ['good', ...MANY, 'good']) {
      receiver.event(device)
    }
    await expect.poll(() => receiver.posts.length).toBe(5)
    last.resolve(DELIVERED)
    await receiver.run(start + 3 * HOUR)
    expect(receiver.posts.filter(({ at }) => at > start && at < start + 2 * HOUR)).toMatchObject([
      { device: 'good', at: start + 300 * SECOND, outcome: 'delivered' },
    ])
    expect(receiver.postsOf('A')).toMatchObject([
      { outcome: 'down' },
      { at: start + 2 * HOUR, outcome: 'delivered' },
    ])
    expect(receiver.takenOf('good')).toEqual([1, 2])
  })

  it('that repeats its Retry-After of hours gets one post in five minutes at most', async () => {
    const receiver = new TestReceiver(6)
    const start = receiver.now
    receiver.answer = () => down(2 * HOUR)
    for (const device of [...MANY, 'F', 'G', 'H']) {
      receiver.event(device)
    }
    await receiver.run(start + HOUR)
    expect(receiver.posts.map(({ at }) => (at - start) / (300 * SECOND))).toEqual([
      0, 0, 0, 0, 0, 0, 1, 2,
    ])
  })
})

describe('a receiver that sends Retry-After', () => {
  it('gets no post for six hours at most', async () => {
    const receiver = new TestReceiver()
    const start = receiver.now
    receiver.answer = () => (receiver.now === start ? down(30 * DAY) : DELIVERED)
    receiver.event('A')
    await receiver.run(start + DAY)
    expect(receiver.posts.map(({ at }) => at - start)).toEqual([0, 6 * HOUR])
  })

  it('gets a wait for each, and no event becomes a dead letter before 3 days', async () => {
    const receiver = new TestReceiver()
    const start = receiver.now
    receiver.answer = () => (receiver.now < start + 2 * DAY ? down(30 * DAY) : DELIVERED)
    receiver.event('A')
    receiver.event('A')
    receiver.event('B')
    await receiver.run(start + 3 * DAY)
    expect(receiver.posts.length).toBeLessThan(15)
    expect(receiver.takenOf('A')).toEqual([1, 2])
    expect(receiver.takenOf('B')).toEqual([1])
  })
})

describe('an event that is refused', () => {
  it('leaves the order after three tries within a minute', async () => {
    const receiver = new TestReceiver()
    const start = receiver.now
    receiver.answer = (_, seq) => (seq === 1 ? REFUSED : DELIVERED)
    receiver.event('A')
    receiver.event('A')
    await receiver.run(start + MINUTE)
    expect(receiver.postsOf('A').map(({ seq }) => seq)).toEqual([1, 1, 1, 2])
    expect(receiver.asidesOf('A')).toMatchObject([{ seq: 1, tries: 3 }])
  })

  it('becomes a dead letter after 3 days, and is kept and counted', async () => {
    const receiver = new TestReceiver()
    receiver.answer = () => REFUSED
    receiver.event('A')
    await receiver.run(receiver.now + MINUTE)
    await receiver.run(receiver.now + 3 * DAY - HOUR)
    expect(receiver.givenUp).toBe(0)
    await receiver.run(receiver.now + 2 * HOUR)
    expect(receiver.asidesOf('A')).toMatchObject([{ seq: 1, next_at: null }])
    expect(receiver.givenUp).toBe(1)
    expect(receiver.notes).toContain('webhook:given-up')
  })
})

describe('the pace of a webhook', () => {
  it('bounds its posts per minute', async () => {
    const receiver = new TestReceiver()
    receiver.settings = { rate: 60 }
    const start = receiver.now
    for (let n = 0; n < 10; n++) {
      receiver.event('A')
    }
    await receiver.run(start + MINUTE)
    expect(receiver.posts.map(({ at }) => at - start)).toEqual(
      Array.from({ length: 10 }, (_, n) => n * SECOND),
    )
  })

  it('grows after an outage as `rampUp` says', async () => {
    const receiver = new TestReceiver(4)
    receiver.settings = { rampUp: 5 }
    const start = receiver.now
    const allowed: number[] = []
    for (let device = 0; device < 12; device++) {
      receiver.event(`device ${device}`)
    }
    receiver.answer = () => {
      allowed.push(receiver.lane.allowed)
      return receiver.now < start + SECOND ? down() : DELIVERED
    }
    await receiver.run(start + 10 * MINUTE)
    const after = allowed.slice(-12)
    expect(after.slice(0, 5)).toEqual([1, 1, 1, 1, 1])
    expect(Math.max(...after)).toBeLessThanOrEqual(3)
  })

  it('counts an Idle that has waited too long, and does not post it', async () => {
    const receiver = new TestReceiver()
    receiver.settings = { maxIdleAge: HOUR }
    const start = receiver.now
    receiver.answer = () => (receiver.now < start + 2 * HOUR ? down() : DELIVERED)
    receiver.event('A', 'Idle')
    receiver.event('A', 'Acknowledged')
    receiver.event('A', 'Idle')
    await receiver.run(start + 2 * HOUR + MINUTE)
    receiver.event('A', 'Idle')
    await receiver.run(start + 5 * HOUR)
    const taken = receiver.postsOf('A').filter(({ outcome }) => outcome === 'delivered')
    expect(taken.map(({ seq }) => seq)).toEqual([2, 4])
    expect(receiver.dropped).toBe(2)
  })
})

/** @returns how many devices were read from a set so far */
function countReads(devices: Set<string>): () => number {
  let reads = 0
  Object.defineProperty(devices, Symbol.iterator, {
    *value(): Generator<string> {
      for (const device of devices.values()) {
        reads += 1
        yield device
      }
    },
  })
  return () => reads
}
