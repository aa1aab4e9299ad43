import { expect, it } from 'vitest'
import { errorAdvice } from '../../../../src/console/results/errors.ts'

it('an error code has advice by its domain', () => {
  expect(errorAdvice('MCMDMErrorDomain', 12064)).toContain('licence')
  expect(errorAdvice('MCProfileErrorDomain', 12064)).toBeUndefined()
  expect(errorAdvice(null, 12021)).toBeUndefined()
  expect(errorAdvice('toString', 1)).toBeUndefined()
})
