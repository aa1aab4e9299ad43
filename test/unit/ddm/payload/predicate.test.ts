import { describe, expect, it } from 'vitest'
import { lintPredicate, statusItemsIn } from '../../../../src/ddm/payload/predicate.ts'

describe('a predicate', () => {
  it.each([
    "(@status(device.model.family) == 'iPad')",
    "@status(device.model.family) == 'Mac' AND @property(ring) <= 2",
    'SUBQUERY(@status(app.managed.list), $app, ($app.@key(identifier) == "com.ex.app") AND ' +
      '($app.@key(state) == "managed")).@count != 0',
    "@property(name) LIKE 'it\\'s (a' OR @property(name) == \"it's @odd(\"",
    "@property(site) IN {'A', 'B'} AND @property(list)[0] == 1",
    '@property(serial) == "${serial_number}"',
    'TRUEPREDICATE',
  ])('may hold: %s', (text) => {
    expect(lintPredicate(text)).toBeUndefined()
  })

  it.each([
    ["@status(device.model.family) == 'Mac", "does not close its quotation mark '"],
    ['@property(a) == "x\\"', 'does not close its quotation mark "'],
    ['(@property(a) == 1', 'does not close its ('],
    ['@property(a == 1', 'does not close its ('],
    ['@property(a) == 1)', 'has a ) that nothing opens'],
    ["@property(a) IN {'A', 'B')", 'has a ) that nothing opens'],
    ['@stauts(device.model.family) == 1', 'has @stauts('],
    ['@property(a) == “Mac”', 'has the quotation mark “'],
    ['', 'is empty'],
    [' \n', 'is empty'],
    [`@property(a) == '${'x'.repeat(8192)}'`, 'is too long'],
  ])('that no device can parse is refused: %s', (text, fault) => {
    expect(lintPredicate(text)).toContain(fault)
  })

  it('of many brackets is judged at once', () => {
    expect(lintPredicate('('.repeat(8192))).toBe('does not close its (')
    expect(lintPredicate(`"${'\\"'.repeat(4000)}`)).toContain('quotation mark')
  })
})

it('a predicate names status items', () => {
  const text =
    "@status( device.model.family ) == 'x' AND SUBQUERY(@status(app.managed.list), $a, TRUE)"
  expect(statusItemsIn(text)).toEqual(['device.model.family', 'app.managed.list'])
  expect(statusItemsIn('@property(a) == 1')).toEqual([])
})
