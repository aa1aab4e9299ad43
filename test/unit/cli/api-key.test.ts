import { expect, it } from 'vitest'
import { newApiKey } from '../../../src/cli/api-key.ts'

it('a new API key is never taken for an option of a command', () => {
  const keys = Array.from({ length: 500 }, newApiKey)
  expect(keys.filter((key) => !/^[\da-f]{48}$/.test(key))).toEqual([])
  expect(new Set(keys).size).toBe(keys.length)
})
