import { expect, it } from 'vitest'
import { gather } from '../../../src/directory/gather.ts'

const D1 = {} as D1Database

/** Batches that end when the test says so. */
function held() {
  const batches: { items: readonly string[]; end: PromiseWithResolvers<void> }[] = []
  const kept: Promise<unknown>[] = []
  const gathered = gather(async (_, items: readonly string[]) => {
    const end = Promise.withResolvers<void>()
    batches.push({ items: [...items], end })
    await end.promise
    return items.map((item) => `${item}!`)
  })
  return { batches, kept, run: (item: string) => gathered(D1, item, (work) => kept.push(work)) }
}

const settled = () => new Promise((resolve) => setImmediate(resolve))

it('items that come together share a batch, and those that come during it share the next', async () => {
  const { batches, kept, run } = held()
  const first = [run('a'), run('b')]
  await settled()
  const next = [run('c'), run('d')]
  await settled()
  expect(batches.map(({ items }) => items)).toEqual([['a', 'b']])
  batches[0]?.end.resolve()
  expect(await Promise.all(first)).toEqual(['a!', 'b!'])
  await settled()
  expect(batches.map(({ items }) => items)).toEqual([
    ['a', 'b'],
    ['c', 'd'],
  ])
  batches[1]?.end.resolve()
  expect(await Promise.all(next)).toEqual(['c!', 'd!'])
  // One request of each group keeps its batch alive.
  expect(kept).toHaveLength(2)
})

it('a batch that fails runs again item by item, so that one costs the others nothing', async () => {
  const sizes: number[] = []
  const gathered = gather(async (_, items: readonly string[]) => {
    sizes.push(items.length)
    if (items.includes('bad')) {
      throw new Error('refused')
    }
    return [...items]
  })
  const runs = ['a', 'bad', 'b'].map((item) => gathered(D1, item, () => {}))
  expect(await Promise.allSettled(runs)).toMatchObject([
    { status: 'fulfilled', value: 'a' },
    { status: 'rejected', reason: { message: 'refused' } },
    { status: 'fulfilled', value: 'b' },
  ])
  expect(sizes).toEqual([3, 1, 1, 1])
})

it('a batch has at most a hundred items', async () => {
  const { batches, run } = held()
  const runs = Array.from({ length: 150 }, (_, n) => run(String(n)))
  await settled()
  batches[0]?.end.resolve()
  await runs[0]
  await settled()
  batches[1]?.end.resolve()
  await Promise.all(runs)
  expect(batches.map(({ items }) => items.length)).toEqual([100, 50])
})
