import { describe, expect, it } from 'vitest'
import { mergeStatus, NO_STATUS } from '../../../../src/ddm/status/merge.ts'
import {
  after,
  declarationContent,
  declared,
  FULL,
  INCREMENT,
  OFFERED,
  read,
  TOKEN,
} from './reports.ts'

const report = (StatusItems: object, more: object = {}): object => ({
  StatusItems,
  Errors: [],
  ...more,
})
const list = (...elements: unknown[]): object => report({ package: { list: elements } })
const valueAfter = (name: string, ...reports: readonly unknown[]): unknown =>
  after(...reports).items.get(name)?.value
const configurations = (...all: unknown[]): object =>
  report({ management: { declarations: { configurations: all } } })

describe('a full report, then changes', () => {
  it('merge to what both say', () => {
    const status = after(FULL, INCREMENT)
    expect(status.declarations.get('ex.cfg.passcode')).toEqual({
      kind: 'configuration',
      identifier: 'ex.cfg.passcode',
      token: TOKEN.passcode,
      active: true,
      valid: 'invalid',
      reasons: [
        {
          code: 'Error.ConfigurationCannotBeApplied',
          description: 'cannot be applied',
          details: { Error: 'conflict' },
        },
      ],
      at: 2,
    })
    const others = ['ex.act.base', 'ex.cfg.subs', 'ex.mgt.props']
    expect(others.map((one) => status.declarations.get(one)?.at)).toEqual([1, 1, 1])
    expect(Object.fromEntries(status.items)).toEqual({
      'device.operating-system.version': { value: '26.1', at: 1 },
      'softwareupdate.install-state': { value: 'none', at: 1 },
      'package.list': {
        value: [{ identifier: 'com.ex.tool', state: 'installed', version: '1' }],
        at: 2,
      },
    })
    expect(Object.fromEntries(status.errors)).toEqual({
      'device.power.battery-health': {
        item: 'device.power.battery-health',
        reasons: [{ code: 'Error.NotSupported', description: '', details: null }],
        at: 2,
      },
    })
  })

  it('name what changed', () => {
    const change = mergeStatus(after(FULL), read(INCREMENT), OFFERED, 2)
    expect(change.changedItems).toEqual(['package.list'])
    expect(change.changedDeclarations).toEqual(['ex.cfg.passcode'])
  })
})

describe('a full report', () => {
  it('removes items, elements and declarations that it lacks', () => {
    const small = report(
      { package: { list: [{ identifier: 'com.ex.tool' }, { identifier: 'x', _removed: true }] } },
      { FullReport: true },
    )
    const change = mergeStatus(after(FULL, INCREMENT), read(small), OFFERED, 9)
    expect(declarationContent(change.after)).toEqual([
      {},
      { 'package.list': { value: [{ identifier: 'com.ex.tool' }], at: 0 } },
      {},
    ])
    expect(change.changedItems).toEqual([
      'device.operating-system.version',
      'softwareupdate.install-state',
      'package.list',
    ])
    expect(change.changedDeclarations).toEqual([...OFFERED.keys()])
  })

  it('changes nothing when it says the same in another order', () => {
    const before = after(FULL)
    const { StatusItems } = FULL
    const again = {
      FullReport: true,
      Errors: [],
      StatusItems: {
        softwareupdate: StatusItems.softwareupdate,
        package: {
          list: StatusItems.package.list
            .toReversed()
            .map((one) => Object.fromEntries(Object.entries(one).toReversed())),
        },
        device: StatusItems.device,
        management: StatusItems.management,
      },
    }
    const change = mergeStatus(before, read(again), OFFERED, 9)
    expect(change).toEqual({ after: before, changedItems: [], changedDeclarations: [] })
    expect(change.after).toBe(before)
  })
})

