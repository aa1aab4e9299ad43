import { describe, expect, it } from 'vitest'
import { requestRetry, takeRetries } from '../../../../src/device/outbox/retries.ts'
import { pull } from '../../../../src/device/outbox/read.ts'
import { recordEvent } from '../../../../src/device/outbox/record.ts'
import {
  subscribersBehind,
  settleSubscribers,
  waitingSince,
} from '../../../../src/device/outbox/cursors.ts'
import { replay, settleDeadLetter } from '../../../../src/device/outbox/replay.ts'
import type { Subscribers } from '../../../../src/device/store/events.ts'
import { saveDevice } from '../../../../src/device/store/rows/save.ts'
import type { DeviceEvent } from '../../../../src/events/event.ts'
import { TestObject } from '../object.ts'

const MINUTE = 60_000
const DAY = 86_400_000
const topics = ['mdm.Connect'] as const

/** A device object with so many events for a webhook. */
function withEvents(count: number) {
  const object = new TestObject('UDID-1')
  const record = (): void => {
    object.commit((context) => {
      const enrollment = { type: 'Device', device: 'UDID-1', user: '' } as const
      const event = { id: 'e', topic: topics[0], about: { enrollment, params: {} } }
      recordEvent(context, { ...event, body: new Uint8Array(3) }, ['webhook'])
    })
  }
  object.commit((context) => {
    saveDevice(context)
  })
  for (let n = 0; n < count; n++) {
    record()
  }
  return {
    object,
    record,
    read: (): readonly DeviceEvent[] =>
      object.commit((context) => pull(context, { subscriber: 'webhook', topics, read: true }))
        .events,
  }
}

it('events that a webhook has not received are kept for three days while it is not configured', () => {
  const { object, read } = withEvents(2)
  object.now += 3 * DAY - MINUTE
  object.commit((context) => settleSubscribers(context, []))
  object.evict()
  expect(read()).toHaveLength(2)
  object.now += 2 * MINUTE
  object.commit((context) => settleSubscribers(context, []))
  expect(read()).toEqual([])
})

it('only old events are deleted while their webhook is not configured, also after a pause of days', () => {
  const { object, record, read } = withEvents(2)
  object.now += 4 * DAY
  record()
  object.commit((context) => settleSubscribers(context, []))
  object.evict()
  expect(read().map(({ sequence }) => sequence)).toEqual([3])
})

it('a replay of old events is kept for three days while its webhook is not configured', () => {
  for (const subscriber of ['webhook', 'new']) {
    const { object } = withEvents(1)
    object.commit((context) =>
      pull(context, { subscriber: 'webhook', topics, passed: 1, read: true }),
    )
    object.now += 9 * DAY
    object.commit((context) => {
      const aside = [requestRetry(context, 1, true)]
      takeRetries(context, { subscriber, aside })
    })
    const left = (): number => object.db().all('SELECT * FROM aside').length
    object.commit((context) => settleSubscribers(context, []))
    expect(left()).toBe(1)
    object.now += 3 * DAY + MINUTE
    object.commit((context) => settleSubscribers(context, []))
    expect(left()).toBe(0)
    expect(object.commit(subscribersBehind)).toEqual([])
  }
})

it('a dead letter is retried with the mark it had, and only once after repeated requests', () => {
  for (const isReplay of [true, false]) {
    const { object } = withEvents(1)
    const report = { subscriber: 'webhook', topics, passed: 1, read: false }
    const aside = [{ seq: 1, tries: 9, nextAt: null, replay: isReplay }]
    object.commit((context) => pull(context, { ...report, aside }))
    const settle = (retry: boolean) =>
      object.commit((context) => settleDeadLetter(context, 'webhook', 1, retry))
    const asides = () =>
      object.commit((context) => pull(context, { subscriber: 'webhook', topics, read: true }))
        .asides
    expect(settle(true)).toBe(true)
    const [first] = asides()
    expect(first).toMatchObject({ tries: 0, replay: isReplay })
    object.now += MINUTE
    // Thrown away, after all, by somebody who saw an old list.
    expect(settle(false)).toBe(true)
    expect(settle(true)).toBe(true)
    expect(asides()).toEqual([first])
  }
})

