import { describe, expect, it } from 'vitest'
import { clearQueue } from '../../../../src/device/queue/cancel.ts'
import { queueCommand, appendCommand } from '../../../../src/device/queue/enqueue.ts'
import { dueTimes } from '../../../../src/device/runtime/alarm.ts'
import { listCommands } from '../../../../src/device/queue/lookup.ts'
import type { DeviceSettings } from '../../../../src/config/settings.ts'
import { latestInventory } from '../../../../src/device/views/inventory.ts'
import { takeOver, viewWaiting } from '../../../../src/device/queue/move.ts'
import { pull } from '../../../../src/device/outbox/read.ts'
import { recordEvent } from '../../../../src/device/outbox/record.ts'
import { applyReport } from '../../../../src/device/queue/report.ts'
import { handOut } from '../../../../src/device/queue/hand-out.ts'
import type { Terms } from '../../../../src/device/store/commands/new-command.ts'
import { queueOf } from '../../../../src/device/queue/window.ts'
import { channelOf } from '../../../../src/device/store/channels.ts'
import { saveChannel, saveDevice } from '../../../../src/device/store/rows/save.ts'
import { viewTimeline } from '../../../../src/device/views/timeline.ts'
import { enrolled } from '../enrolled.ts'
import { TestObject } from '../object.ts'
import { fates, queue, say, tokenUpdate, user } from '../say.ts'

const text = new TextDecoder()
const bytes = (value: string): Uint8Array => new TextEncoder().encode(value)
const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

function device(settings: Partial<DeviceSettings> = {}) {
  const object = new TestObject('UDID-1', settings)
  object.commit((context) => {
    const channel = channelOf(context, '')
    saveDevice(context)
    saveChannel(context, Object.assign(channel, { token: new Uint8Array(32) }))
  })
  const newCommand = (uuid: string, terms: Partial<Terms>, requestType: string) => ({
    uuid,
    requestType,
    payload: bytes(uuid),
    secret: false,
    source: '',
    terms: { notBefore: 0, expiresAt: 0, requestKey: '', requestHash: '', ...terms },
    by: { face: 'micromdm' as const, key: '9f86d081', actor: 'ada' },
  })
  return {
    object,
    add: (uuid: string, terms: Partial<Terms> = {}, requestType = 'ProfileList') =>
      object.commit((context) =>
        appendCommand(context, channelOf(context, ''), newCommand(uuid, terms, requestType)),
      ),
    tell: (status: string, commandUUID?: string, body = `${status} ${commandUUID}`) =>
      object.commit((context) => {
        const enrollment = { type: 'Device', device: 'UDID-1', user: '' } as const
        const report = { kind: 'report', enrollment, status, commandUUID } as const
        const channel = channelOf(context, '')
        applyReport(context, channel, report, bytes(body))
        const payload = handOut(context, channel)
        return payload && text.decode(payload)
      }),
    states: () =>
      object.commit((context) => {
        const all = { before: undefined, limit: 1000, states: [], requestType: undefined }
        const list = listCommands(context, channelOf(context, ''), all)
        return list.kind === 'list' ? list.commands.map(({ state }) => state).toReversed() : []
      }),
    due: () => object.commit(dueTimes),
  }
}

describe('a held command', () => {
  it('is handed out in its turn from its time on, and never before commands that the device has', () => {
    const { object, add, tell, states } = device()
    add('held', { notBefore: object.now + HOUR })
    add('A')
    add('B')
    expect(tell('Idle')).toBe('A')
    expect(states()).toEqual(['held', 'sent', 'queued'])
    object.now += HOUR
    expect(tell('Idle')).toBe('A')
    expect(tell('Acknowledged', 'A')).toBe('held')
    expect(tell('Acknowledged', 'held')).toBe('B')
  })

  it('does not hide the answer to a handed-out command, even if many are released before it', () => {
    const { object, add, tell, states } = device({ maxQueue: 1000 })
    for (let n = 0; n < 450; n++) {
      add(`held ${n}`, { notBefore: object.now + HOUR })
    }
    add('A')
    tell('Idle')
    object.now += 2 * HOUR
    object.evict()
    expect(tell('Acknowledged', 'A')).toBe('held 0')
    expect(states().at(-1)).toBe('acknowledged')
  })

  it('arms the alarm for its time, and is pushed by it, even if memory was lost', () => {
    const { object, add, due } = device()
    const at = object.now + HOUR
    add('held', { notBefore: at })
    expect(object.effects.push.size).toBe(0)
    expect(object.effects.wakeBy).toBe(at)
    object.now = at - 10
    object.evict()
    expect(due().next).toBe(at)
    object.now = at
    object.evict()
    due()
    expect([...object.effects.push]).toEqual([0])
  })
})