describe('a list', () => {
  const TWO = list({ identifier: 'a', state: 1, more: 1 }, { identifier: 'b' })

  it('of dictionaries with an identifier changes by element', () => {
    expect(valueAfter('package.list', TWO, list({ identifier: 'a', state: 2 }))).toEqual([
      { identifier: 'a', state: 2 },
      { identifier: 'b' },
    ])
    expect(valueAfter('package.list', TWO, list())).toHaveLength(2)
    const gone = list(
      { identifier: 'a', _removed: true },
      { identifier: 'b', _removed: true },
      { identifier: 'never', _removed: true },
    )
    expect(valueAfter('package.list', TWO, gone)).toEqual([])
    expect(valueAfter('package.list', TWO, gone, list({ identifier: 'c' }))).toHaveLength(1)
  })

  it('has one element for each identifier, and survives null', () => {
    const twice = list({ identifier: 'a', state: 1 }, null, { identifier: 'a', state: 2 })
    expect(valueAfter('package.list', twice)).toEqual([{ identifier: 'a', state: 2 }])
    expect(valueAfter('package.list', TWO, twice)).toHaveLength(2)
  })

  it('of other values replaces the one before', () => {
    expect(valueAfter('package.list', list(1, 2), list(3))).toEqual([3])
    expect(valueAfter('package.list', list(1, 2), list())).toEqual([])
    expect(valueAfter('package.list', list({ key: 1 }), list({ key: 2 }))).toEqual([{ key: 2 }])
  })

  it('that grows beyond 64 KB is marked', () => {
    const half = (identifier: string): object => list({ identifier, data: 'x'.repeat(40_000) })
    expect(valueAfter('package.list', half('a'), half('b'))).toEqual({
      $omitted: 'too long',
      bytes: 80_059,
    })
  })

  it('that was too long stays marked until a full report has it', () => {
    const long = list({ identifier: 'a', data: 'x'.repeat(70_000) })
    const mark = { $omitted: 'too long', bytes: 70_030 }
    expect(valueAfter('package.list', long, list({ identifier: 'b' }))).toEqual(mark)
    expect(valueAfter('package.list', long, list())).toEqual(mark)
    expect(valueAfter('package.list', long, { ...TWO, FullReport: true })).toHaveLength(2)
  })
})

describe('a dictionary', () => {
  it('is another value than a list of its members', () => {
    const system = (health: unknown): object => report({ device: { system: { health } } })
    expect(valueAfter('device.system.health', system({ 0: 'a' }), system(['a']))).toEqual(['a'])
  })

  it('replaces the one before as a whole', () => {
    const reason = (value: object): object =>
      report({ softwareupdate: { 'failure-reason': value } })
    expect(
      valueAfter(
        'softwareupdate.failure-reason',
        reason({ count: 1, reason: 'x' }),
        reason({ count: 0 }),
      ),
    ).toEqual({ count: 0 })
  })
})

describe('a declaration', () => {
  it('stays when a report names others: 1 of 20', () => {
    const offered = new Map(Array.from({ length: 20 }, (_, n) => [`d${n}`, 't'] as const))
    const all = [...offered.keys()].map((one) => declared(one, 't'))
    const { after: before } = mergeStatus(NO_STATUS, read(configurations(...all)), offered, 1)
    const one = read(configurations(declared('d7', 't', { valid: 'invalid' })))
    const change = mergeStatus(before, one, offered, 2)
    expect(change.after.declarations.size).toBe(20)
    expect(change.changedDeclarations).toEqual(['d7'])
  })

  it('is gone when the manifest lacks it, whatever the report says', () => {
    const offered = new Map([...OFFERED].filter(([identifier]) => identifier !== 'ex.cfg.subs'))
    const change = mergeStatus(after(FULL), read(FULL), offered, 2)
    expect([...change.after.declarations.keys()]).toEqual([...offered.keys()])
    expect(change.changedDeclarations).toEqual(['ex.cfg.subs'])
    expect(mergeStatus(NO_STATUS, read(FULL), new Map(), 1).after.declarations.size).toBe(0)
  })

  it('under two tokens counts with the token that is offered', () => {
    const ours = declared('ex.cfg.subs', TOKEN.subscriptions)
    const old = declared('ex.cfg.subs', 'old')
    for (const both of [
      [ours, old],
      [old, ours],
    ]) {
      const status = after(configurations(...both))
      expect(status.declarations.get('ex.cfg.subs')?.token).toBe(TOKEN.subscriptions)
    }
  })

  it('counts with another token when no report has the one that is offered', () => {
    const status = after(FULL, configurations(declared('ex.cfg.subs', 'old')))
    expect(status.declarations.get('ex.cfg.subs')?.token).toBe('old')
  })
})

describe('an error', () => {
  const failing = report(
    {},
    { Errors: [{ StatusItem: 'passcode.is-present', Reasons: [{ Code: 'x' }] }] },
  )

  it('stands until the item has a value or a full report lacks it', () => {
    expect([...after(failing, report({})).errors.keys()]).toEqual(['passcode.is-present'])
    expect(after(failing, report({ passcode: { 'is-present': true } })).errors.size).toBe(0)
    expect(after(failing, FULL).errors.size).toBe(0)
  })

  it('changes the status without a change of items', () => {
    const before = after(FULL)
    const change = mergeStatus(before, read(failing), OFFERED, 2)
    expect(change.changedItems).toEqual([])
    expect(change.after.errors).not.toBe(before.errors)
    expect(change.after.items).toBe(before.items)
  })
})
