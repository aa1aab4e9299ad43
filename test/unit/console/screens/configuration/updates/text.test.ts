import { describe, expect, it } from 'vitest'
import {
  adviceOf,
  countsOf,
  deadlineRule,
  deadlineText,
  previewText,
  settingsOf,
  targetRule,
  targetText,
  whomText,
} from '../../../../../../src/console/screens/configuration/updates/text.ts'

const TARGET = { version: null, build: null, newest: false, older_than_days: null, major: null }
const DEADLINE = { local: null, days_after_release: null, time: null }
const RULE = {
  os_version: null,
  os_version_from: null,
  os_version_below: null,
  model: null,
  serial_number: null,
}
const chosen = (platform: 'macOS' | 'iOS' | 'iPadOS', version: string, build?: string) => ({
  platform,
  version,
  build: build ?? null,
  deadline: '2026-12-10T19:00:00',
  first_at: '2026-12-10T05:00:00.000Z',
  last_at: '2026-12-11T07:00:00.000Z',
  chosen_at: '2026-11-30T09:00:00.000Z',
  withdrawn: null,
})
const NO_STATES = {
  reached: 0,
  failed: 0,
  installing: 0,
  prepared: 0,
  downloading: 0,
  scheduled: 0,
  'waiting-for-apple': 0,
  'not-applied': 0,
  pending: 0,
  silent: 0,
}
const progress = (
  states: Partial<typeof NO_STATES>,
  ways: { command?: number; none?: number },
) => ({
  devices: Object.values(states).reduce((sum, count) => sum + count, 0),
  states: { ...NO_STATES, ...states },
  ways: { declaration: 0, command: 0, none: 0, ...ways },
  overdue: 0,
  reasons: [],
})

describe('a policy in words', () => {
  it('says the version of each platform, and by which rule it came', () => {
    const newest = { ...TARGET, newest: true, major: 26, older_than_days: 14 }
    const of = [chosen('iOS', '26.4'), chosen('iPadOS', '26.4'), chosen('macOS', '26.5', '25F1')]
    expect(targetText({ target: newest, chosen: of })).toBe('iOS, iPadOS 26.4; macOS 26.5 (25F1)')
    expect(targetRule({ target: newest })).toBe(
      'the newest version of 26 that is at least 14 days old',
    )
    expect(targetText({ target: null, chosen: [] })).toBe('Settings only')
    expect(targetRule({ target: { ...TARGET, version: '26.2' } })).toBe('exactly 26.2')
  })

  it('says a deadline as the wall clock of a device shows it, wherever the reader is', () => {
    const local = { ...DEADLINE, local: '2026-12-10T19:00:00' }
    expect(deadlineText({ deadline: local, chosen: [] })).toBe('Thu, 10 Dec 2026, 19:00')
    const moving = { ...DEADLINE, days_after_release: 28, time: '19:00' }
    expect(deadlineText({ deadline: moving, chosen: [chosen('iOS', '26.4')] })).toBe(
      'Thu, 10 Dec 2026, 19:00',
    )
    expect(deadlineRule({ deadline: moving })).toBe('28 days after each release, at 19:00')
    expect(deadlineRule({ deadline: local })).toBe('')
  })

  it('says whom it concerns', () => {
    const rule = { ...RULE, os_version_below: '26', serial_number: ['A', 'B', 'C', 'D'] }
    expect(whomText({ platforms: ['macOS'], rule, set: 'pilot' })).toBe(
      'macOS, before 26, 4 serial numbers, in the set pilot',
    )
    expect(whomText({ platforms: ['macOS', 'iOS'], rule: RULE, set: null })).toBe('macOS, iOS')
  })

  it('lists the settings that it has', () => {
    const settings = { minor_deferral_days: 14, notifications: false, major_deferral_days: null }
    expect(settingsOf({ settings } as never)).toEqual([
      ['Minor deferral days', '14'],
      ['Notifications', 'No'],
    ])
  })
})

describe('progress in words', () => {
  it('counts what needs somebody first, and leaves out what is zero', () => {
    const counts = countsOf(progress({ reached: 5, failed: 1, silent: 0 }, {}))
    expect(counts.map(({ word, count }) => [word, count])).toEqual([
      ['Failed', 1],
      ['Reached', 5],
    ])
  })

  it('counts before it is stored: the devices that are meant, that have the version, that cannot be asked', () => {
    expect(previewText(progress({ reached: 1, pending: 3 }, { command: 1, none: 1 }))).toBe(
      '4 devices. 1 of them have the version already. 1 device cannot be asked, because the OS is too ' +
        'old: send the command then. 1 device cannot be updated from here.',
    )
    expect(previewText(progress({}, {}))).toBe('No enrolled device fits.')
  })

  it('sends the command to devices that hear of no declaration', () => {
    expect(adviceOf('pending', 'command')).toContain('send the command')
    expect(adviceOf('pending', 'declaration')).toContain('next connection')
  })
})
