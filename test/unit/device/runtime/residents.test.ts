import { expect, it } from 'vitest'
import { endOfStay, keepResident } from '../../../../src/device/runtime/residents.ts'

/** Objects with this budget. Names differ between tests, because the map is the isolate's. */
function residence(budget: number) {
  const stays: string[] = []
  const ended: string[] = []
  return {
    stays,
    ended,
    /** A call of the object that was started as `start`. */
    use(name: string, start: object): void {
      keepResident(name, start, budget, () => {
        stays.push(name)
        void endOfStay(name).then(() => ended.push(name))
      })
    },
  }
}

it('an object stays once, however often it is used', async () => {
  const { use, stays, ended } = residence(10)
  const start = {}
  use('once', start)
  use('once', start)
  await Promise.resolve()
  expect(stays).toEqual(['once'])
  expect(ended).toEqual([])
})

it('beyond the budget the stay of the longest unused object ends', async () => {
  const { use, stays, ended } = residence(2)
  const [a, b, c] = [{}, {}, {}]
  use('a', a)
  use('b', b)
  use('a', a)
  use('c', c)
  await new Promise(setImmediate)
  // The first stay that ends is that of the test before.
  expect(ended).toEqual(['b'])
  use('b', b)
  await new Promise(setImmediate)
  expect(ended).toEqual(['b', 'a'])
  expect(stays).toEqual(['a', 'b', 'c', 'b'])
})

it('an object that the runtime has started again stays anew', () => {
  const { use, stays } = residence(2)
  use('again', {})
  use('again', {})
  expect(stays).toEqual(['again', 'again'])
})

it('the stay of an object without a place ends at once', async () => {
  await expect(endOfStay('never used')).resolves.toBeUndefined()
})
