import { describe, expect, it } from 'vitest'
import { dueTimes } from '../../../../src/device/runtime/alarm.ts'
import {
  noteConnect,
  mayStayQuiet,
  pushDueAt,
  pushTarget,
  takeVerdict,
  type Pushed,
} from '../../../../src/device/push/decide.ts'
import { pushPending, type Pusher } from '../../../../src/device/push/send.ts'
import { pull } from '../../../../src/device/outbox/read.ts'
import { appendCommand } from '../../../../src/device/queue/enqueue.ts'
import { channelOf } from '../../../../src/device/store/channels.ts'
import { saveChannel } from '../../../../src/device/store/rows/save.ts'
import type { Verdict } from '../../../../src/push/verdict.ts'
import { TestObject } from '../object.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const DAY = 24 * 60 * MINUTE
const delivered: Verdict = { kind: 'delivered', id: 'x' }

/** An enrolled device with a command waiting. */
function deviceWithCommand() {
  const object = new TestObject()
  const queue = (): void => {
    object.commit((context) => {
      const channel = channelOf(context, '')
      appendCommand(context, channel, {
        uuid: 'A',
        requestType: 'ProfileList',
        payload: new Uint8Array(3),
        secret: false,
        source: '',
      })
    })
  }
  object.commit((context) => {
    const channel = channelOf(context, '')
    Object.assign(channel, { token: new Uint8Array(32), magic: 'm', topic: 't', enabled: true })
  })
  queue()
  object.commit((context) => {
    saveChannel(context, channelOf(context, ''))
  })
  return {
    object,
    queue,
    answer: (verdict: Verdict, push: Partial<Pushed> = {}): void => {
      object.commit((context) => {
        const check = pushTarget(context, '', 't')
        if (check.kind !== 'ready') {
          throw new Error(check.kind)
        }
        const rest = {
          id: 'push 1',
          sentAt: context.now,
          epoch: 0,
          blames: false,
          again: false,
          random: 0,
          ...push,
        }
        takeVerdict(context, check.target, { verdict, ...rest })
      })
    },
    /** Milliseconds from now until the alarm pushes; 0 when it is due. */
    dueIn: (): number =>
      object.commit((context) =>
        Math.max((pushDueAt(context, channelOf(context, '')) ?? NaN) - context.now, 0),
      ),
    quiet: (): boolean => object.commit((context) => mayStayQuiet(context, channelOf(context, ''))),
  }
}

describe('after a push that failed', () => {
  it('the wait that APNs asks for holds for new commands and after an eviction', () => {
    const { object, answer, queue, dueIn, quiet } = deviceWithCommand()
    answer({ kind: 'later', reason: 'TooManyRequests', after: 5 * MINUTE })
    expect(object.effects.wakeBy).toBe(object.now + 5 * MINUTE)
    object.evict()
    queue()
    expect(quiet()).toBe(true)
    object.now += 4 * MINUTE
    expect(quiet()).toBe(true)
    expect(object.commit(dueTimes).due.push).toEqual([])
    object.now += MINUTE
    expect(quiet()).toBe(false)
    expect(object.commit(dueTimes).due.push).toEqual([0])
    answer(delivered, { again: true })
    expect(dueIn()).toBeGreaterThan(14 * MINUTE)
  })

  it('waits double from two seconds to a quarter of an hour while APNs has errors', () => {
    const { object, answer, dueIn } = deviceWithCommand()
    const waits: number[] = []
    for (let tries = 0; tries < 12; tries++) {
      answer({ kind: 'transport', reason: 'reset' }, { again: tries > 0 })
      const wait = dueIn()
      waits.push(Math.round(wait / SECOND))
      object.now += wait
    }
    expect(waits).toEqual([2, 2, 4, 8, 16, 32, 64, 128, 257, 513, 900, 900])
  })

  it('a push with a fault of this server is not repeated before a day has passed', () => {
    const { answer, dueIn } = deviceWithCommand()
    answer({ kind: 'bug', reason: 'PayloadTooLarge' })
    expect(dueIn()).toBeGreaterThan(DAY - MINUTE)
  })

  it('a refusal is held against the device only when the circuit says so', () => {
    const { object, answer } = deviceWithCommand()
    const flag = (): string => object.commit((context) => channelOf(context, '').flag)
    answer({ kind: 'token_refused', reason: 'BadDeviceToken' })
    expect(flag()).toBe('')
    answer({ kind: 'token_refused', reason: 'BadDeviceToken' }, { blames: true })
    expect(flag()).toBe('BadDeviceToken')
  })
})