it('retries of long events are read as far as one call carries them', () => {
  const { object } = withEvents(0)
  object.commit((context) => {
    for (const id of ['one', 'two', 'three']) {
      const about = { enrollment: { type: 'Device', device: 'D', user: '' }, params: {} } as const
      const body = new Uint8Array(800_000)
      recordEvent(context, { id, topic: 'mdm.Connect', about, body }, ['webhook'])
    }
    const aside = [1, 2].map((seq) => requestRetry(context, seq, true))
    takeRetries(context, { subscriber: 'webhook', aside })
  })
  const read = () =>
    object.commit((context) => pull(context, { subscriber: 'webhook', topics, read: true }))
  expect(read()).toMatchObject({ asides: [{}, {}], events: [] })
  object.commit((context) =>
    pull(context, { subscriber: 'webhook', topics, settled: [1, 2], read: false }),
  )
  expect(read()).toMatchObject({ asides: [], events: [{}, {}] })
})

it('retries wait together, in their order, for a receiver that is down', () => {
  const { object } = withEvents(3)
  const at = object.now + MINUTE
  object.commit((context) => {
    const aside = [1, 2, 3].map((seq) => requestRetry(context, seq, true))
    takeRetries(context, {
      subscriber: 'webhook',
      aside: [...aside, { seq: 9, tries: 9, nextAt: null }],
    })
    takeRetries(context, { subscriber: 'other', aside })
    const report = { subscriber: 'webhook', topics, passed: 3, read: false }
    pull(context, { ...report, asidesFrom: at })
  })
  const due = (subscriber: string) =>
    object
      .commit((context) => pull(context, { subscriber, topics, read: true }))
      .asides.map(({ event }) => event.sequence)
  expect(due('webhook')).toEqual([])
  expect(due('other')).toEqual([1, 2, 3])
  object.now = at
  expect(due('webhook')).toEqual([1, 2, 3])
})

it('the newest hundred dead letters are kept, and each deleted one is logged', () => {
  const { object, record } = withEvents(0)
  for (let seq = 1; seq <= 102; seq++) {
    record()
    object.commit((context) => {
      const aside = [{ seq, tries: 9, nextAt: null }]
      pull(context, { subscriber: 'webhook', topics, passed: seq, aside, settled: [], read: false })
    })
  }
  expect(object.effects.notes).toEqual([
    { event: 'webhook:given-up-deleted', webhook: 'webhook', device: 'UDID-1', sequence: 2 },
  ])
  const [kept] = object.db().all<{ count: number }>('SELECT count(*) AS count FROM events')
  expect(kept?.count).toBe(100)
})

it.each(['mdm.TokenUpdate', 'mdm.SetBootstrapToken'] as const)(
  'the body of %s is stored sealed, and read unchanged',
  (topic) => {
    const { object } = withEvents(0)
    const body = new TextEncoder().encode('the secret token')
    object.commit((context) => {
      const enrollment = { type: 'Device', device: 'UDID-1', user: '' } as const
      recordEvent(context, { id: 'e', topic, about: { enrollment, params: {} }, body }, ['webhook'])
    })
    const [row] = object.db().all<{ body: Uint8Array }>('SELECT body FROM events')
    expect(Buffer.from(row?.body ?? []).includes('secret')).toBe(false)
    const { events } = object.commit((context) =>
      pull(context, { subscriber: 'webhook', topics: [topic], read: true }),
    )
    expect(events).toMatchObject([{ topic, body }])
  },
)

it('an object that stored nothing yet has no events, and a pull makes no tables', () => {
  const object = new TestObject()
  const report = { passed: 3, aside: [], settled: [1] }
  for (const read of [true, false]) {
    const pulled = object.commit((context) =>
      pull(context, { subscriber: 'webhook', topics, read, ...report }),
    )
    expect(pulled).toEqual({ events: [], asides: [], upTo: 0, more: false })
  }
  expect(object.db().all('SELECT name FROM sqlite_master')).toEqual([])
})

it('a subscriber that only reports is notified of events that it leaves, and at once of new ones', () => {
  const { object, record } = withEvents(2)
  const report = (passed: number) =>
    object.commit((context) =>
      pull(context, { subscriber: 'webhook', topics, passed, read: false }),
    )
  expect(report(1)).toMatchObject({ events: [], upTo: 1, more: true })
  expect(object.effects.wakeBy).toBe(object.now + MINUTE)
  record()
  expect(object.effects.toAnnounce.subscribers).toEqual(['webhook'])
  expect(report(3)).toMatchObject({ events: [], upTo: 3, more: false })
  expect(object.effects.wakeBy).toBe(Infinity)
  expect(report(1)).toMatchObject({ upTo: 3 })
})

