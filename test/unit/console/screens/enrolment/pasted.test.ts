import { expect, it } from 'vitest'
import { callsFor, serialsIn } from '../../../../../src/console/screens/enrolment/pasted.ts'

it('serial numbers are pasted one a line or between commas, in small letters and with blanks', () => {
  expect(serialsIn('c02example\nF9F XYZ 123, C02EXAMPLE;\tDMP1\n\n')).toEqual([
    'C02EXAMPLE',
    'F9FXYZ123',
    'DMP1',
  ])
  expect(serialsIn(' \n,')).toEqual([])
})

it('more serial numbers than one call takes go in several', () => {
  const many = Array.from({ length: 5001 }, (_, n) => `S${n}`)
  const calls = callsFor(many)
  expect(calls.map(({ length }) => length)).toEqual([5000, 1])
  expect(calls.flat()).toEqual(many)
})
