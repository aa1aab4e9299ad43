import { expect, it } from 'vitest'
import { dropStaleCursors, pull, recordEvent, waitingSince } from '../../../src/device/outbox.ts'
import { saveDevice } from '../../../src/device/state.ts'
import type { DeviceEvent } from '../../../src/events/event.ts'
import { TestObject } from './object.ts'

const MINUTE = 60_000
const DAY = 86_400_000
const topics = ['mdm.Connect'] as const

/** A device object with so many events for a webhook. */
function withEvents(count: number) {
  const object = new TestObject('UDID-1', { subscribers: [] })
  const record = (): void => {
    object.commit((context) => {
      const enrollment = { type: 'Device', device: 'UDID-1', user: '' } as const
      const event = { id: 'e', topic: topics[0], about: { enrollment, params: {} } }
      recordEvent(context, { ...event, body: new Uint8Array(3) }, ['webhook'])
    })
  }
  object.commit((context) => {
    saveDevice(context.db, context.state.device)
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

it('what a webhook has not had is kept for three days while it is not configured', () => {
  const { object, read } = withEvents(2)
  object.now += 3 * DAY - MINUTE
  object.commit(dropStaleCursors)
  object.evict()
  expect(read()).toHaveLength(2)
  object.now += 2 * MINUTE
  object.commit(dropStaleCursors)
  expect(read()).toEqual([])
})

it('of given-up events the newest hundred are kept, and every other is told', () => {
  const { object, record } = withEvents(0)
  for (let seq = 1; seq <= 102; seq++) {
    record()
    object.commit((context) => {
      const aside = [{ seq, tries: 9, nextAt: null }]
      pull(context, { subscriber: 'webhook', topics, passed: seq, aside, settled: [], read: false })
    })
  }
  expect(object.effects.notes).toEqual([
    { event: 'webhook:given-up-deleted', device: 'UDID-1', seq: 2 },
  ])
  const [kept] = object.db().all<{ count: number }>('SELECT count(*) AS count FROM events')
  expect(kept?.count).toBe(100)
})

it.each(['mdm.TokenUpdate', 'mdm.SetBootstrapToken'] as const)(
  'the body of %s rests sealed, and is read as it came',
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

it('an object that stored nothing yet has no events, and gets no tables by being asked', () => {
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

it('a reader that only reports is told again of what it leaves behind, and at once of what comes next', () => {
  const { object, record } = withEvents(2)
  const report = (passed: number) =>
    object.commit((context) =>
      pull(context, { subscriber: 'webhook', topics, passed, read: false }),
    )
  expect(report(1)).toMatchObject({ events: [], upTo: 1, more: true })
  expect(object.effects.wakeBy).toBe(object.now + MINUTE)
  record()
  expect(object.effects.news.events).toBe(true)
  expect(report(3)).toMatchObject({ events: [], upTo: 3, more: false })
  expect(object.effects.wakeBy).toBe(Infinity)
  expect(report(1)).toMatchObject({ upTo: 3 })
})

it('events that a reader does not want wait for nobody once it has looked', () => {
  const { object } = withEvents(2)
  expect(object.commit(waitingSince)).toBeDefined()
  object.commit((context) =>
    pull(context, { subscriber: 'webhook', topics: ['mdm.CheckOut'], read: true }),
  )
  object.evict()
  expect(object.commit(waitingSince)).toBeUndefined()
})
