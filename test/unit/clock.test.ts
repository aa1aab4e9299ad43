import { afterEach, describe, expect, it, vi } from 'vitest'
import { clock, withPauses } from '../../src/clock.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

describe('work with pauses', () => {
  it('is done for each item once, for so many at a time, and its results keep the order', async () => {
    let running = 0
    let most = 0
    const items = Array.from({ length: 10 }, (_, n) => n)
    const doubled = await withPauses(items, 3, async (n) => {
      running += 1
      most = Math.max(most, running)
      for (let turn = n; turn < items.length; turn++) {
        await Promise.resolve()
      }
      running -= 1
      return 2 * n
    })
    expect(doubled).toEqual(items.map((n) => 2 * n))
    expect(most).toBe(3)
  })

  it('goes on in a later turn of the thread after each item', async () => {
    const turns: (() => void)[] = []
    vi.spyOn(clock, 'after').mockImplementation((...[, callback]) => {
      turns.push(callback)
      return () => {}
    })
    const begun: string[] = []
    const line = withPauses(['a', 'b'], 1, async (item) => {
      begun.push(item)
    })
    for (const before of [['a'], ['a', 'b']]) {
      await expect.poll(() => turns).toHaveLength(1)
      expect(begun).toEqual(before)
      turns.pop()?.()
    }
    await line
  })
})
