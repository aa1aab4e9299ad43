import { describe, expect, it, test } from 'vitest'
import { progressOf, type UpdateFacts } from '../../../../src/ddm/updates/progress.ts'
import { after } from '../status/reports.ts'

const DAY = 86_400_000
const NOW = Date.parse('2026-12-09T12:00:00Z')
const TARGET = { version: '26.2', declaration: 'ex.cfg.os', deadline: '2026-12-10T19:00:00' }

const report = (softwareupdate: object, os?: object): object => ({
  StatusItems: { softwareupdate, ...(os && { device: { 'operating-system': os } }) },
  Errors: [],
})
const NONE = { 'os-version': '', 'build-version': '' }
const PENDING = { 'os-version': '26.2', 'build-version': '25C200' }
const OURS = { reason: ['declaration'], 'declaration-id': 'ex.cfg.os' }
const DOWNLOADING = report({
  'install-state': 'downloading',
  'install-reason': OURS,
  'pending-version': { ...PENDING, 'target-local-date-time': '2026-12-10T19:00:00' },
  'failure-reason': { count: 0 },
})
const FAILED = report({
  'install-state': 'failed',
  'failure-reason': { count: 1, reason: 'not enough space', timestamp: '2026-12-10T18:03:11Z' },
})
const DONE = report(
  {
    'install-state': 'none',
    'install-reason': { reason: [] },
    'pending-version': NONE,
    'failure-reason': { count: 0 },
  },
  { version: '26.2', 'build-version': '25C200' },
)

const progress = (reports: readonly object[], facts: Partial<UpdateFacts> = {}) => {
  const { items } = after(...reports)
  return progressOf({
    target: TARGET,
    item: (name) => items.get(name)?.value,
    declaration: 'applied',
    os: { version: '26.1', build: '25B78' },
    lastReportAt: NOW,
    now: NOW,
    ...facts,
  })
}
const stateAfter = (reports: readonly object[], facts?: Partial<UpdateFacts>): string =>
  progress(reports, facts).state

describe('an update over its reports', () => {
  it('downloads, fails with a reason, and is reached', () => {
    expect(stateAfter([DOWNLOADING])).toBe('downloading')
    expect(progress([DOWNLOADING, FAILED])).toEqual({
      state: 'failed',
      failures: 1,
      reason: 'not enough space',
      overdue: false,
    })
    expect(progress([DOWNLOADING, FAILED, DONE])).toEqual({
      state: 'reached',
      failures: 0,
      reason: '',
      overdue: false,
    })
  })

  it('is computed from all reports together', () => {
    const parts = [
      report({ 'install-state': 'prepared' }),
      report({ 'pending-version': PENDING }),
      report({ 'install-reason': OURS }),
    ]
    expect(stateAfter(parts)).toBe('prepared')
    expect(stateAfter(parts.toReversed())).toBe('prepared')
    expect(stateAfter(parts.slice(0, 1))).toBe('pending')
    expect(stateAfter([parts[0] ?? {}, parts[2] ?? {}])).toBe('prepared')
  })
})

test.each<[string, object]>([
  ['installing', { 'install-state': 'installing', 'pending-version': PENDING }],
  ['scheduled', { 'install-state': 'none', 'pending-version': PENDING }],
  ['scheduled', { 'install-state': 'waiting', 'pending-version': PENDING }],
  ['scheduled', { 'pending-version': { ...PENDING, 'os-version': '26.2.0' } }],
  ['waiting-for-apple', { 'install-state': 'none', 'pending-version': NONE }],
  ['pending', {}],
  ['pending', { 'pending-version': { ...PENDING, 'os-version': '26.1.1' } }],
  [
    'pending',
    {
      'install-state': 'downloading',
      'install-reason': OURS,
      'pending-version': { ...PENDING, 'os-version': '26.1.1' },
      'failure-reason': { count: 3 },
    },
  ],
  ['pending', { 'pending-version': 7, 'failure-reason': 'x', 'install-reason': null }],
])('an update is %s: %j', (state, items) => {
  expect(stateAfter([report(items)])).toBe(state)
})

