import { expect, it } from 'vitest'
import { dropStaleCursors, pull, recordEvent } from '../../../src/device/outbox.ts'
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
  object.now += MINUTE
  object.commit(dropStaleCursors)
  object.evict()
  expect(read()).toHaveLength(2)
  object.now += 3 * DAY
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
