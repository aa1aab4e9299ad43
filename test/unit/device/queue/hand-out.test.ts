import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Report } from '../../../../src/mdm/message.ts'
import { applyReport } from '../../../../src/device/queue/report.ts'
import { appendCommand } from '../../../../src/device/queue/enqueue.ts'
import { handOut } from '../../../../src/device/queue/hand-out.ts'
import { cancelCommands } from '../../../../src/device/queue/cancel.ts'
import { viewQueue } from '../../../../src/device/queue/page.ts'
import { channelOf } from '../../../../src/device/store/channels.ts'
import type { KeepResults } from '../../../../src/config/settings.ts'
import { TestObject } from '../object.ts'

const text = new TextDecoder()
const bytes = (value: string): Uint8Array => new TextEncoder().encode(value)

function report(status: string, commandUUID?: string): Report {
  return {
    kind: 'report',
    enrollment: { type: 'Device', device: 'UDID-1', user: '' },
    status,
    commandUUID,
  }
}

function queueOn(object: TestObject, user = '') {
  return {
    add: (uuid: string, payload = uuid, requestType = 'ProfileList', secret = false) =>
      object.commit((context) =>
        appendCommand(context, channelOf(context, user), {
          uuid,
          requestType,
          payload: bytes(payload),
          secret,
          source: '',
        }),
      ),
    /** The answer to a report, as text. */
    tell: (status: string, uuid?: string, body = `${status} ${uuid}`) =>
      object.commit((context) => {
        const channel = channelOf(context, user)
        applyReport(context, channel, report(status, uuid), bytes(body))
        const payload = handOut(context, channel)
        return payload && text.decode(payload)
      }),
    effect: (status: string, uuid?: string, body = `${status} ${uuid}`) =>
      object.commit(
        (context) =>
          applyReport(context, channelOf(context, user), report(status, uuid), bytes(body)).kind,
      ),
    view: () =>
      object.commit((context) => viewQueue(context, user, 0)).commands.map(({ uuid }) => uuid),
    clear: () =>
      object.commit((context) => {
        cancelCommands(context, channelOf(context, user))
      }),
  }
}

