import { describe, expect, it, test } from 'vitest'
import { mergeStatus, NO_STATUS } from '../../../../src/ddm/status/merge.ts'
import { readReport } from '../../../../src/ddm/status/report.ts'
import { FULL, INCREMENT, read, TOKEN } from './reports.ts'

const reasonOf = (text: string): string | undefined => {
  const reading = readReport(new TextEncoder().encode(text))
  return reading.kind === 'malformed' ? reading.reason : undefined
}
const sizeOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value))
const nested = (levels: number): string => '{"a":'.repeat(levels) + '1' + '}'.repeat(levels)
const items = (status: object): Record<string, unknown> =>
  Object.fromEntries(read({ StatusItems: status, Errors: [] }).items)

describe('a report that is read', () => {
  it('has items by Apple’s names, and declarations by kind', () => {
    const report = read(FULL)
    expect(report.full).toBe(true)
    expect(Object.fromEntries(report.items)).toEqual({
      'device.operating-system.version': '26.1',
      'softwareupdate.install-state': 'none',
      'package.list': FULL.StatusItems.package.list,
    })
    expect(report.declarations.map(({ kind, identifier }) => [kind, identifier])).toEqual([
      ['activation', 'ex.act.base'],
      ['configuration', 'ex.cfg.passcode'],
      ['configuration', 'ex.cfg.subs'],
      ['management', 'ex.mgt.props'],
    ])
    expect(report.declarations[3]).toEqual({
      kind: 'management',
      identifier: 'ex.mgt.props',
      token: TOKEN.properties,
      active: false,
      valid: 'valid',
      reasons: [],
    })
    expect(report.bytes).toBe(sizeOf(FULL))
  })

  it('has reasons and errors, whatever the case of their keys', () => {
    const report = read(INCREMENT)
    expect(report.full).toBe(false)
    expect(report.declarations[0]?.reasons).toEqual([
      {
        code: 'Error.ConfigurationCannotBeApplied',
        description: 'cannot be applied',
        details: { Error: 'conflict' },
      },
    ])
    expect(report.errors).toEqual([
      {
        item: 'device.power.battery-health',
        reasons: [{ code: 'Error.NotSupported', description: '', details: null }],
      },
    ])
  })

  it('keeps dictionaries of Apple’s whole, and takes unknown ones apart', () => {
    const pending = { 'os-version': '26.2', 'build-version': '25C56' }
    expect(
      items({
        softwareupdate: { 'pending-version': pending },
        management: { 'push-token': 'AA==' },
        new: { thing: { a: 1, b: { c: [{ d: 2 }] } } },
        odd: null,
      }),
    ).toEqual({
      'softwareupdate.pending-version': pending,
      'management.push-token': 'AA==',
      'new.thing.a': 1,
      'new.thing.b.c': [{ d: 2 }],
      odd: null,
    })
  })

  it('may have any shape below the root', () => {
    for (const json of ['[]', '{}', 'null', '{"StatusItems":7,"Errors":{}}', '[1,[2]]']) {
      expect(read(json)).toMatchObject({ full: false, declarations: [], errors: [] })
      expect(read(json).items.size).toBe(0)
    }
    const declarations = { activations: [null, 1, {}, { identifier: 4 }], assets: { a: 1 } }
    expect(read({ StatusItems: { management: { declarations } } }).declarations).toEqual([])
  })

  it('is not full when it lacks its items', () => {
    expect(read({ FullReport: true }).full).toBe(false)
  })

  it('takes __proto__ and names of functions as data', () => {
    const report = read('{"StatusItems":{"__proto__":{"x":[{"__proto__":{"y":1}}]},"toString":2}}')
    expect([...report.items.keys()]).toEqual(['__proto__.x', 'toString'])
    expect(JSON.stringify(report.items.get('__proto__.x'))).toBe('[{"__proto__":{"y":1}}]')
  })

  it('has well-formed names, so that columns take them', () => {
    const declarations = { activations: [{ identifier: 'a\ud800', 'server-token': '\udc00' }] }
    const [one] = read({ StatusItems: { management: { declarations } } }).declarations
    expect(one).toMatchObject({ identifier: 'a\ufffd', token: '\ufffd' })
    expect(items({ 'a\ud800': 1 })).toEqual({ 'a\ufffd': 1 })
  })
})

test.each([
  ['', 'the report is not JSON'],
  ['{"StatusItems":', 'the report is not JSON'],
  ['"text"', 'the report is JSON, but neither an object nor an array'],
  ['7', 'the report is JSON, but neither an object nor an array'],
  [`[${'0,'.repeat(300_000)}0]`, 'the report has more than 250000 values'],
])('a report that is malformed says why: %#', (text, reason) => {
  expect(reasonOf(text)).toBe(reason)
})

