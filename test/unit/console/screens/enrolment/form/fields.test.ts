import { expect, it } from 'vitest'
import {
  faultAt,
  moved,
  placesAt,
  readAs,
  shownAs,
  withKey,
} from '../../../../../../src/console/screens/enrolment/form/fields.ts'

it.each([
  ['text', 'a b', 'a b'],
  ['text', '  ', undefined],
  ['number', '15', 15],
  ['number', 'many', 'many'],
  ['list', 'Mac\n\n MacBook Pro, 2026 \n', ['Mac', 'MacBook Pro, 2026']],
  ['json', '{"a":[1]}', { a: [1] }],
  ['json', '{"a"', '{"a"'],
] as const)('typed as %s, %j means %j', (as, text, value) => {
  expect(readAs({ as }, text)).toEqual(value)
})

it.each([
  ['text', 'a', 'a'],
  ['number', 15, '15'],
  ['list', ['Mac', 'iPad'], 'Mac\niPad'],
  ['json', { a: 1 }, '{\n  "a": 1\n}'],
  ['list', 'not a list', 'not a list'],
  ['text', undefined, ''],
] as const)('a value of %s shows as text and comes back: %j', (as, value, text) => {
  expect(shownAs({ as }, value)).toBe(text)
})

it('an empty value takes its key away, and other keys stay', () => {
  expect(withKey({ a: 1, b: 2 }, 'a', undefined)).toEqual({ b: 2 })
  expect(withKey({ a: 1, b: 2 }, 'a', [])).toEqual({ b: 2 })
  expect(withKey({ a: 1 }, 'b', false)).toEqual({ a: 1, b: false })
})

it('a fault stands at its field, also from below it, and not at a field with a like name', () => {
  const faults = [
    { at: 'json.steps.1.of.0', detail: 'is empty' },
    { at: 'json.steps.10', detail: 'is too much' },
  ]
  expect(faultAt(faults, 'json.steps.1.of')).toBe('is empty')
  expect(faultAt(faults, 'json.steps.1')).toBe('is empty')
  expect(faultAt(faults, 'json.steps.2')).toBeUndefined()
  expect(placesAt(faults, ['json.steps.1'])).toEqual(['json.steps.1.of.0'])
})

it('an item moves within its list, and not over its ends', () => {
  expect(moved(['a', 'b', 'c'], 2, 1)).toEqual(['a', 'c', 'b'])
  expect(moved(['a', 'b'], 0, -1)).toEqual(['a', 'b'])
  expect(moved(['a', 'b'], 1, 2)).toEqual(['a', 'b'])
})
