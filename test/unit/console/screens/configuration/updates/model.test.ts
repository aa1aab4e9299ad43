import { describe, expect, it } from 'vitest'
import {
  bodyOfForm,
  firstForm,
  isComplete,
  nameOfForm,
  offeredVersions,
  withDeadline,
} from '../../../../../../src/console/screens/configuration/updates/model.ts'

const NOW = Date.parse('2026-11-30T09:00:00Z')
const begin = (query = '') => firstForm(new URLSearchParams(query), NOW)
const { form: empty } = begin()

describe('the form of an update', () => {
  it('begins with the devices of the address, and names the filters that a policy lacks', () => {
    const { form, ignored } = begin(
      'platform=macOS,watchOS&os=26&serial_number=C02A,C02B&state=enrolled&push=ready&q=ada',
    )
    expect(form).toMatchObject({ platforms: ['macOS'], osVersion: '26', serials: 'C02A, C02B' })
    expect(ignored).toEqual(['Push', 'Search'])
    expect(begin('state=checked_out').ignored).toEqual(['State'])
  })

  it('sends a version with the seconds of its deadline, and only what narrows the devices', () => {
    const form = { ...empty, platforms: ['macOS' as const], version: ' 26.2 ' }
    expect(isComplete(empty)).toBe(false)
    expect(isComplete(form)).toBe(true)
    expect(bodyOfForm({ ...form, local: '2026-12-10T19:00' })).toEqual({
      platforms: ['macOS'],
      target: { version: '26.2' },
      deadline: { local: '2026-12-10T19:00:00' },
    })
    const narrowed = { ...form, below: '26', model: 'MacBookAir, Mac16', serials: 'A\nB, C' }
    expect(bodyOfForm({ ...narrowed, set: 'pilot' })).toMatchObject({
      rule: {
        os_version_below: '26',
        model: ['MacBookAir', 'Mac16'],
        serial_number: ['A', 'B', 'C'],
      },
      set: 'pilot',
    })
  })

  it('sends the newest version with a deadline for each', () => {
    const form = { ...empty, platforms: ['iOS' as const], isNewest: true, major: '26' }
    expect(bodyOfForm({ ...form, olderThan: '14', daysAfter: '28', time: '19:00' })).toEqual({
      platforms: ['iOS'],
      target: { newest: true, major: 26, older_than_days: 14 },
      deadline: { days_after_release: 28, time: '19:00' },
    })
  })

  it('has a name that no policy has yet', () => {
    const form = { ...empty, platforms: ['macOS' as const], version: '26.2' }
    expect(nameOfForm(form, [])).toBe('macos-26-2')
    expect(nameOfForm(form, ['macos-26-2', 'macos-26-2-2'])).toBe('macos-26-2-3')
    expect(nameOfForm({ ...form, platforms: ['macOS', 'iOS'] }, [])).toBe('all-26-2')
    const long = { ...form, version: '1111.2222.3333.4444' }
    expect(nameOfForm(long, [nameOfForm(long, [])])).toMatch(/^[a-z0-9-]{1,28}$/)
    expect(nameOfForm(long, [nameOfForm(long, [])])).not.toBe(nameOfForm(long, []))
  })
})

it('offers versions that all platforms have and that Apple still signs, the newest first', () => {
  const release = (version: string, platforms: readonly string[], more = {}) => ({
    version,
    platforms: [...platforms] as 'iOS'[],
    build: null,
    released_at: '2026-11-01T00:00:00.000Z',
    expires_at: null,
    supplemental: false,
    ...more,
  })
  const list = {
    versions: [
      release('26.9', ['iOS', 'iPadOS']),
      release('26.10', ['iOS']),
      release('26.10', ['iPadOS']),
      release('26.11', ['iOS', 'iPadOS'], { expires_at: '2026-11-29T00:00:00.000Z' }),
      release('26.12', ['iOS', 'iPadOS'], { supplemental: true }),
      release('15.7', ['macOS']),
    ],
  }
  expect(offeredVersions(list, ['iOS'], NOW)).toEqual(['26.10', '26.9'])
  expect(offeredVersions(list, ['iOS', 'iPadOS'], NOW)).toEqual(['26.10', '26.9'])
  expect(offeredVersions(list, ['iOS', 'macOS'], NOW)).toEqual([])
  expect(offeredVersions(list, [], NOW)).toEqual([])
})

it('keeps all else of a policy when its deadline changes', () => {
  const rule = {
    os_version: null,
    os_version_from: null,
    os_version_below: '26.2',
    model: null,
    serial_number: ['C02A'],
  }
  const policy = {
    id: 'macs',
    platforms: ['macOS' as const],
    rule,
    set: 'pilot',
    details_url: null,
    target: { version: '26.2', build: null, newest: false, older_than_days: null, major: null },
    deadline: { local: '2026-12-10T19:00:00', days_after_release: null, time: null },
    settings: {} as never,
    chosen: [],
    declarations: [],
    changed_at: '2026-11-30T09:00:00.000Z',
  }
  const { id: _id, chosen: _chosen, declarations: _declarations, changed_at: _at, ...rest } = policy
  const deadline = { local: '2026-12-12T08:00:00' }
  expect(withDeadline(policy, deadline)).toEqual({ ...rest, deadline })
})
