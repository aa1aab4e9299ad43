import { describe, expect, it } from 'vitest'
import { endWaits } from '../../../src/webhooks/lane.ts'
import { DELIVERED, down, REFUSED, TestReceiver } from './receiver.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** Makes events of devices, in these numbers. */
function events(receiver: TestReceiver, counts: Readonly<Record<string, number>>): void {
  for (const [device, count] of Object.entries(counts)) {
    for (let n = 0; n < count; n++) {
      receiver.event(device)
    }
  }
}

const upTo = (last: number): number[] => Array.from({ length: last }, (_, n) => n + 1)

describe('an event is not lost', () => {
  it('when it has waited longer than 3 days and its first post fails', async () => {
    for (const failure of [down(), REFUSED]) {
      const receiver = new TestReceiver()
      receiver.lane.paused = true
      events(receiver, { A: 3 })
      receiver.now += 4 * DAY
      receiver.lane.paused = false
      let left = 2
      receiver.answer = () => (left-- > 0 ? failure : DELIVERED)
      receiver.wake('A')
      await receiver.run(receiver.now + HOUR)
      expect(receiver.takenOf('A')).toEqual([1, 2, 3])
      expect(receiver.givenUp).toBe(0)
    }
  })

  it('when it is refused after a long pause: it is tried for 3 days from then on', async () => {
    const receiver = new TestReceiver()
    receiver.lane.paused = true
    receiver.event('A')
    receiver.now += 4 * DAY
    receiver.lane.paused = false
    const until = receiver.now + 2 * DAY
    receiver.answer = () => (receiver.now < until ? REFUSED : DELIVERED)
    receiver.wake('A')
    await receiver.run(until + 2 * HOUR)
    expect(receiver.takenOf('A')).toEqual([1])
  })

  it('with all others of its device when the receiver is down for longer than 3 days', async () => {
    const receiver = new TestReceiver()
    receiver.answer = () => down()
    events(receiver, { A: 200 })
    await receiver.run(receiver.now + 3 * DAY)
    const before = receiver.posts.length
    await receiver.run(receiver.now + 6 * HOUR)
    expect(receiver.posts.length - before).toBeLessThan(10)
    expect(receiver.givenUp).toBeLessThan(5)
    receiver.answer = () => DELIVERED
    await receiver.run(receiver.now + 2 * HOUR)
    expect(receiver.takenOf('A').length).toBeGreaterThan(195)
  })
})

describe('an event is not posted twice', () => {
  it('when the report that it was delivered does not reach its device', async () => {
    const receiver = new TestReceiver()
    events(receiver, { A: 12 })
    let failures = 3
    receiver.reach = (_, reports) => {
      if (reports && failures-- > 0) {
        throw new Error('the object was reset')
      }
    }
    await receiver.run(receiver.now + MINUTE)
    expect(receiver.takenOf('A')).toEqual(upTo(12))
  })
})

describe('events keep their order', () => {
  it('in a replay during an outage', async () => {
    const receiver = new TestReceiver()
    events(receiver, { A: 12 })
    await receiver.run(receiver.now + MINUTE)
    let failures = 6
    receiver.answer = () => (failures-- > 0 ? down() : DELIVERED)
    receiver.posts.length = 0
    receiver.replay('A')
    await receiver.run(receiver.now + 3 * HOUR)
    expect(receiver.takenOf('A')).toEqual(upTo(12))
    expect(receiver.posts.every((post) => post.replay)).toBe(true)
  })
})

describe('a receiver that is down gets few posts', () => {
  it('of a replay of a hundred events of one device', async () => {
    const receiver = new TestReceiver()
    events(receiver, { A: 100 })
    await receiver.run(receiver.now + MINUTE)
    receiver.posts.length = 0
    receiver.answer = () => down()
    receiver.replay('A')
    await receiver.run(receiver.now + 10 * MINUTE)
    expect(receiver.posts.length).toBeLessThan(12)
  })
})

describe('a replay to a receiver that is down', () => {
  it('opens the circuit at the second device, makes few posts, and keeps the order of each device', async () => {
    const receiver = new TestReceiver()
    events(receiver, { A: 32, B: 32 })
    await receiver.run(receiver.now + MINUTE)
    receiver.posts.length = 0
    receiver.answer = () => down()
    receiver.replay('A')
    receiver.replay('B')
    await receiver.settled()
    expect(receiver.posts).toHaveLength(2)
    expect(receiver.lane.circuit.downs).toBe(1)
    await receiver.run(receiver.now + 10 * MINUTE)
    expect(receiver.posts.length).toBeLessThan(20)
    receiver.answer = () => DELIVERED
    await receiver.run(receiver.now + 3 * HOUR)
    expect(receiver.takenOf('A')).toEqual(upTo(32))
    expect(receiver.takenOf('B')).toEqual(upTo(32))
    expect(receiver.lane.circuit.downs).toBe(0)
  })
})