describe('an expiring command', () => {
  it('is neither handed out nor pushed for from its time on', () => {
    const { object, add, tell, states, due } = device()
    add('A', { expiresAt: object.now + HOUR })
    add('B')
    expect(due().next).toBeLessThanOrEqual(object.now + HOUR)
    object.now += HOUR
    expect(tell('Idle')).toBe('B')
    expect(states()).toEqual(['expired', 'sent'])
    expect(tell('Acknowledged', 'B')).toBeUndefined()
    expect(due().next).toBeUndefined()
  })

  it('leaves no more history than KEEP_RESULTS allows', () => {
    const { object, add, states } = device()
    for (let n = 0; n < 50; n++) {
      add(`${n}`, { expiresAt: object.now + HOUR })
    }
    object.now += 2 * HOUR
    expect(states()).toEqual(Array.from({ length: 6 }, () => 'expired'))
  })
})

it('a command of a moved fleet that goes from a bare UserID to its channel is still held', () => {
  const from = new TestObject('U')
  queue(from, 'early', 'InstallProfile', { heldFor: 'moved' })
  const waits = from.commit((context) => viewWaiting(context, 0))?.commands ?? []
  const owner = enrolled()
  say(owner, tokenUpdate(user('U')))
  expect(owner.commit((context) => takeOver(context, 'U', 'U', waits))).toBe(true)
  expect(fates(owner)).toEqual({ early: 'held moved' })
})

it('a command moved from a bare UserID keeps its times, its Idempotency-Key and its sender', () => {
  const from = device()
  from.add('held', { notBefore: 7e15, expiresAt: 8e15, requestKey: 'k', requestHash: 'h' })
  const waits = from.object.commit((context) => viewWaiting(context, 0))?.commands ?? []
  const owner = new TestObject('OWNER')
  owner.commit((context) => {
    context.state.device.state = 'enrolled'
    channelOf(context, 'U')
    takeOver(context, 'U', 'UDID-1', waits)
  })
  expect(
    owner.db().all('SELECT not_before, expires_at, request_key, request_hash FROM commands'),
  ).toEqual([{ not_before: 7e15, expires_at: 8e15, request_key: 'k', request_hash: 'h' }])
  const all = { before: undefined, limit: 10, states: [], requestType: undefined }
  expect(
    owner.commit((context) => listCommands(context, channelOf(context, 'U'), all)),
  ).toMatchObject({
    commands: [{ id: 'OWNER:U.1', queuedBy: { face: 'micromdm', key: '9f86d081', actor: 'ada' } }],
  })
})

describe('a device is pushed again', () => {
  it('after NotNow, a quarter of an hour later, then less and less often', () => {
    const { object, add, tell, due } = device()
    add('A')
    tell('Idle')
    tell('NotNow', 'A')
    const first = due().next ?? 0
    expect(first - object.now).toBeGreaterThan(10 * MINUTE)
    expect(first - object.now).toBeLessThan(20 * MINUTE)
    object.now = first
    expect(due().due.push).toEqual([0])
    object.now += 5 * HOUR
    tell('Idle')
    tell('NotNow', 'A')
    expect((due().next ?? 0) - object.now).toBeGreaterThan(12 * HOUR)
  })
})

