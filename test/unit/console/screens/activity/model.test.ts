import { expect, it } from 'vitest'
import type { Activity } from '../../../../../src/console/api/news.ts'
import {
  fits,
  linkOf,
  mergeEntries,
  pausedAt,
} from '../../../../../src/console/screens/activity/model.ts'
import { wordsOf } from '../../../../../src/console/screens/activity/text.ts'

function entry(id: number | null, more: Partial<Activity> = {}): Activity {
  return {
    id,
    at: '2026-11-24T22:00:00.000Z',
    kind: 'command.sent',
    device_id: 'A',
    serial_number: 'C02',
    device_name: null,
    command_id: 'A.7',
    request_type: 'ProfileList',
    actor: 'ada',
    job_id: null,
    ...more,
  }
}

const idsOf = (entries: readonly Activity[]) => entries.map(({ id }) => id)

it('a feed has each entry once, newest first, whichever way it came', () => {
  const merged = mergeEntries([entry(3), entry(5)], [entry(5), entry(4)], [entry(null)])
  expect(idsOf(merged)).toEqual([5, 4, 3])
})

it('a feed that stays open keeps the newest five hundred', () => {
  const many = Array.from({ length: 600 }, (_, n) => entry(n + 1))
  const merged = mergeEntries(many)
  expect([merged.length, merged[0]?.id]).toEqual([500, 600])
})

it('a paused feed stands still, and counts what comes', () => {
  const entries = [entry(5), entry(4), entry(3)]
  expect(pausedAt(entries, 4)).toEqual({ shown: entries.slice(1), more: 1 })
  expect(pausedAt(entries, undefined)).toEqual({ shown: entries, more: 0 })
})

it.each([
  [{ kind: 'command', device: '', actor: '' }, true],
  [{ kind: 'command.error', device: '', actor: '' }, false],
  [{ kind: 'push', device: '', actor: '' }, false],
  [{ kind: '', device: 'A', actor: '' }, true],
  [{ kind: '', device: 'C02', actor: 'ada' }, true],
  [{ kind: '', device: 'C0', actor: '' }, false],
  [{ kind: '', device: '', actor: 'ben' }, false],
] as const)('the filter %j fits: %s', (filter, does) => {
  expect(fits(filter, entry(1))).toBe(does)
})

it('an entry leads to its command, else to its device, else to its job', () => {
  expect(linkOf(entry(1))).toBe('/console/commands/A.7')
  expect(linkOf(entry(1, { command_id: null }))).toBe('/console/devices/A')
  expect(linkOf(entry(1, { command_id: null, device_id: null, job_id: 'j' }))).toBe(
    '/console/jobs/j',
  )
})

it('an entry says what became of which command', () => {
  expect(wordsOf(entry(1))).toBe('ProfileList: given to the device')
  expect(wordsOf(entry(1, { kind: 'device.enrolled' }))).toBe('Enrolled')
})
