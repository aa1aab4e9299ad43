import { expect, it } from 'vitest'
import { parsePredicate } from '../../../../../src/simulator/device/declarations/predicate.ts'

const values = {
  status: (name: string) =>
    ({ 'device.model.family': 'Mac', 'device.operating-system.version': '26.1' })[name],
  property: (key: string) =>
    ({ ring: 1, name: "O'Neill", pilot: true, groups: ['sales', 'london'] })[key],
}

const evaluate = (text: string) => parsePredicate(text)?.(values)

it.each([
  ['TRUEPREDICATE', true],
  ['FALSEPREDICATE', false],
  ["@status(device.model.family) == 'Mac'", true],
  ["(@status(device.model.family) == 'iPad')", false],
  ["@status(device.model.family) == 'Mac' AND @property(ring) <= 2", true],
  ["(@status(device.model.family) == 'Mac') && (@property(ring) > 1)", false],
  ['@property(ring) < 1 OR @property(ring) = 1', true],
  ['@property(ring) < 1 || @property(ring) >= 2', false],
  // AND binds closer than OR.
  ['TRUEPREDICATE OR TRUEPREDICATE AND FALSEPREDICATE', true],
  ['(TRUEPREDICATE OR TRUEPREDICATE) AND FALSEPREDICATE', false],
  ['NOT @property(ring) == 2', true],
  ['not (@property(pilot) == YES)', false],
  ['!(@property(pilot) == FALSE)', true],
  ['@property(pilot) == 1', true],
  ['@property(ring) != 2', true],
  ['@property(ring) <> 1', false],
  ['@property(ring) == -1.5', false],
  ["@status(device.operating-system.version) BEGINSWITH '26'", true],
  ["@status(device.operating-system.version) contains '.2'", false],
  ["@property(groups) CONTAINS 'sales'", true],
  ["'paris' IN @property(groups)", false],
  ['@status(device.model.family) IN {"iMac", "Mac"}', true],
  ['@property(ring) IN {2, 3}', false],
  [String.raw`@property(name) == 'O\'Neill'`, true],
  ["@property(ring) == '1'", false],
])('%s is %s', (text, value) => {
  expect(evaluate(text)).toBe(value)
})

it.each([
  '@property(missing) == 1',
  'NOT @status(device.power.battery-health) == "normal"',
  'TRUEPREDICATE AND @property(missing) == 1',
  "@property(ring) < 'one'",
  '@property(ring) BEGINSWITH 1',
])('%s has no value', (text) => {
  expect(parsePredicate(text)).toBeDefined()
  expect(evaluate(text)).toBeUndefined()
})

it.each([
  '',
  'AND',
  '@property(ring) ==',
  '@property(ring) == 1)',
  '(@property(ring) == 1',
  "@property(ring) == 'one",
  '@property(ring) = = 1',
  '@key(ring) == 1',
  '@property(ring) IN {1, }',
  "@property(name) LIKE 'O*'",
  'TRUEPREDICATE TRUEPREDICATE',
  'SUBQUERY(@status(app.managed.list), $app, $app.@key(identifier) == "a").@count != 0',
])('%s is no simple predicate', (text) => {
  expect(parsePredicate(text)).toBeUndefined()
})