describe('a device channel’s queue', () => {
  it('hands commands out in the order they were queued, one at a time', () => {
    const { add, tell } = queueOn(new TestObject())
    for (const uuid of ['A', 'B', 'C']) {
      add(uuid)
    }
    expect(tell('Idle')).toBe('A')
    expect(tell('Acknowledged', 'A')).toBe('B')
    expect(tell('Error', 'B')).toBe('C')
    expect(tell('CommandFormatError', 'C')).toBeUndefined()
    expect(tell('Idle')).toBeUndefined()
  })

  it('offers an unanswered command again under its UUID, after an eviction too', () => {
    const object = new TestObject()
    const { add, tell } = queueOn(object)
    add('A')
    add('B')
    expect(tell('Idle')).toBe('A')
    object.evict()
    expect(tell('Idle')).toBe('A')
  })

  it('skips a NotNow command for the round, and offers it in the next', () => {
    const { add, tell } = queueOn(new TestObject())
    add('A')
    add('B')
    expect(tell('Idle')).toBe('A')
    expect(tell('NotNow', 'A')).toBe('B')
    expect(tell('Acknowledged', 'B')).toBeUndefined()
    expect(tell('Idle')).toBe('A')
    expect(tell('NotNow', 'A')).toBeUndefined()
    expect(tell('Idle')).toBe('A')
  })

  it('puts a command that three rounds ignored behind the others, and still offers it last', () => {
    const { add, tell } = queueOn(new TestObject())
    add('ignored')
    add('EraseDevice')
    expect([tell('Idle'), tell('Idle'), tell('Idle')]).toEqual(['ignored', 'ignored', 'ignored'])
    expect(tell('Idle')).toBe('EraseDevice')
    expect(tell('Acknowledged', 'EraseDevice')).toBe('ignored')
    expect(tell('Idle')).toBe('ignored')
    add('later')
    expect(tell('Idle')).toBe('later')
    expect(tell('Acknowledged', 'later')).toBe('ignored')
    expect(tell('Acknowledged', 'ignored')).toBeUndefined()
  })

  it('answers a report for an unknown UUID with the next command', () => {
    const { add, tell, effect } = queueOn(new TestObject())
    add('A')
    expect(effect('Acknowledged', 'zzz')).toBe('unknown')
    expect(tell('Acknowledged', 'zzz')).toBe('A')
  })

  it('ends one entry at a time when a UUID repeats', () => {
    const { add, tell } = queueOn(new TestObject())
    add('same', 'first')
    add('same', 'second')
    expect(tell('Idle')).toBe('first')
    expect(tell('Acknowledged', 'same')).toBe('second')
    expect(tell('Acknowledged', 'same')).toBeUndefined()
  })

  it('recognises a repeated report, but not a new one for the same command', () => {
    const { add, tell, effect } = queueOn(new TestObject())
    add('A')
    tell('Idle')
    expect(effect('Acknowledged', 'A', 'body')).toBe('answered')
    expect(effect('Acknowledged', 'A', 'body')).toBe('repeat')
    expect(effect('Acknowledged', 'A', 'another body')).toBe('unknown')
  })

  it('never counts NotNow as a repeat', () => {
    const { add, tell, effect } = queueOn(new TestObject())
    add('A')
    tell('Idle')
    expect(effect('NotNow', 'A')).toBe('answered')
    tell('Idle')
    expect(effect('NotNow', 'A')).toBe('answered')
  })

  it('ends the command last handed out on a CommandFormatError without a CommandUUID', () => {
    const { add, tell, view } = queueOn(new TestObject())
    add('A')
    add('B')
    tell('Idle')
    expect(tell('CommandFormatError')).toBe('B')
    expect(view()).toEqual(['B'])
  })

  it('does not end a NotNow command when a CommandFormatError without a CommandUUID comes twice', () => {
    const { add, tell, view } = queueOn(new TestObject())
    add('A')
    add('B')
    tell('Idle')
    expect(tell('NotNow', 'A')).toBe('B')
    tell('CommandFormatError')
    tell('CommandFormatError')
    expect(view()).toEqual(['A'])
  })

  it('handles an unknown status as Idle', () => {
    const { add, tell } = queueOn(new TestObject())
    add('A')
    expect(tell('Weird')).toBe('A')
  })

  it('shows pending commands, NotNow ones included, and none after it was cleared', () => {
    const { add, tell, view, clear, effect } = queueOn(new TestObject())
    for (const uuid of ['A', 'B', 'C']) {
      add(uuid)
    }
    tell('Idle')
    tell('NotNow', 'A')
    expect(view()).toEqual(['A', 'B', 'C'])
    clear()
    expect(view()).toEqual([])
    expect(tell('Idle')).toBeUndefined()
    expect(effect('Acknowledged', 'A')).toBe('answered')
    expect(add('D')).toBe(4)
  })

  it('keeps the queues of channels apart', () => {
    const object = new TestObject()
    const device = queueOn(object)
    const user = queueOn(object, 'USER')
    device.add('D')
    user.add('U')
    object.evict()
    expect(user.tell('Idle')).toBe('U')
    expect(device.tell('Idle')).toBe('D')
    expect(user.tell('Acknowledged', 'D')).toBe('U')
    expect(device.view()).toEqual(['D'])
  })

  it('seals a secret payload at rest and delivers it as it was', () => {
    const object = new TestObject().enrolled()
    const { add, tell } = queueOn(object)
    add('A', 'pin 123456', 'DeviceLock', true)
    const [row] = object.db().all<{ payload: Uint8Array }>('SELECT payload FROM commands')
    expect(text.decode(row?.payload)).not.toContain('123456')
    expect(tell('Idle')).toBe('pin 123456')
  })

  it('carries payloads and results of many megabytes in rows of at most one', () => {
    const object = new TestObject()
    const { add, tell } = queueOn(object)
    const big = 'x'.repeat(3_500_000)
    add('A', big)
    expect(tell('Idle')).toBe(big)
    tell('Acknowledged', 'A', big)
    const [longest] = object
      .db()
      .all<{ most: number; parts: number }>(
        'SELECT max(length(bytes)) AS most, count(*) AS parts FROM parts',
      )
    expect(longest).toEqual({ most: 1_000_000, parts: 4 })
  })

  it('reads a queue that is longer than memory holds', () => {
    const object = new TestObject()
    const { add, tell } = queueOn(object)
    for (let n = 0; n < 450; n++) {
      add(`c${n}`)
    }
    object.evict()
    let given = tell('Idle')
    for (let n = 0; n < 450; n++) {
      expect(given).toBe(`c${n}`)
      given = tell(n % 3 === 0 ? 'NotNow' : 'Acknowledged', `c${n}`)
    }
    expect(given).toBeUndefined()
    expect(tell('Idle')).toBe('c0')
  })
})