describe('reached', () => {
  it('wins over a declaration that the device calls invalid', () => {
    expect(stateAfter([DONE], { declaration: 'failed' })).toBe('reached')
    expect(stateAfter([DONE], { declaration: 'failed', lastReportAt: NOW - 99 * DAY })).toBe(
      'reached',
    )
  })

  it('wins over a failure before it', () => {
    const os = { version: '26.2', build: '25C200' }
    expect(progress([DOWNLOADING, FAILED], { os })).toMatchObject({ state: 'reached' })
  })

  it('needs no report: a check-in may tell the version', () => {
    const facts = { declaration: 'pending', lastReportAt: undefined } as const
    expect(stateAfter([], { ...facts, os: { version: '26.2', build: '' } })).toBe('reached')
    expect(stateAfter([], { ...facts, os: { version: '27.0', build: '' } })).toBe('reached')
    expect(stateAfter([], { ...facts, os: { version: '', build: '' } })).toBe('pending')
    expect(stateAfter([], { ...facts, os: { version: 'x', build: '' } })).toBe('pending')
  })

  test.each([
    [true, '26.2', '25C200'],
    [true, '26.2', '25C201'],
    [true, '26.2', '25D1'],
    [true, '26.2.1', ''],
    [true, '26.2', '25C200a'],
    [false, '26.2', '25C56'],
    [false, '26.2', ''],
    [false, '26.1', '25C300'],
  ])('is %s of a target with build 25C200 at %s, %s', (reached, version, build) => {
    const target = { ...TARGET, build: '25C200' }
    expect(stateAfter([], { target, os: { version, build } }) === 'reached').toBe(reached)
  })

  it('of a supplemental build is told by its own item', () => {
    const target = { ...TARGET, version: '26.1', build: '25B78a' }
    const supplemental = (build: string): object =>
      report({}, { supplemental: { 'build-version': build } })
    expect(stateAfter([supplemental('25B78a')], { target })).toBe('reached')
    expect(stateAfter([supplemental('')], { target })).toBe('pending')
  })
})

describe('a target with a build', () => {
  it('is not another build of the version that waits', () => {
    const target = { ...TARGET, build: '25C201' }
    expect(stateAfter([DOWNLOADING], { target })).toBe('pending')
    expect(stateAfter([DOWNLOADING], { target: { ...TARGET, build: '25C200' } })).toBe(
      'downloading',
    )
  })
})

describe('a declaration that is not applied', () => {
  test.each(['failed', 'inactive', 'withheld'] as const)('is told: %s', (declaration) => {
    expect(stateAfter([], { declaration })).toBe('not-applied')
    expect(stateAfter([], { declaration, lastReportAt: undefined })).toBe('not-applied')
  })

  it('and that no report names is pending', () => {
    expect(stateAfter([report({ 'pending-version': NONE })], { declaration: 'pending' })).toBe(
      'pending',
    )
  })
})

describe('time', () => {
  it('makes a device silent after 7 days without a report', () => {
    expect(stateAfter([DOWNLOADING], { lastReportAt: NOW - 7 * DAY })).toBe('downloading')
    expect(stateAfter([DOWNLOADING], { lastReportAt: NOW - 7 * DAY - 1 })).toBe('silent')
    expect(stateAfter([DOWNLOADING, FAILED], { lastReportAt: NOW - 8 * DAY })).toBe('failed')
  })

  it('makes an update overdue when the deadline has passed in every zone', () => {
    const last = Date.parse('2026-12-11T07:00:00Z')
    const at = (now: number) => progress([DOWNLOADING], { now, lastReportAt: now }).overdue
    expect(at(last)).toBe(false)
    expect(at(last + 1)).toBe(true)
    expect(progress([DONE], { now: last + 1 }).overdue).toBe(false)
    const { deadline: _, ...open } = TARGET
    expect(progress([DOWNLOADING], { target: open, now: last + 1 }).overdue).toBe(false)
  })
})
