import { expect, it } from 'vitest'
import { pull } from '../../../../src/device/outbox/read.ts'
import { recordEvent } from '../../../../src/device/outbox/record.ts'
import { replay } from '../../../../src/device/outbox/replay.ts'
import { saveDevice } from '../../../../src/device/store/rows/save.ts'
import { viewDeliveries, type DeliveryFilter } from '../../../../src/device/views/deliveries.ts'
import { TestObject } from '../object.ts'

const topics = ['mdm.Connect'] as const
const keepEvents = { count: 100, ms: Number.MAX_SAFE_INTEGER }

/** A device that keeps its events. */
function device() {
  const object = new TestObject('UDID-1', { keepEvents })
  object.commit(saveDevice)
  const record = (listeners: readonly string[] | undefined, user = ''): void => {
    object.commit((context) => {
      const about = { enrollment: { type: 'Device', device: 'UDID-1', user } as const, params: {} }
      const event = { id: crypto.randomUUID(), topic: topics[0], about, body: new Uint8Array() }
      recordEvent(context, event, listeners)
    })
  }
  const list = (filter: Partial<DeliveryFilter> = {}, user = '') =>
    object
      .commit((context) =>
        viewDeliveries(context, user, {
          subscriber: undefined,
          before: undefined,
          limit: 100,
          ...filter,
        }),
      )
      .deliveries.map(({ sequence, subscriber, state, tries }) =>
        [sequence, subscriber, state, ...(tries ? [tries] : [])].join(' '),
      )
  return { object, record, list }
}

it('an event is waiting, retrying, dead or delivered for each webhook, by the rows of its device', () => {
  const { object, record, list } = device()
  for (let n = 0; n < 4; n++) {
    record(['a', 'b'])
  }
  record(['b'])
  const aside = [
    { seq: 1, tries: 70, nextAt: null, reason: 'status 500' },
    { seq: 2, tries: 3, nextAt: 2_000_000, reason: 'status 500' },
  ]
  object.commit((context) =>
    pull(context, { subscriber: 'a', topics, passed: 3, aside, read: false }),
  )
  expect(list({ subscriber: 'a' })).toEqual([
    '4 a waiting',
    '3 a delivered',
    '2 a retrying 3',
    '1 a dead 70',
  ])
  expect(list()).toContain('5 b waiting')
  expect(list()).not.toContain('5 a waiting')
})

it('an event that a replay posts again waits, also for a webhook that did not want it', () => {
  const { object, record, list } = device()
  record(['a'])
  const order = { events: null, filter: { topics, statuses: null }, from: 0, to: Infinity }
  object.commit((context) => replay(context, '', { ...order, subscriber: 'b', dryRun: false }))
  expect(list()).toEqual(['1 a waiting', '1 b waiting'])
  expect(list({ subscriber: 'b' })).toEqual(['1 b waiting'])
})

it('the deliveries of a device come in pages, newest event first', () => {
  const { record, list } = device()
  record(['a', 'b'])
  record(['a', 'b'])
  const all = ['2 a waiting', '2 b waiting', '1 a waiting', '1 b waiting']
  expect(list()).toEqual(all)
  expect(list({ limit: 1 })).toEqual(all.slice(0, 1))
  expect(list({ before: { sequence: 2, subscriber: 'a' } })).toEqual(all.slice(1))
  expect(list({ before: { sequence: 2, subscriber: 'b' }, limit: 1 })).toEqual(all.slice(2, 3))
})

it('the deliveries of a user are those of the events of its channel', () => {
  const { record, list } = device()
  record(['a'])
  record(['a'], 'USER')
  expect(list({}, 'USER')).toEqual(['2 a waiting'])
  expect(list()).toEqual(['2 a waiting', '1 a waiting'])
})

it('an event waits for all known webhooks while its own are not known', () => {
  const { record, list } = device()
  record(['a'])
  record(undefined)
  expect(list()).toEqual(['2 a waiting', '1 a waiting'])
})

it('a device without events has no deliveries', () => {
  expect(device().list()).toEqual([])
})
