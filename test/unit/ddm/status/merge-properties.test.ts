import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { type ChannelStatus, mergeStatus, NO_STATUS } from '../../../../src/ddm/status/merge.ts'
import { readReport } from '../../../../src/ddm/status/report.ts'
import { declarationContent, declared, OFFERED, read, TOKEN } from './reports.ts'

const key = fc.constantFrom('a', 'b', '__proto__', 'constructor', '$omitted', 'identifier', '7')
const identifier = fc.constantFrom('a', 'b', 'c', '__proto__')
const leaf = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null), fc.double())
const value = fc.letrec<{ value: unknown; dict: unknown }>((tie) => ({
  value: fc.oneof({ depthSize: 'small' }, leaf, fc.array(tie('value')), tie('dict')),
  dict: fc.dictionary(key, tie('value'), { maxKeys: 3, noNullPrototype: false }),
})).value
const element = fc.record(
  { identifier, _removed: fc.boolean(), state: leaf },
  { requiredKeys: ['identifier'] },
)
const list = fc.array(fc.oneof({ weight: 5, arbitrary: element }, value), { maxLength: 4 })
const reason = fc.record({ code: fc.constantFrom('Error.X', 'Info.Y'), details: value })
const declaration = fc
  .tuple(
    fc.constantFrom(...OFFERED.keys(), 'stranger'),
    fc.constantFrom(...OFFERED.values(), 'old'),
    fc.record({ valid: fc.constantFrom('valid', 'invalid'), reasons: fc.array(reason) }),
  )
  .map(([name, token, more]) => declared(name, token, more))

/** A report of the right shape, with odd values in it. */
const report = fc.record(
  {
    StatusItems: fc.record(
      {
        management: fc.record({
          declarations: fc.record({ configurations: fc.array(declaration, { maxLength: 6 }) }),
        }),
        package: fc.record({ list }),
        softwareupdate: fc.record({ 'pending-version': value, 'install-state': leaf }),
        other: value,
      },
      { requiredKeys: [] },
    ),
    Errors: fc.array(
      fc.record({
        StatusItem: fc.constantFrom('package.list', 'x'),
        Reasons: fc.array(reason),
      }),
    ),
    FullReport: fc.boolean(),
  },
  { requiredKeys: ['StatusItems'] },
)
const merge = (before: ChannelStatus, json: unknown, at = 1) =>
  mergeStatus(before, read(json), OFFERED, at)
const afterAll = (reports: readonly unknown[]): ChannelStatus =>
  reports.reduce<ChannelStatus>((status, one, n) => merge(status, one, n).after, NO_STATUS)

it('any bytes are a report or malformed, and merge', () => {
  const bytes = fc.oneof(
    fc.uint8Array(),
    fc.json().map((text) => new TextEncoder().encode(text)),
    fc
      .record({ StatusItems: value, Errors: value, FullReport: value })
      .map((json) => new TextEncoder().encode(JSON.stringify(json))),
  )
  fc.assert(
    fc.property(bytes, (some) => {
      const reading = readReport(some)
      if (reading.kind === 'report') {
        const { after } = mergeStatus(NO_STATUS, reading.report, OFFERED, 1)
        expect(structuredClone(after)).toEqual(after)
      } else {
        expect(reading.reason).toMatch(/^the report/)
      }
    }),
  )
})

it('a report that is merged twice changes nothing the second time', () => {
  fc.assert(
    fc.property(fc.array(report, { maxLength: 3 }), report, (earlier, last) => {
      const once = merge(afterAll(earlier), last, 10).after
      const again = merge(once, last, 11)
      expect(again).toEqual({ after: once, changedItems: [], changedDeclarations: [] })
      expect(again.after).toBe(once)
    }),
  )
})

it('a full report after others leaves what it leaves alone', () => {
  fc.assert(
    fc.property(fc.array(report, { maxLength: 4 }), report, (earlier, last) => {
      const full = { ...last, FullReport: true }
      const alone = merge(NO_STATUS, full).after
      expect(declarationContent(merge(afterAll(earlier), full).after)).toEqual(
        declarationContent(alone),
      )
    }),
  )
})