describe('a failure of one device is its own', () => {
  it('an event that is always refused delays no other event', async () => {
    const receiver = new TestReceiver(1)
    receiver.answer = (device, seq) => (device === 'A' && seq === 2 ? REFUSED : DELIVERED)
    events(receiver, { A: 4, B: 3 })
    const start = receiver.now
    await receiver.run(start + MINUTE)
    expect(receiver.takenOf('A')).toEqual([1, 3, 4])
    expect(receiver.takenOf('B')).toEqual([1, 2, 3])
    await receiver.run(start + 4 * DAY)
    expect(receiver.givenUp).toBe(1)
    receiver.event('A')
    expect(receiver.asidesOf('A')).toMatchObject([{ seq: 2, next_at: null }])
    await receiver.run(receiver.now)
    expect(receiver.takenOf('A')).toEqual([1, 3, 4, 5])
  })

  it('an event that is refused after a long outage leaves the order within a minute', async () => {
    const receiver = new TestReceiver()
    const back = receiver.now + 5 * HOUR
    receiver.answer = (_, seq) => {
      if (receiver.now < back) {
        return down()
      }
      return seq === 1 ? REFUSED : DELIVERED
    }
    events(receiver, { A: 2 })
    await receiver.run(back + 3 * HOUR)
    const refused = receiver.posts.find(({ outcome }) => outcome === 'refused')
    const taken = receiver.posts.find(({ outcome }) => outcome === 'delivered')
    expect(taken).toMatchObject({ seq: 2 })
    expect((taken?.at ?? Infinity) - (refused?.at ?? 0)).toBeLessThan(MINUTE)
  })

  it('an event that cannot be made into a post leaves the order as a refused one', async () => {
    const receiver = new TestReceiver()
    receiver.answer = (_, seq) => {
      if (seq === 2) {
        throw new Error('no envelope')
      }
      return DELIVERED
    }
    events(receiver, { A: 3 })
    await receiver.run(receiver.now + MINUTE)
    expect(receiver.takenOf('A')).toEqual([1, 3])
  })

  it('a device with a backlog gives its place to others after some posts', async () => {
    const receiver = new TestReceiver(1)
    receiver.answer = () => {
      receiver.now += SECOND
      return DELIVERED
    }
    events(receiver, { A: 300, B: 1 })
    await receiver.run(receiver.now + HOUR)
    expect(receiver.takenOf('A')).toEqual(upTo(300))
    const [first] = receiver.postsOf('B')
    expect((first?.at ?? Infinity) - (receiver.posts[0]?.at ?? 0)).toBeLessThan(20 * SECOND)
  })
})

describe('changed settings', () => {
  it('hold from the next post on, also within the backlog of a device', async () => {
    const receiver = new TestReceiver()
    receiver.settings = { url: 'old' }
    receiver.answer = (_, seq) => {
      if (seq === 7) {
        receiver.settings = { url: 'new' }
      }
      return DELIVERED
    }
    events(receiver, { A: 12 })
    await receiver.run(receiver.now + MINUTE)
    expect(receiver.postsOf('A').map(({ url }) => url)).toEqual([
      ...Array.from({ length: 7 }, () => 'old'),
      ...Array.from({ length: 5 }, () => 'new'),
    ])
  })

  it('that disable the webhook end its posts at once', async () => {
    const receiver = new TestReceiver()
    receiver.answer = (_, seq) => {
      receiver.isGone = seq === 2
      return DELIVERED
    }
    events(receiver, { A: 12 })
    await receiver.settled()
    expect(receiver.takenOf('A')).toEqual([1, 2])
  })
})

describe('an admin’s act that ends waits', () => {
  it('ends all waits: those of the receiver and those of devices', async () => {
    const receiver = new TestReceiver()
    receiver.answer = () => down()
    events(receiver, { A: 1 })
    await receiver.run(receiver.now + DAY)
    receiver.answer = () => down(5 * HOUR)
    events(receiver, { B: 1 })
    await receiver.run(receiver.now)
    receiver.answer = () => DELIVERED
    const { now } = receiver
    endWaits(receiver.lane)
    receiver.pump()
    await receiver.run(now)
    expect(receiver.takenOf('A')).toEqual([1])
    expect(receiver.takenOf('B')).toEqual([1])
  })

  it('causes one post at most to a receiver that is still down', async () => {
    const receiver = new TestReceiver()
    receiver.answer = () => down()
    events(receiver, { A: 3, B: 3, C: 3 })
    await receiver.run(receiver.now + DAY)
    receiver.posts.length = 0
    endWaits(receiver.lane)
    receiver.pump()
    await receiver.run(receiver.now + 30 * SECOND)
    expect(receiver.posts.length).toBeLessThanOrEqual(1)
  })
})
