import { describe, expect, it } from 'vitest'
import {
  clearQueue,
  cancelCommand,
  supersedeCommands,
} from '../../../../src/device/queue/cancel.ts'
import { viewCommand, revealCommand } from '../../../../src/device/queue/lookup.ts'
import type { DeviceSettings, KeepResults } from '../../../../src/config/settings.ts'
import { listEscrow } from '../../../../src/device/store/escrow/list.ts'
import { applyReport } from '../../../../src/device/queue/report.ts'
import { appendCommand } from '../../../../src/device/queue/enqueue.ts'
import { handOut } from '../../../../src/device/queue/hand-out.ts'
import { channelOf } from '../../../../src/device/store/channels.ts'
import { TestObject } from '../object.ts'

const DAY = 86_400_000
const bytes = (value: string): Uint8Array => new TextEncoder().encode(value)
const NONE: KeepResults = { kind: 'none', count: 0, ms: 0 }

function device(keepResults: KeepResults, settings: Partial<DeviceSettings> = {}) {
  const object = new TestObject('UDID-1', { keepResults, ...settings }).enrolled()
  let n = 0
  const refOf = (id: number) => ({ enrollment: 'UDID-1', n: id })
  const tell = (status: string, commandUUID?: string): void => {
    object.commit((context) => {
      const enrollment = { type: 'Device', device: 'UDID-1', user: '' } as const
      const channel = channelOf(context, '')
      const report = { kind: 'report', enrollment, status, commandUUID } as const
      applyReport(context, channel, report, bytes(`${status} ${commandUUID}`))
      handOut(context, channel)
    })
  }
  const add = (requestType: string, payload: string, expiresAt = 0): number => {
    n += 1
    const terms = { notBefore: 0, expiresAt, requestKey: '', requestHash: '' }
    const command = { uuid: `${n}`, requestType, payload: bytes(payload), secret: true, source: '' }
    return object.commit((context) =>
      appendCommand(context, channelOf(context, ''), { ...command, terms }),
    )
  }
  return {
    object,
    add,
    tell,
    refOf,
    /** Queued, handed out and acknowledged. */
    done: (requestType: string, payload: string): number => {
      const id = add(requestType, payload)
      tell('Idle')
      tell('Acknowledged', `${n}`)
      return id
    },
    /** The state and the payload of a command, as far as they are kept. */
    kept: (id: number): string => {
      object.evict()
      const answer = object.commit((context) => viewCommand(context, '', refOf(id)))
      return answer.kind === 'command'
        ? `${answer.view.state} ${answer.payload ? new TextDecoder().decode(answer.payload) : ''}`
        : answer.kind
    },
  }
}

describe.each<[string, KeepResults]>([
  ['with KEEP_RESULTS none', NONE],
  ['with KEEP_RESULTS latest', { kind: 'latest', count: 0, ms: 0 }],
  ['with five results kept for a day', { kind: 'bounded', count: 5, ms: DAY }],
])('the payload of a command that locks a device, %s,', (_, keepResults) => {
  it('stays for 30 days after the answer, regardless of later commands', () => {
    const { object, done, kept } = device(keepResults)
    const lock = done('DeviceLock', 'PIN 123456')
    for (let n = 0; n < 40; n++) {
      done('ProfileList', 'x')
    }
    object.now += 29 * DAY
    done('SecurityInfo', 'x')
    expect(kept(lock)).toBe('acknowledged PIN 123456')
    object.now += 2 * DAY
    for (let n = 0; n < 8; n++) {
      done('DeviceLock', 'PIN later')
    }
    expect(kept(lock)).toBe('unknown')
  })

  it('stays for good if no later one of its type was carried out', () => {
    const { object, done, kept } = device(keepResults)
    const lock = done('SetRecoveryLock', 'password')
    object.now += 400 * DAY
    for (let n = 0; n < 40; n++) {
      done('ProfileList', 'x')
    }
    expect(kept(lock)).toBe('acknowledged password')
  })

  it('is deleted when 20 newer ones of its type have ended', () => {
    const { done, kept } = device(keepResults)
    const locks = Array.from({ length: 30 }, (__, n) => done('DeviceLock', `PIN ${n}`))
    done('ProfileList', 'x')
    const left = locks.filter((id) => kept(id) !== 'unknown')
    expect(left.length).toBeGreaterThanOrEqual(20)
    expect(left.length).toBeLessThanOrEqual(23)
    expect(kept(locks.at(-20) ?? 0)).toBe('acknowledged PIN 10')
  })
})

describe('the payload of a command that locks a device', () => {
  it.each<[string, (its: ReturnType<typeof device>, id: number) => void, string]>([
    [
      'is cancelled',
      ({ object, refOf }, id) =>
        object.commit((context) => cancelCommand(context, channelOf(context, ''), refOf(id))),
      'cancelled',
    ],
    [
      'is cleared with the queue',
      ({ object }) => object.commit((context) => clearQueue(context, channelOf(context, ''))),
      'cancelled',
    ],
    [
      'is superseded by a new enrolment',
      ({ object }) =>
        object.commit((context) => supersedeCommands(context, channelOf(context, ''), {})),
      'superseded',
    ],
    [
      'expires',
      ({ object }) => {
        object.now += 2 * DAY
      },
      'expired',
    ],
  ])('stays when it %s and the device has it, and not when it never went out', (__, end, state) => {
    const its = device({ kind: 'bounded', count: 100, ms: 30 * DAY })
    const inTime = its.object.now + DAY
    const given = its.add('SetRecoveryLock', 'given', inTime)
    its.tell('Idle')
    end(its, given)
    expect(its.kept(given)).toBe(`${state} given`)
    its.tell('Acknowledged', '1')
    expect(its.kept(given)).toBe(`${state} given`)
    const waiting = its.add('SetRecoveryLock', 'waits', its.object.now + DAY)
    end(its, waiting)
    // A superseded command stays for a week, because the enrolment may turn out to be the same.
    expect(its.kept(waiting)).toBe(state === 'superseded' ? 'superseded waits' : `${state} `)
  })

  it('is sealed at rest', () => {
    const { object, done } = device(NONE)
    done('DeviceLock', 'PIN 123456')
    const [row] = object.database.prepare('SELECT payload FROM commands').all()
    const stored = Buffer.from((row as { payload: Uint8Array }).payload)
    expect(stored.length).toBeGreaterThan(0)
    expect(stored.includes('123456')).toBe(false)
  })
})

it('the payload of a profile is deleted with the answer', () => {
  const { done, kept } = device({ kind: 'bounded', count: 5, ms: DAY })
  expect(kept(done('InstallProfile', 'megabytes'))).toBe('acknowledged ')
})

it('revealing a command leaves an entry; a command without secrets leaves none', () => {
  const { object, done, refOf } = device(NONE)
  const reader = { who: 'ada', address: '192.0.2.1', reason: 'the Mac is locked' }
  const reveal = (id: number) =>
    object.commit((context) => revealCommand(context, '', refOf(id), reader))
  const lock = done('DeviceLock', 'PIN 123456')
  const profile = done('InstallProfile', 'x')
  expect(reveal(lock)).toMatchObject({ kind: 'command', payload: bytes('PIN 123456') })
  expect(reveal(profile)).toMatchObject({ kind: 'command', payload: undefined })
  expect(reveal(99)).toEqual({ kind: 'unknown' })
  object.evict()
  expect(object.commit(listEscrow).reads).toEqual([
    { ...reader, at: expect.any(Number), kind: 'command', command: `UDID-1.${lock}` },
  ])
})