describe('bounds', () => {
  it('mark an item of more than 64 KB', () => {
    const { 'app.managed.list': list } = items({ app: { managed: { list: ['x'.repeat(70_000)] } } })
    expect(list).toEqual({ $omitted: 'too long', bytes: 70_004 })
  })

  it('mark what nests too deep', () => {
    const report = read(`{"StatusItems":{"list":[${nested(100_000)}]}}`)
    expect(JSON.stringify(report.items.get('list'))).toContain('{"$omitted":"too deep"}')
    expect(sizeOf(report.items.get('list'))).toBeLessThan(300)
    expect(sizeOf([...read(`{"StatusItems":${nested(100_000)}}`).items])).toBeLessThan(300)
  })

  it('leave out the longest items first', () => {
    const small = Array.from({ length: 300 }, (_, n) => [`small-${n}`, 'x'.repeat(1600)])
    const report = items({ ...Object.fromEntries(small), big: 'x'.repeat(60_000) })
    expect(report['big']).toEqual({ $omitted: 'no room', bytes: 60_002 })
    expect(report['small-0']).toHaveLength(1600)
  })

  it('count what they leave out', () => {
    const many = Object.fromEntries(Array.from({ length: 450 }, (_, n) => [`item-${n}`, n]))
    const report = read({ StatusItems: { ...many, ['n'.repeat(300)]: 1 } })
    expect(report.items.size).toBe(400)
    expect(report.omitted).toBe(51)
  })

  it('allow at most 2,000 declarations of 50 reasons, 100 errors and about 1 MB', () => {
    const reason = {
      code: 'c'.repeat(500),
      description: 'd'.repeat(5000),
      details: 'e'.repeat(5000),
    }
    const reasons = Array.from({ length: 60 }, () => reason)
    const one = read({
      StatusItems: { management: { declarations: { assets: [{ identifier: 'a', reasons }] } } },
    }).declarations[0]
    expect(one?.reasons).toHaveLength(50)
    expect(one?.reasons[0]).toEqual({
      code: 'c'.repeat(64),
      description: 'd'.repeat(1024),
      details: { $omitted: 'too long', bytes: 5002 },
    })

    const assets = Array.from({ length: 2050 }, (_, n) => ({
      identifier: `com.example.asset.${n}`,
      'server-token': TOKEN.passcode,
      reasons: [reason],
    }))
    const Errors = Array.from({ length: 110 }, (_, n) => ({
      StatusItem: `i${n}`,
      Reasons: reasons,
    }))
    const big = Array.from({ length: 399 }, (_, n) => [`big-${n}`, 'x'.repeat(5000)])
    const report = read({
      StatusItems: { ...Object.fromEntries(big), management: { declarations: { assets } } },
      Errors,
    })
    expect(report.declarations).toHaveLength(2000)
    expect(report.errors).toHaveLength(100)
    expect(report.omitted).toBe(60)
    expect(report.declarations.at(-1)?.reasons).toEqual([
      { code: 'c'.repeat(64), description: '', details: null },
    ])
    expect([...report.items.values()]).toContainEqual({ $omitted: 'no room', bytes: 5002 })
    expect(sizeOf({ ...report, items: [...report.items] })).toBeLessThan(1_300_000)
  })

  test.each([5, 20])('hold for a report of %i MB', (megabytes) => {
    const data = 'x'.repeat(2000)
    const list = Array.from({ length: megabytes * 480 }, (_, n) => ({ identifier: `${n}`, data }))
    const report = read({ StatusItems: { security: { certificate: { list } }, device: { a: 1 } } })
    expect(report.bytes).toBeGreaterThan(megabytes * 900_000)
    expect(report.items.get('security.certificate.list')).toMatchObject({ $omitted: 'too long' })
    expect(report.items.get('device.a')).toBe(1)
  })
})

describe('a report of a hostile device', () => {
  it('costs no copy of a long name for each name below it', () => {
    const below = Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`n${n}`, n]))
    const report = read({
      StatusItems: { a: 1, ['x'.repeat(300)]: below, [`b${'y'.repeat(198)}`]: below },
    })
    expect([...report.items.keys()]).toEqual(['a'])
    expect(report.omitted).toBe(101)
  })

  it('has a token that equals none of this server’s if it is longer', () => {
    const configurations = [{ identifier: 'a', 'server-token': `${'t'.repeat(64)}xyz` }]
    const { declarations } = read({
      StatusItems: { management: { declarations: { configurations } } },
    })
    expect(declarations[0]?.token).toBe(`${'t'.repeat(64)}x`)
  })

  it('fits into a row of 2 MB, whatever its texts hold', () => {
    const control = '\u0001'.repeat(1000)
    const names = Array.from({ length: 2000 }, (_, n) => `${n}`.padEnd(64, 'x'))
    const configurations = names.map((identifier) => ({
      identifier,
      'server-token': control,
      valid: control,
      reasons: [{ code: control, description: control }],
    }))
    const report = read({ StatusItems: { management: { declarations: { configurations } } } })
    const offered = new Map(names.map((name) => [name, 'token']))
    const { after } = mergeStatus(NO_STATUS, report, offered, Date.now())
    expect(after.declarations.size).toBe(2000)
    expect(sizeOf([...after.declarations])).toBeLessThan(2_000_000)
  })
})