it('events that a subscriber does not want no longer wait after it has read', () => {
  const { object } = withEvents(2)
  expect(object.commit(waitingSince)).toBeDefined()
  object.commit((context) =>
    pull(context, { subscriber: 'webhook', topics: ['mdm.CheckOut'], read: true }),
  )
  object.evict()
  expect(object.commit(waitingSince)).toBeUndefined()
})

describe('several subscribers', () => {
  const enrollment = { type: 'Device', device: 'UDID-1', user: '' } as const

  function device(keep = 0) {
    const object = new TestObject('UDID-1', { keepEvents: { count: keep, ms: DAY } })
    object.commit((context) => {
      saveDevice(context)
    })
    const pulled = (subscriber: string, passed?: number) =>
      object.commit((context) =>
        pull(context, { subscriber, topics, read: true, ...(passed ? { passed } : {}) }),
      )
    return {
      object,
      record: (listeners: Subscribers): void => {
        object.commit((context) => {
          const event = { id: 'e', topic: topics[0], about: { enrollment, params: {} } }
          recordEvent(context, { ...event, body: new Uint8Array(3) }, listeners)
        })
      },
      read: (subscriber: string): number[] =>
        pulled(subscriber).events.map(({ sequence }) => sequence),
      deliver: (subscriber: string): void => {
        for (let { events, upTo } = pulled(subscriber); events.length > 0;) {
          ;({ events, upTo } = pulled(subscriber, upTo))
        }
      },
      rows: (table: string): number =>
        object.db().all<{ n: number }>(`SELECT count(*) AS n FROM ${table}`)[0]?.n ?? NaN,
      behind: (): string[] => object.commit(subscribersBehind),
    }
  }

  it('each get the events that they want, and pass the others without a row of their own', () => {
    const { object, record, read, deliver, behind, rows } = device()
    record(['a', 'b'])
    deliver('a')
    deliver('b')
    record(['a'])
    expect(object.effects.toAnnounce.subscribers).toEqual(['a'])
    record(['a'])
    expect(behind()).toEqual(['a'])
    object.evict()
    expect(behind()).toEqual(['a'])
    expect(read('b')).toEqual([])
    expect(read('a')).toEqual([2, 3])
    deliver('a')
    expect(rows('events')).toBe(1)
    expect(object.commit(({ state }) => state.storedCursors.get('b'))).toBe(1)
  })

  it('get an event that was written while they were unknown', () => {
    const { object, record, read } = device()
    record(['a'])
    record(undefined)
    expect(object.effects.toAnnounce.subscribers).toEqual([''])
    record(['a'])
    expect(object.commit((context) => settleSubscribers(context, ['a', 'new']))).toBe(true)
    expect(read('new')).toEqual([2])
    expect(read('a')).toEqual([1, 2, 3])
    expect(object.commit((context) => settleSubscribers(context, ['a', 'new']))).toBe(false)
    expect(object.commit(({ state }) => [...state.storedCursors.keys()])).toEqual(['a', 'new'])
  })

  it('do not exist: events stay as long as the timeline keeps them, and an Idle is no row', () => {
    const { object, record, rows } = device(2)
    for (let n = 0; n < 5; n++) {
      record([])
    }
    expect(rows('events')).toBe(2)
    object.commit((context) => {
      const about = { enrollment, params: {}, status: 'Idle' }
      recordEvent(context, { id: 'e', topic: topics[0], about, body: new Uint8Array() }, [])
    })
    expect(rows('events')).toBe(2)
    expect(object.effects.toAnnounce.subscribers).toEqual([])
  })

  it('get a replay as retries, those that had the event and a new one', () => {
    const { object, record, deliver } = device(10)
    record(['a'])
    record(['a'])
    deliver('a')
    const order = (subscriber: string, events: string[] | null = null) => ({
      subscriber,
      events,
      filter: { topics, statuses: null },
      from: 0,
      to: Infinity,
      dryRun: false,
    })
    expect(object.commit((context) => replay(context, '', order('a')))).toMatchObject({ events: 2 })
    expect(object.effects.toAnnounce.subscribers).toEqual(['a'])
    expect(object.commit((context) => replay(context, '', order('a')))).toMatchObject({ events: 0 })
    expect(object.commit((context) => replay(context, '', order('b')))).toMatchObject({ events: 2 })
    const pulled = object.commit((context) =>
      pull(context, { subscriber: 'b', topics, read: true }),
    )
    expect(pulled.asides).toMatchObject([
      { event: { sequence: 1 }, replay: true },
      { event: { sequence: 2 }, replay: true },
    ])
    expect(pulled.events).toEqual([])
  })
})
