import { expect, it } from 'vitest'
import { walkOf } from './walk.ts'

it('releases every device once, last and in time, whatever it and its admins do', () => {
  const had = new Set<string>()
  let released = 0
  for (let seed = 0; seed < 150; seed += 1) {
    try {
      const told = walkOf(seed)
      released += told.released
      told.had.forEach((one) => had.add(one))
    } catch (error) {
      throw new Error(`the walk of the seed ${seed}`, { cause: error })
    }
  }
  expect(released).toBeGreaterThan(150)
  expect(had.size).toBe(22)
})