describe('nothing grows without bound', () => {
  it.each([
    ['bounded', 2, 5],
    ['latest', 0, 4],
    ['none', 0, 4],
  ] as const)('with KEEP_RESULTS %s the latest inventory outlives history', (kind, count, most) => {
    const { object, add, tell } = device({ keepResults: { kind, count, ms: DAY } })
    const run = (requestType: string, status = 'Acknowledged', body = '<plist/>') => {
      const uuid = `${requestType} ${object.now}`
      add(uuid, {}, requestType)
      tell('Idle')
      tell(status, uuid, body)
    }
    run('InstalledApplicationList', 'Acknowledged', 'old')
    run('InstalledApplicationList', 'Acknowledged', 'newest')
    run('InstalledApplicationList', 'Error')
    run('SecurityInfo', 'Acknowledged', 'x'.repeat(1_500_000))
    for (let n = 0; n < 30; n++) {
      object.now += HOUR
      run('RestartDevice')
    }
    const inventory = object.commit((context) => latestInventory(context, channelOf(context, '')))
    expect(inventory.map(({ type, report }) => [type, report.length])).toEqual([
      ['SecurityInfo', 1_500_000],
      ['InstalledApplicationList', 6],
    ])
    expect(object.db().all('SELECT id FROM commands').length).toBeLessThanOrEqual(most)
  })

  it.each([
    ['are answered now and then, and cleared', (n: number) => n % 10 < 4, true],
    ['are never answered when their number ends in 0', (n: number) => n % 10 !== 0, false],
  ])('history keeps its bound when commands %s', (_, isAnswered, clears) => {
    const { object, add, tell } = device({ keepResults: { kind: 'bounded', count: 100, ms: DAY } })
    for (let n = 1; n <= 600; n++) {
      add(`${n}`, clears ? {} : { expiresAt: object.now + 2 })
      if (isAnswered(n)) {
        tell('Idle')
        tell('Acknowledged', `${n}`)
      }
      if (clears && n % 10 === 9) {
        object.commit((context) => clearQueue(context, channelOf(context, '')))
      }
    }
    expect(object.db().all('SELECT id FROM commands').length).toBeLessThanOrEqual(122)
  })

  it('results that are kept for a day are deleted with the first answer of the next day', () => {
    const { object, add, tell } = device({ keepResults: { kind: 'bounded', count: 100, ms: DAY } })
    for (let n = 1; n <= 4; n++) {
      object.evict()
      object.now += 2 * DAY
      add(`${n}`)
      tell('Idle')
      tell('Acknowledged', `${n}`)
      expect(object.db().all('SELECT id FROM commands').length).toBeLessThanOrEqual(2)
    }
  })

  it('events without subscribers are pruned within a large bound too', () => {
    const object = new TestObject('UDID-1', { keepEvents: { count: 1200, ms: DAY } })
    const about = {
      enrollment: { type: 'Device', device: 'UDID-1', user: '' },
      params: {},
    } as const
    const event = { id: 'x', topic: 'mdm.Connect', about, body: bytes('x') } as const
    object.commit((context) => {
      channelOf(context, 'user')
      for (let n = 0; n < 3000; n++) {
        recordEvent(context, event, [])
      }
    })
    expect(object.db().all('SELECT seq FROM events').length).toBeLessThanOrEqual(1250)
  })

  it('events stay after their delivery, up to a number and an age', () => {
    const object = new TestObject('UDID-1', { keepEvents: { count: 3, ms: DAY } })
    const happen = (listeners: string[], status = 'Acknowledged') =>
      object.commit((context) => {
        channelOf(context, 'user')
        const enrollment = { type: 'Device', device: 'UDID-1', user: '' } as const
        const about = { enrollment, params: {}, status }
        recordEvent(context, { id: 'x', topic: 'mdm.Connect', about, body: bytes('x') }, listeners)
      })
    const deliver = () =>
      object.commit((context) =>
        pull(context, {
          subscriber: 'webhook',
          topics: ['mdm.Connect'],
          passed: context.state.lastSeq,
          read: false,
        }),
      )
    const kept = () =>
      object.commit((context) => {
        const all = { before: undefined, limit: 100, kinds: ['report'], topics: [], statuses: [] }
        const found = viewTimeline(context, channelOf(context, ''), all)
        return found.kind === 'timeline'
          ? found.entries.map((entry) => (entry.of === 'event' ? entry.event.sequence : entry.of))
          : []
      })
    for (let n = 0; n < 5; n++) {
      happen(['webhook'])
    }
    expect(kept()).toEqual([5, 4, 3, 2, 1])
    deliver()
    expect(kept()).toEqual([5, 4, 3])
    object.now += 2 * DAY
    happen(['webhook'])
    deliver()
    expect(kept()).toEqual([6])
    happen([], 'Idle')
    expect(kept()).toEqual([6])
    for (let n = 0; n < 5; n++) {
      happen([])
    }
    expect(kept()).toEqual([11, 10, 9])
  })

  it('a full queue refuses commands, and accepts one more after an answer', () => {
    const { object, tell } = device({ maxQueue: 2 })
    const ask = (uuid: string) =>
      object.commit((context) =>
        queueCommand(context, '', {
          uuid,
          requestType: 'ProfileList',
          payload: bytes(uuid),
          secret: false,
          source: '',
        }),
      ).kind
    expect(['A', 'B', 'C'].map(ask)).toEqual(['queued', 'queued', 'full'])
    object.evict()
    expect(ask('C')).toBe('full')
    tell('Idle')
    tell('Acknowledged', 'A')
    expect(['C', 'D'].map(ask)).toEqual(['queued', 'full'])
    expect(object.commit((context) => queueOf(context, channelOf(context, '')).depth)).toBe(2)
  })
})
