import { expect, it } from 'vitest'
import { shallowJson } from '../../../src/dep/bounds.ts'

it('what Apple sends is kept, with lists and objects', () => {
  const json = {
    serial_number: 'C1',
    imei: ['1', '2'],
    urls: [{ limit: { maximum: 100 } }],
    n: null,
  }
  expect(shallowJson(json)).toEqual(json)
})

it('values of many levels are left out, and an object that is too long', () => {
  const deep: unknown = JSON.parse('['.repeat(100_000) + ']'.repeat(100_000))
  expect(shallowJson({ serial_number: 'C1', deep })).toEqual({ serial_number: 'C1' })
  expect(shallowJson({ text: 'x'.repeat(50_000) })).toEqual({})
  expect([shallowJson(null), shallowJson([1]), shallowJson('x')]).toEqual([{}, {}, {}])
})
