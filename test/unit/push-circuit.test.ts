import { expect, test } from 'vitest'
import {
  admit,
  countDelivered,
  newCircuit,
  provesCertificate,
  record,
  underCertificate,
  type Circuit,
} from '../../src/push/circuit.ts'
import type { Verdict } from '../../src/push/verdict.ts'

const MINUTE = 60_000
const delivered: Verdict = { kind: 'delivered', id: 'x' }
const refused: Verdict = { kind: 'token_refused', reason: 'BadDeviceToken' }
const transport: Verdict = { kind: 'transport', reason: 'timed out' }
const expired: Verdict = { kind: 'configuration', reason: 'BadCertificate' }

/** Pushes of distinct channels, each sent in the epoch in which the circuit is, unless told otherwise. */
function push(
  circuit: Circuit,
  count: number,
  verdict: Verdict,
  { now = 0, name = 'device', epoch }: { now?: number; name?: string; epoch?: number } = {},
): Circuit {
  let next = circuit
  for (let index = 0; index < count; index++) {
    const told = { channel: `${name} ${index}`, verdict, epoch: epoch ?? next.epoch }
    next = record(next, { ...told, delivered: Number(verdict.kind === 'delivered') }, now)
  }
  return next
}

const closed = () => newCircuit('certificate 1', 0)

test('a few refused tokens in a large fleet are devices, not configuration', () => {
  const circuit = push(push(closed(), 250, delivered), 5, refused)
  expect(circuit.open).toBeUndefined()
})

test('refusals above two per cent of a window open the circuit', () => {
  const circuit = push(push(closed(), 200, delivered), 5, refused)
  expect(circuit.open).toMatchObject({ reason: 'tokens', detail: 'BadDeviceToken' })
  expect(circuit.epoch).toBe(1)
})

test('four refusals are too few to suspect a certificate that delivered something', () => {
  const proven = push(closed(), 1, delivered)
  expect(push(proven, 4, refused).open).toBeUndefined()
  expect(push(proven, 5, refused).open?.reason).toBe('tokens')
})

test('three devices refused are enough while nothing was delivered', () => {
  expect(push(closed(), 2, refused).open).toBeUndefined()
  expect(push(closed(), 3, refused).open?.reason).toBe('tokens')
})

test('a refusal is held against a device only while something is delivered and the circuit is closed', () => {
  expect(provesCertificate(push(closed(), 1, refused))).toBe(false)
  const proven = push(closed(), 1, delivered)
  expect(provesCertificate(push(proven, 4, refused))).toBe(true)
  expect(provesCertificate(push(proven, 5, refused))).toBe(false)
  const later = push(proven, 1, refused, { now: 10 * MINUTE })
  expect(provesCertificate(later)).toBe(false)
})

test('successes told in a lot count as pushes', () => {
  const circuit = countDelivered(closed(), 250, 0)
  expect(push(circuit, 5, refused).open).toBeUndefined()
  expect(countDelivered(circuit, 0, 0)).toBe(circuit)
})

test('one device that is refused again and again counts once', () => {
  let circuit = closed()
  for (let index = 0; index < 20; index++) circuit = push(circuit, 1, refused)
  expect(circuit.open).toBeUndefined()
})

test('refusals of an earlier window are forgotten', () => {
  const circuit = push(push(closed(), 2, refused), 2, refused, { now: 10 * MINUTE, name: 'other' })
  expect(circuit.open).toBeUndefined()
  expect(circuit.refused).toHaveLength(2)
})

test('tokens that are dead because devices left never open it', () => {
  const dead: Verdict = { kind: 'token_dead', reason: 'Unregistered', since: 1 }
  expect(push(closed(), 100, dead).open).toBeUndefined()
})

test('a refused certificate opens it at once', () => {
  expect(push(closed(), 1, expired).open).toMatchObject({
    reason: 'configuration',
    detail: 'BadCertificate',
  })
})

test('ten transport failures in a row open it, and an answer in between starts the count anew', () => {
  expect(push(push(push(closed(), 9, transport), 1, delivered), 9, transport).open).toBeUndefined()
  expect(push(closed(), 10, transport).open?.reason).toBe('transport')
})

test('an open circuit admits nothing until its time is over, then one push alone', () => {
  const circuit = push(closed(), 1, expired)
  expect(admit(circuit, 14 * MINUTE).allowed).toBe(false)
  const probe = admit(circuit, 15 * MINUTE)
  expect(probe.allowed).toBe(true)
  expect(admit(probe.circuit, 15 * MINUTE).allowed).toBe(false)
})

test('a push already under way when it opened does not close it', () => {
  const circuit = push(push(closed(), 5, refused), 3, delivered, { epoch: 0 })
  expect(circuit.open?.reason).toBe('tokens')
})

test('a push that left in spite of it, and was delivered, closes it before the time is over', () => {
  expect(push(push(closed(), 5, refused), 1, delivered, { now: 1 }).open).toBeUndefined()
})

test('a probe that is delivered closes it, and devices flagged before keep the new epoch', () => {
  const { circuit } = admit(push(closed(), 5, refused), 15 * MINUTE)
  const after = push(circuit, 1, delivered, { now: 15 * MINUTE })
  expect(after.open).toBeUndefined()
  expect(after.epoch).toBe(1)
})

test('a probe that is refused keeps it open, in the same epoch', () => {
  const { circuit } = admit(push(closed(), 5, refused), 15 * MINUTE)
  const after = push(circuit, 1, refused, { now: 15 * MINUTE, name: 'probe' })
  expect(after.open).toBeDefined()
  expect(after.epoch).toBe(1)
  expect(admit(after, 16 * MINUTE).allowed).toBe(false)
})

test('a probe whose token is refused proves that the certificate is accepted', () => {
  const { circuit } = admit(push(closed(), 1, expired), 15 * MINUTE)
  expect(push(circuit, 1, refused, { now: 15 * MINUTE }).open).toBeUndefined()
})

test('a probe that answers late or wrongly ends a transport outage', () => {
  const { circuit } = admit(push(closed(), 10, transport), MINUTE)
  const busy: Verdict = { kind: 'later', reason: 'ServiceUnavailable', after: undefined }
  expect(push(circuit, 1, busy, { now: MINUTE }).open).toBeUndefined()
  expect(push(circuit, 1, transport, { now: MINUTE }).open?.reason).toBe('transport')
})

test('a new certificate closes it and voids what was held against devices, and the same one changes nothing', () => {
  const circuit = push(closed(), 1, expired)
  expect(underCertificate(circuit, 'certificate 1', 5)).toBe(circuit)
  const renewed = underCertificate(circuit, 'certificate 2', 5)
  expect(renewed.open).toBeUndefined()
  expect(renewed).toMatchObject({ certificateId: 'certificate 2', epoch: 2, windowStart: 5 })
})
