import { describe, expect, it } from 'vitest'
import { targetOf, type UpdateRule } from '../../../../src/ddm/updates/target.ts'
import type { OsRelease } from '../../../../src/ddm/updates/version.ts'

const DAY = 86_400_000
const NOW = Date.parse('2026-12-01T12:00:00Z')

const release = (version: string, daysAgo: number, more: Partial<OsRelease> = {}): OsRelease => ({
  platforms: ['macOS'],
  version,
  build: '',
  released: NOW - daysAgo * DAY,
  devices: [],
  supplemental: false,
  ...more,
})
const RELEASES = [
  release('26.9', 90),
  release('26.10', 30),
  release('27.0', 10),
  release('27.1', -1),
  release('15.7', 5),
  release('28.0', 90, { platforms: ['iOS', 'iPadOS'] }),
  release('26.10.1', 40, { supplemental: true }),
  release('26.11', 200, { expires: NOW }),
]
const target = (rule: UpdateRule, device?: string, releases = RELEASES) =>
  targetOf(rule, 'macOS', releases, NOW, device)

describe('the newest version', () => {
  it('is the highest that is released, whatever the order', () => {
    expect(target({ newestOlderThanDays: 0 })).toEqual({ version: '27.0' })
    expect(target({ newestOlderThanDays: 0 }, undefined, RELEASES.toReversed())).toEqual({
      version: '27.0',
    })
    expect(targetOf({ newestOlderThanDays: 0 }, 'iPadOS', RELEASES, NOW)).toEqual({
      version: '28.0',
    })
  })

  it('has been out for some days', () => {
    expect(target({ newestOlderThanDays: 10 })).toEqual({ version: '27.0' })
    expect(target({ newestOlderThanDays: 11 })).toEqual({ version: '26.10' })
    expect(target({ newestOlderThanDays: 31 })).toEqual({ version: '26.9' })
    expect(target({ newestOlderThanDays: 91 })).toBeUndefined()
  })

  it('may stay on a major version', () => {
    expect(target({ newestOlderThanDays: 0, major: 26 })).toEqual({ version: '26.10' })
    expect(target({ newestOlderThanDays: 0, major: 2 })).toBeUndefined()
  })

  it('is never a supplement or an expired one', () => {
    const rule = { newestOlderThanDays: 35, major: 26 }
    expect(target(rule)).toEqual({ version: '26.9' })
    const valid = RELEASES.map((one) => (one.expires ? { ...one, expires: NOW + 1 } : one))
    expect(target(rule, undefined, valid)).toEqual({ version: '26.11' })
  })

  it('fits the model', () => {
    const releases = [release('26.2', 1, { devices: ['J413AP'] }), release('15.7', 1)]
    expect(target({ newestOlderThanDays: 0 }, 'J413AP', releases)).toEqual({ version: '26.2' })
    expect(target({ newestOlderThanDays: 0 }, 'J100AP', releases)).toEqual({ version: '15.7' })
  })
})

it('a version that a rule names is the target, whether Apple lists it or not', () => {
  expect(target({ version: '29.0' })).toEqual({ version: '29.0' })
  expect(target({ version: '26.2', build: '25C56' })).toEqual({ version: '26.2', build: '25C56' })
})