it.each([
  ['token', { token: new Uint8Array(31) }],
  ['token', { token: new Uint8Array(1025) }],
  ['magic', { magic: 'é'.repeat(513) }],
  ['topic', { topic: '' }],
  ['topic', { topic: 'com.apple\r\nx: y' }],
])('a stored %s that is not valid in a push is refused', (what, stored) => {
  const { object } = deviceWithCommand()
  object.commit((context) => Object.assign(channelOf(context, ''), stored))
  expect(object.commit((context) => pushTarget(context, '', ''))).toEqual({
    kind: 'cannot',
    error: `invalid push ${what}`,
  })
})

it('an open circuit holds a push back, unless it is to find out whether the cause is gone', async () => {
  const { object } = deviceWithCommand()
  let pushes = 0
  const gate = { open: 'BadDeviceToken', until: Infinity, epoch: 1, blames: false }
  const pusher: Pusher = {
    topic: 't',
    certificateId: 'held',
    circuit: {
      inUse: async () => undefined,
      gate: async () => gate,
      record: async () => gate,
      state: async () => gate,
    },
    apns: {
      async fetch() {
        pushes += 1
        return new Response(null, { headers: { 'apns-id': 'x' } })
      },
    },
    device: 'UDID-1',
    commit: async (decide) => object.commit(decide),
  }
  await pushPending(pusher, [0], { again: true })
  expect(pushes).toBe(0)
  await pushPending(pusher, [0], { again: true, tries: true })
  expect(pushes).toBe(1)
})

it('a token that APNs calls dead is an event, unless the device has sent one since', () => {
  const { object, answer } = deviceWithCommand()
  const events = () =>
    object.commit((context) =>
      pull(context, { subscriber: 'webhook', topics: ['push.unregistered'], read: true }),
    ).events
  object.commit((context) => {
    channelOf(context, '').tokenAt = object.now
  })
  answer({ kind: 'token_dead', reason: 'Unregistered', since: object.now - DAY })
  expect(events()).toEqual([])
  answer({ kind: 'token_dead', reason: 'Unregistered', since: object.now + SECOND })
  expect(object.effects.toAnnounce.subscribers).toEqual([''])
  expect(events()).toMatchObject([
    {
      id: 'push 1',
      topic: 'push.unregistered',
      about: { enrollment: { type: 'Device', device: 'UDID-1', user: '' } },
    },
  ])
})

it('a device that was just pushed is not pushed again until it has connected or a minute has passed', () => {
  const { object, answer, quiet } = deviceWithCommand()
  answer(delivered)
  expect(quiet()).toBe(true)
  object.commit((context) => {
    noteConnect(context, '')
  })
  expect(quiet()).toBe(false)
  answer(delivered)
  object.now += MINUTE
  expect(quiet()).toBe(false)
})

it('a device that connects before APNs has answered is pushed for its next command', () => {
  const { object, answer, quiet } = deviceWithCommand()
  const sentAt = object.now
  object.commit((context) => {
    noteConnect(context, '')
  })
  answer({ kind: 'delivered', id: 'push 1' }, { sentAt })
  expect(quiet()).toBe(false)
})

it('a device that stays silent is pushed again ever more rarely, and every day at least', () => {
  const { object, answer, dueIn } = deviceWithCommand()
  const waits: number[] = []
  for (let pushes = 0; pushes < 6; pushes++) {
    const wait = dueIn()
    waits.push(Math.round(wait / MINUTE))
    object.now += wait
    expect(object.commit(dueTimes).due.push).toEqual([0])
    answer(delivered, { again: true })
  }
  expect(waits).toEqual([1, 15, 64, 320, 24 * 60, 24 * 60])
})