it('a status that is kept as JSON merges as one in memory', () => {
  const stored = (status: ChannelStatus): ChannelStatus => {
    const parts = [status.declarations, status.items, status.errors]
    const [declarations, items, errors] = parts.map(
      (part) => new Map(JSON.parse(JSON.stringify([...part]))),
    )
    return { declarations, items, errors } as ChannelStatus
  }
  fc.assert(
    fc.property(report, report, (first, second) => {
      const status = merge(NO_STATUS, first).after
      expect(declarationContent(merge(stored(status), second).after)).toEqual(
        declarationContent(merge(status, second).after),
      )
    }),
  )
})

const bytesOf = ({ declarations, items, errors }: ChannelStatus): number =>
  JSON.stringify([[...declarations], [...items], [...errors]]).length

it('600 reports leave a status of bounded size', () => {
  let status = NO_STATUS
  const most = { items: 0, bytes: 0 }
  for (let n = 0; n < 600; n++) {
    const StatusItems = {
      [`scalar-${n}`]: 'x'.repeat(1000 + (n % 1000)),
      [`list-${n % 100}`]: [{ identifier: `${n}`, data: 'x'.repeat(1000) }],
    }
    const Errors = [{ StatusItem: `item-${n}`, Reasons: [{ Code: 'c', Details: 'd'.repeat(900) }] }]
    status = mergeStatus(status, read({ StatusItems, Errors }), OFFERED, n).after
    most.items = Math.max(most.items, status.items.size)
    most.bytes = n % 100 === 0 ? Math.max(most.bytes, bytesOf(status)) : most.bytes
  }
  expect(most.items).toBe(400)
  expect(status.errors.size).toBe(100)
  expect(status.errors.has('item-599')).toBe(true)
  expect(status.items.has('scalar-599')).toBe(true)
  expect(most.bytes).toBeGreaterThan(500_000)
  expect(most.bytes).toBeLessThan(1_000_000)
})

it('the oldest long item leaves for a new one, and a short old one stays', () => {
  const StatusItems = Object.fromEntries(
    Array.from({ length: 8 }, (_, n) => [`long-${n}`, 'x'.repeat(65_000)]),
  )
  const short = merge(NO_STATUS, { StatusItems: { short: 1 } }, 0).after
  const first = merge(short, { StatusItems: { 'long-0': StatusItems['long-0'] } }, 1).after
  const before = merge(first, { StatusItems }, 2).after
  const { after, changedItems } = merge(before, { StatusItems: { new: 'x'.repeat(65_000) } }, 3)
  expect(changedItems).toEqual(['long-0', 'new'])
  expect(after.items.get('long-0')).toEqual({
    value: { $omitted: 'no room', bytes: 65_002 },
    at: 3,
  })
  expect(after.items.get('short')).toEqual({ value: 1, at: 0 })
})

it('a declaration keeps its code when there is no room for its reasons', () => {
  const names = Array.from({ length: 200 }, (_, n) => `d${n}`)
  const offered = new Map(names.map((name) => [name, TOKEN.passcode]))
  const reasons = [
    { code: 'Info.First' },
    { code: 'Error.Second', description: 'x'.repeat(1000), details: 'x'.repeat(1000) },
  ]
  const configurations = names.map((name) => declared(name, TOKEN.passcode, { reasons }))
  const json = { StatusItems: { management: { declarations: { configurations } } } }
  const { after } = mergeStatus(NO_STATUS, read(json), offered, 1)
  expect(after.declarations.get('d0')?.reasons).toHaveLength(2)
  expect(after.declarations.get('d199')?.reasons).toEqual([
    { code: 'Error.Second', description: '', details: null },
  ])
  expect(mergeStatus(after, read(json), offered, 2).after).toBe(after)
})
