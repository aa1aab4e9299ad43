import { expect, it } from 'vitest'
import { SKIP_ITEMS } from '../../../../../../src/dep/skip-items.ts'
import {
  editedOf,
  paneWords,
  panesOf,
  skippedIn,
  withSkipped,
} from '../../../../../../src/console/screens/enrolment/business-manager/profile-fields.ts'
import {
  ruleDraftOf,
  ruleTitle,
  unfinished,
} from '../../../../../../src/console/screens/enrolment/business-manager/rule-draft.ts'
import {
  migrationOf,
  outcomesText,
} from '../../../../../../src/console/screens/enrolment/business-manager/devices/said.ts'

const NOW = Date.parse('2026-11-30T12:00:00Z')

it.each([
  [null, null, undefined],
  ['no date', null, undefined],
  ['2026-12-02T12:00:00Z', null, ['warn', 'Due in 2 days']],
  ['2027-02-28T12:00:00Z', null, ['quiet', 'Due in 90 days']],
  ['2026-11-30T11:00:00Z', null, ['bad', 'Passed 1 h ago']],
  ['2026-11-30T11:00:00Z', 'E0B7', ['good', 'Moved here']],
])('a migration deadline %s of the device %s: %j', (migration_deadline, device_id, said) => {
  expect(migrationOf({ migration_deadline, device_id }, NOW)).toEqual(said)
})

it('Apple’s answers are counted, and what failed is named with its reason', () => {
  const outcomes = [
    { id: 'A', outcome: 'success' },
    { id: 'B', outcome: 'throttled' },
    ...['C', 'D', 'E', 'F'].map((id) => ({ id, outcome: 'not_accessible' as const })),
  ] as const
  expect(outcomesText([...outcomes], 'released')).toBe(
    '1 device released. B: Apple delays it: the server tries again by itself. ' +
      'C, D, E, 1 more: it is not a device of this account.',
  )
  expect(outcomesText([], 'released')).toBe('0 devices released.')
})

it('a rule of the server is edited without its empty conditions', () => {
  const none = { os: null, model: null, serial: null, assigned_by: null }
  const rule = ruleDraftOf({ match: { ...none, family: ['Mac', 'iPad'] }, profile: 'staff' })
  expect(rule).toEqual({ match: { family: ['Mac', 'iPad'] }, profile: 'staff' })
  expect(ruleTitle(rule)).toBe('Mac, iPad')
  expect(ruleTitle({ match: {}, profile: 'staff' })).toBe('All devices')
  expect(unfinished([rule, { match: {}, profile: '' }])).toEqual([
    { at: 'json.rules.1.profile', detail: 'Choose a profile' },
  ])
})

it('panes are a list, or the word for all of them, and unknown ones stay', () => {
  expect(skippedIn({ skip_setup_items: 'all' })).toEqual(SKIP_ITEMS)
  expect(withSkipped({ url: 'u' }, ['Siri'])).toEqual({ url: 'u', skip_setup_items: ['Siri'] })
  expect(withSkipped({ skip_setup_items: ['Siri'] }, [])).toEqual({})
  expect(withSkipped({}, SKIP_ITEMS)).toEqual({ skip_setup_items: 'all' })
  expect(panesOf({ skip_setup_items: ['Newest'] })).toContain('Newest')
})

it.each([
  ['DeviceToDeviceMigration', 'Device To Device Migration'],
  ['iCloudStorage', 'iCloud Storage'],
  ['TVRoom', 'TV Room'],
  ['FileVault', 'FileVault'],
  ['iMessageAndFaceTime', 'iMessage And FaceTime'],
  ['TOS', 'TOS'],
])('the pane %s reads “%s”', (pane, words) => {
  expect(paneWords(pane)).toBe(words)
})

it('the name of a profile stands in its address, not in its content', () => {
  expect(editedOf({ profile_name: 'staff', url: 'u' })).toEqual({ url: 'u' })
})
