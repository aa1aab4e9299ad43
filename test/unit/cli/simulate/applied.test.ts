import { expect, it } from 'vitest'
import { appliedText } from '../../../../src/cli/simulate/applied.ts'

const valid = { token: 't', active: true, valid: 'valid', reasons: [] }
const invalid = {
  ...valid,
  valid: 'invalid',
  reasons: [{ code: 'Error.MissingAssets', description: '', details: {} }],
}

it('what a simulated device did with its declarations is one line', () => {
  expect(appliedText([{ ...valid, identifier: 'a' }])).toBe('applies 1 of 1 declarations')
  expect(
    appliedText([
      { ...valid, identifier: 'a' },
      { ...valid, identifier: 'b', active: false },
      { ...invalid, identifier: 'c' },
    ]),
  ).toBe('applies 1 of 3 declarations, refuses c (Error.MissingAssets)')
  const many = Array.from({ length: 7 }, (_, n) => ({ ...invalid, identifier: String(n) }))
  expect(appliedText(many)).toMatch(/^applies 0 of 7 .* 4 \(Error.MissingAssets\), and 2 more$/)
})
