import { describe, expect, test } from 'vitest'
import {
  afterProbe,
  countDelivered,
  current,
  heldBy,
  newCircuit,
  provesCertificate,
  recordPush,
  toProbe,
  underCertificate,
  type Circuit,
  type PushReport,
} from '../../../src/push/circuit.ts'
import type { Verdict } from '../../../src/push/verdict.ts'

const MINUTE = 60_000
const refused: Verdict = { kind: 'token_refused', reason: 'BadDeviceToken' }
const transport: Verdict = { kind: 'transport', reason: 'timed out' }
const expired: Verdict = { kind: 'configuration', reason: 'BadCertificate' }
const busy: Verdict = { kind: 'later', reason: 'ServiceUnavailable', after: undefined }
const dead: Verdict = { kind: 'token_dead', reason: 'Unregistered', since: 1 }

const named = (name: string, count: number): string[] =>
  Array.from({ length: count }, (_, n) => `${name} ${n}:`)

/** A push of each channel, in the epoch in which the circuit is unless told otherwise. */
function push(
  circuit: Circuit,
  channels: readonly string[],
  verdict: Verdict,
  { now = 1, ...told }: { now?: number } & Partial<PushReport> = {},
): Circuit {
  let next = circuit
  for (const channel of channels) {
    next = recordPush(next, { channel, verdict, delivered: 0, epoch: next.epoch, ...told }, now)
  }
  return next
}

function deliver(
  circuit: Circuit,
  channels: readonly string[],
  now = 1,
  epoch = circuit.epoch,
): Circuit {
  return channels.reduce<Circuit>((next, channel) => {
    const verdict: Verdict = { kind: 'delivered', id: 'x' }
    return recordPush(next, { channel, verdict, delivered: 1, proven: [channel], epoch }, now)
  }, circuit)
}

const closed = () => newCircuit('certificate 1')
const good = named('good', 5)
const bad = named('bad', 5)
const fleet = () => deliver(closed(), good)

describe.each([
  ['a refused token', refused, 'tokens', 'refused'],
  ['no answer', transport, 'transport', 'unanswered'],
] as const)('%s', (_, verdict, reason, list) => {
  test('opens the circuit when all devices have it that pushes reached before', () => {
    expect(push(fleet(), good.slice(1), verdict).open).toBeUndefined()
    expect(push(fleet(), good, verdict).open).toMatchObject({ reason })
    expect(push(fleet(), good, verdict).epoch).toBe(1)
  })

  test('opens no circuit when no push was ever delivered: each device waits by itself', () => {
    expect(push(closed(), named('bad', 100), verdict).open).toBeUndefined()
  })

  test('of one device counts once, at any number and on any number of channels', () => {
    const channels = Array.from({ length: 100 }, (__, n) => `bad:user ${n % 10}`)
    expect(push(closed(), channels, verdict).open).toBeUndefined()
    expect(push(fleet(), channels, verdict).open).toBeUndefined()
  })

  test('of any number of devices does not open it while a push reaches one that was reached before', () => {
    const suspected = push(fleet(), [...named('bad', 100), ...good.slice(1)], verdict)
    expect(suspected.open).toBeUndefined()
    expect(toProbe(suspected)).toEqual(good.slice(0, 1))
    expect(push(suspected, good.slice(0, 1), verdict).open).toMatchObject({ reason })
  })

  test('of many devices starts a probe of devices that pushes reached before, and not earlier', () => {
    expect(toProbe(push(fleet(), bad.slice(1), verdict))).toEqual([])
    expect(toProbe(push(fleet(), bad, verdict))).toEqual(good)
    expect(toProbe(deliver(push(fleet(), bad, verdict), good.slice(0, 1)))).toEqual([])
  })

  test('of all devices that a push reached opens it when they are fewer than five, for these alone', () => {
    const two = deliver(closed(), good.slice(0, 2))
    expect(push(two, good.slice(0, 1), verdict).open).toBeUndefined()
    const open = push(two, good.slice(0, 2), verdict)
    expect(open.open).toMatchObject({ reason })
    expect(heldBy(open)).toEqual(['good 0', 'good 1'])
    expect(heldBy(push(open, bad.slice(0, 3), verdict))).toBeUndefined()
  })

  test('is forgotten when a push is delivered, reported with it or by itself', () => {
    const four = push(closed(), bad.slice(1), verdict)
    expect(countDelivered(four, { delivered: 50, proven: good }, 1)[list]).toEqual([])
    expect(push(four, bad.slice(0, 1), verdict, { delivered: 1, proven: ['good:'] })[list]).toEqual(
      ['bad 0'],
    )
  })

  test('keeps it open for minutes, and longer only when all that pushes reached fail anew', () => {
    const open = push(fleet(), good, verdict)
    const until = open.open?.until ?? 0
    expect(until - 1).toBeLessThanOrEqual(5 * MINUTE)
    // What fails meanwhile does not prolong it.
    expect(push(open, bad, verdict, { now: until - 1 }).open?.until).toBe(until)
    const trial = current(open, until)
    expect(trial.open?.until).toBe(0)
    expect(toProbe(trial)).toEqual(good)
    const hostile = push(open, [...bad, ...bad, ...good.slice(1)], verdict, { now: until })
    expect(hostile.open?.until).toBe(0)
    expect(deliver(hostile, good.slice(0, 1), until).open).toBeUndefined()
    const still = push(open, good, verdict, { now: until })
    expect(still.open?.until).toBeGreaterThan(until)
    expect(still.epoch).toBe(open.epoch)
  })
})