describe('the history of a channel', () => {
  const rows = (keepResults: KeepResults, types: readonly string[]) => {
    const object = new TestObject('UDID-1', { keepResults })
    const { add, tell } = queueOn(object)
    types.forEach((type, n) => {
      add(`u${n}`, 'payload', type)
      tell('Idle')
      tell('Acknowledged', `u${n}`)
    })
    return object
      .db()
      .all<{ uuid: string; kept: number }>(
        'SELECT uuid, result IS NOT NULL AS kept FROM commands ORDER BY id',
      )
  }
  const six = Array.from({ length: 60 }, () => 'ProfileList')

  it('is bounded by a count', () => {
    expect(rows({ kind: 'bounded', count: 5, ms: 1e9 }, six)).toHaveLength(6)
  })

  it('is bounded by age', () => {
    expect(rows({ kind: 'bounded', count: 100, ms: 10 }, six).length).toBeLessThan(8)
  })

  it('keeps one result of each type with KEEP_RESULTS latest', () => {
    const kept = rows({ kind: 'latest', count: 0, ms: 0 }, ['A', 'B', 'A', 'B', 'A'])
    expect(kept.map(({ uuid }) => uuid)).toEqual(['u3', 'u4'])
  })

  it('keeps no result with KEEP_RESULTS none, and still recognises a repeat', () => {
    expect(rows({ kind: 'none', count: 0, ms: 0 }, ['A', 'A', 'A'])).toEqual([
      { uuid: 'u1', kept: 0 },
      { uuid: 'u2', kept: 0 },
    ])
    const { add, tell, effect } = queueOn(
      new TestObject('UDID-1', { keepResults: { kind: 'none', count: 0, ms: 0 } }),
    )
    add('A')
    add('B')
    tell('Idle')
    tell('Acknowledged', 'A')
    expect(effect('Acknowledged', 'A')).toBe('repeat')
  })
})

/** The rules of docs/architecture.md §5 once more, as plainly as possible. */
class Model {
  entries: { uuid: string; state: string; rounds: number; order: number; deferredIn: number }[] = []
  round = 0
  order = 0

  report(status: string, uuid: string | undefined): void {
    const given = this.entries.filter((entry) => entry.order > 0)
    if (status === 'Idle') {
      this.round += 1
      return
    }
    const entry =
      uuid === undefined
        ? given.filter(({ state }) => state !== 'not_now').toSorted((a, b) => b.order - a.order)[0]
        : given.find((candidate) => candidate.uuid === uuid)
    if (!entry) {
      return
    }
    if (status === 'NotNow') {
      Object.assign(entry, { state: 'not_now', rounds: 0, deferredIn: this.round })
    } else {
      this.entries.splice(this.entries.indexOf(entry), 1)
    }
  }

  next(): string | undefined {
    for (const entry of this.entries) {
      if (entry.state === 'sent' && entry.rounds >= 3) {
        entry.state = 'stalled'
      }
    }
    const chosen =
      this.entries.find(({ state }) => state === 'sent') ??
      this.entries.find(
        ({ state, deferredIn }) =>
          state === 'queued' || (state === 'not_now' && deferredIn < this.round),
      ) ??
      this.entries
        .filter(({ state }) => state === 'stalled')
        .toSorted((a, b) => a.order - b.order)[0]
    if (!chosen) {
      return undefined
    }
    if (chosen.state !== 'stalled') {
      chosen.state = 'sent'
    }
    if (this.roundOf.get(chosen) !== this.round) {
      chosen.rounds += 1
    }
    this.roundOf.set(chosen, this.round)
    chosen.order = ++this.order
    return chosen.uuid
  }

  roundOf = new Map<object, number>()
}

type Step = { do: 'add'; uuid: string } | { do: 'tell'; status: string; uuid: string | undefined }

const uuids = fc.constantFrom('A', 'B', 'C', 'D')
const steps = fc.array(
  fc.oneof(
    fc.record({ do: fc.constant('add' as const), uuid: uuids }),
    fc.record({
      do: fc.constant('tell' as const),
      status: fc.constant('Idle'),
      uuid: fc.constant(undefined),
    }),
    fc.record({
      do: fc.constant('tell' as const),
      status: fc.constantFrom('Acknowledged', 'Error', 'NotNow', 'CommandFormatError'),
      uuid: uuids,
    }),
    fc.record({
      do: fc.constant('tell' as const),
      status: fc.constant('CommandFormatError'),
      uuid: fc.constant(undefined),
    }),
  ),
  { maxLength: 60 },
)

it('a channel hands out the same commands as a plain model of the rules, after any steps', () => {
  fc.assert(
    fc.property(steps, (list: Step[]) => {
      const real = queueOn(new TestObject())
      const model = new Model()
      // Memory has a round only after the device has connected.
      real.tell('Idle')
      model.report('Idle', undefined)
      for (const step of list) {
        if (step.do === 'add') {
          real.add(step.uuid)
          model.entries.push({
            uuid: step.uuid,
            state: 'queued',
            rounds: 0,
            order: 0,
            deferredIn: 0,
          })
        } else {
          const given = real.tell(step.status, step.uuid)
          model.report(step.status, step.uuid)
          expect(given).toBe(model.next())
        }
      }
      expect(real.view()).toEqual(model.entries.map(({ uuid }) => uuid))
    }),
    { numRuns: 300 },
  )
})
