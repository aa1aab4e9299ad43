import { expect, it } from 'vitest'
import { arrivalsIn } from '../../../../../src/console/screens/enrolment/arrivals.ts'

const step = (id: string, kind: 'enrolled' | 'checked_in') => ({
  id,
  kind,
  at: '2026-11-24T09:00:00.000Z',
  device_id: `device of ${id}`,
  detail: null,
})

it('a device has come if its enrolment was not known when the wait began', () => {
  const before = new Set(['old'])
  expect(arrivalsIn([step('old', 'enrolled'), step('new', 'checked_in')], before)).toEqual([])
  const found = arrivalsIn([step('new', 'enrolled'), step('old', 'enrolled')], before)
  expect(found.map(({ device_id }) => device_id)).toEqual(['device of new'])
})
