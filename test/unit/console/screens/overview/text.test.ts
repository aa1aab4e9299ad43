import { expect, it } from 'vitest'
import { concernsOf, devicesOf, osRows } from '../../../../../src/console/screens/overview/text.ts'

const FLEET = {
  counted_at: '2026-11-24T09:00:00.000Z',
  total: 1250,
  by_state: { authenticated: 1, enrolled: 1240, checked_out: 9 },
  by_push: { ready: 1236, failing: 4, none: 0 },
  contested: 0,
  silent: { '7d': 31, '30d': 4 },
  identities_ending: { '14d': 4, '60d': 55 },
  declarations_failing: 0,
  by_platform: [
    { platform: 'macOS', enrolled: 812 },
    { platform: null, enrolled: 428 },
  ],
  by_os: [
    { platform: 'macOS', version: '27.1', enrolled: 640 },
    { platform: null, version: '9', enrolled: 428 },
    { platform: 'macOS', version: '26.6', enrolled: 100 },
  ],
} as const

it('devices that cannot be pushed need somebody; a count of zero needs no one', () => {
  expect(concernsOf({ ...FLEET, by_os: [], by_platform: [] })).toMatchObject([
    { text: expect.stringMatching(/^4 devices cannot be pushed/) as string },
  ])
  const calm = { ...FLEET, by_push: { ready: 4, failing: 0, none: 0 }, by_os: [], by_platform: [] }
  expect(concernsOf(calm)).toEqual([])
  expect(concernsOf({ ...calm, contested: 1 })).toMatchObject([
    { text: expect.stringMatching(/^1 enrolment is contested/) as string },
  ])
  expect(concernsOf({ ...calm, declarations_failing: 1 })).toMatchObject([
    { text: '1 device reports that a declaration failed', to: '/console/declarations' },
  ])
})

it('versions behind the first ones are one line of their platform, and all lines add up', () => {
  const rows = osRows({ ...FLEET, by_os: [...FLEET.by_os], by_platform: [...FLEET.by_platform] }, 2)
  expect(rows).toEqual([
    { label: 'macOS 27.1', enrolled: 640, to: '/console/devices?platform=macOS&os=27.1' },
    { label: 'Unknown 9', enrolled: 428, to: '/console/devices?os=9' },
    { label: 'macOS, other versions', enrolled: 172, to: '/console/devices?platform=macOS' },
  ])
  expect(rows.reduce((all, { enrolled }) => all + enrolled, 0)).toBe(1240)
})

it('a filter leaves out what has no word', () => {
  expect(devicesOf({ state: 'enrolled', platform: null })).toBe('/console/devices?state=enrolled')
})
