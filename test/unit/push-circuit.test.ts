import { expect, test } from 'vitest'
import { admit, newCircuit, record, type Circuit } from '../../src/push/circuit.ts'
import type { Verdict } from '../../src/push/verdict.ts'

const MINUTE = 60_000
const delivered: Verdict = { kind: 'delivered', id: 'x' }
const refused: Verdict = { kind: 'token_refused', reason: 'BadDeviceToken' }
const transport: Verdict = { kind: 'transport', reason: 'timed out' }
const expired: Verdict = { kind: 'configuration', reason: 'BadCertificate' }

function push(
  circuit: Circuit,
  count: number,
  verdict: Verdict,
  now = 0,
  name = 'device',
): Circuit {
  let next = circuit
  for (let index = 0; index < count; index++) {
    next = record(next, { kind: 'pushed', channel: `${name} ${index}`, verdict }, now)
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

test('four refusals are too few to suspect the certificate, whatever their share', () => {
  expect(push(closed(), 4, refused).open).toBeUndefined()
  expect(push(closed(), 5, refused).open?.reason).toBe('tokens')
})

test('one device that is refused again and again counts once', () => {
  let circuit = closed()
  for (let index = 0; index < 20; index++) circuit = push(circuit, 1, refused)
  expect(circuit.open).toBeUndefined()
})

test('refusals of an earlier window are forgotten', () => {
  const circuit = push(push(closed(), 4, refused), 4, refused, 10 * MINUTE, 'other')
  expect(circuit.open).toBeUndefined()
  expect(circuit.refused).toHaveLength(4)
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
  const circuit = push(push(closed(), 5, refused), 3, delivered)
  expect(circuit.open?.reason).toBe('tokens')
})

test('a probe that is delivered closes it, and devices flagged before keep the new epoch', () => {
  const { circuit } = admit(push(closed(), 5, refused), 15 * MINUTE)
  const after = push(circuit, 1, delivered, 15 * MINUTE)
  expect(after.open).toBeUndefined()
  expect(after.epoch).toBe(1)
})

test('a probe that is refused keeps it open, in the same epoch', () => {
  const { circuit } = admit(push(closed(), 5, refused), 15 * MINUTE)
  const after = push(circuit, 1, refused, 15 * MINUTE, 'probe')
  expect(after.open).toBeDefined()
  expect(after.epoch).toBe(1)
  expect(admit(after, 16 * MINUTE).allowed).toBe(false)
})

test('a probe whose token is refused proves that the certificate is accepted', () => {
  const { circuit } = admit(push(closed(), 1, expired), 15 * MINUTE)
  expect(push(circuit, 1, refused, 15 * MINUTE).open).toBeUndefined()
})

test('a probe that answers late or wrongly ends a transport outage', () => {
  const { circuit } = admit(push(closed(), 10, transport), MINUTE)
  const busy: Verdict = { kind: 'later', reason: 'ServiceUnavailable', after: undefined }
  expect(push(circuit, 1, busy, MINUTE).open).toBeUndefined()
  expect(push(circuit, 1, transport, MINUTE).open?.reason).toBe('transport')
})

test('a new certificate closes it and voids what was held against devices, and the same one changes nothing', () => {
  const circuit = push(closed(), 1, expired)
  expect(record(circuit, { kind: 'certificate', id: 'certificate 1' }, 5)).toBe(circuit)
  const renewed = record(circuit, { kind: 'certificate', id: 'certificate 2' }, 5)
  expect(renewed.open).toBeUndefined()
  expect(renewed).toMatchObject({ certificateId: 'certificate 2', epoch: 2, windowStart: 5 })
})