test('a push that gets no answer while APNs answers others is its device’s own trouble', () => {
  const four = push(closed(), bad.slice(1), transport)
  expect(push(four, bad.slice(0, 1), transport, { othersAnswered: true }).unanswered).toEqual([])
})

test('any answer ends a series of pushes without an answer', () => {
  for (const verdict of [busy, dead, refused, { kind: 'bug', reason: 'BadPath' } as const]) {
    expect(push(push(closed(), bad.slice(1), transport), ['x:'], verdict).unanswered).toEqual([])
  }
})

test('failures by a device’s own data, its departure or APNs’s rate limit never open it', () => {
  const many = named('bad', 50)
  for (const verdict of [busy, dead, { kind: 'bug', reason: 'PayloadTooLarge' } as const]) {
    expect(push(closed(), many, verdict).open).toBeUndefined()
    expect(push(fleet(), many, verdict).open).toBeUndefined()
  }
})

test('a refused certificate opens it at once, for all', () => {
  const open = push(fleet(), ['x:'], expired)
  expect(open.open).toMatchObject({ reason: 'configuration', detail: 'BadCertificate' })
  expect(heldBy(open)).toBeUndefined()
  expect(push(push(fleet(), good, transport), ['x:'], expired).open).toMatchObject({
    reason: 'configuration',
  })
})

test('a refusal counts against a device only while a push was delivered lately and few in a row are refused', () => {
  expect(provesCertificate(push(closed(), ['x:'], refused), 1)).toBe(false)
  expect(provesCertificate(push(fleet(), bad.slice(1), refused), 1)).toBe(true)
  expect(provesCertificate(push(fleet(), bad, refused), 1)).toBe(false)
  expect(provesCertificate(push(fleet(), ['x:'], refused), 10 * MINUTE + 1)).toBe(false)
  expect(provesCertificate(push(fleet(), ['x:'], expired), 1)).toBe(false)
})

test('memory is bounded: the last twenty devices that a push reached, five others that failed, and those of both', () => {
  const many = deliver(closed(), named('good', 1000))
  expect(many.proven).toEqual(named('good', 1000).slice(-20))
  const failing = push(many, [...named('bad', 1000), ...many.proven], refused)
  expect(failing.refused).toHaveLength(25)
})

test('a device that a probe does not reach for its own reasons is no longer proof', () => {
  const suspected = push(fleet(), [...bad, ...good.slice(2)], refused)
  expect(afterProbe(suspected, good.slice(0, 2)).proven).toEqual(good.slice(2))
  expect(afterProbe(push(fleet(), ['x:'], expired), good).proven).toEqual(good)
})

test('a push that left before it opened does not close it; one that left while it is open does, in the same epoch', () => {
  const open = push(fleet(), good, refused)
  expect(deliver(open, ['x:'], 1, 0).open).toBeDefined()
  expect(countDelivered(open, { delivered: 50, proven: ['x:'] }, 1)).toBe(open)
  const after = deliver(open, ['x:'], 1)
  expect(after.open).toBeUndefined()
  expect(after.epoch).toBe(1)
  expect(provesCertificate(after, 1)).toBe(true)
})

test('a refused token proves that the certificate is accepted, and any answer that APNs can be reached', () => {
  expect(push(push(closed(), ['x:'], expired), ['y:'], refused).open).toBeUndefined()
  expect(push(push(closed(), ['x:'], expired), ['y:'], busy).open).toBeDefined()
  expect(push(push(fleet(), good, transport), ['y:'], busy).open).toBeUndefined()
})

test('a new certificate closes it, voids the flags of devices, and has to reach those that the old one reached', () => {
  const circuit = push(fleet(), ['x:'], expired)
  expect(underCertificate(circuit, 'certificate 1')).toBe(circuit)
  const renewed = underCertificate(circuit, 'certificate 2')
  expect(renewed).toEqual({ ...newCircuit('certificate 2'), proven: good, epoch: 2 })
  expect(provesCertificate(renewed, 1)).toBe(false)
  expect(toProbe(push(renewed, bad, refused))).toEqual(good)
})
