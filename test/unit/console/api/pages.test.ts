import { expect, it } from 'vitest'
import { readPages } from '../../../../src/console/api/pages.ts'

const PAGE = 1000

/** A list of so many numbers. */
const listOf = (count: number) => (cursor: string) => {
  const from = Number(cursor)
  const items = Array.from({ length: Math.min(PAGE, count - from) }, (_, n) => from + n)
  const next = from + PAGE < count ? String(from + PAGE) : null
  return Promise.resolve({ ok: true as const, value: { items, next } })
}

it('reads a list to its end, also one of more than ten thousand, and tells its progress', async () => {
  const told: number[] = []
  const answer = await readPages(listOf(12_500), (count) => told.push(count))
  expect(answer.ok && answer.value).toEqual(Array.from({ length: 12_500 }, (_, n) => n))
  expect([told[0], told.at(-1)]).toEqual([1000, 12_500])
})

it('ends with the fault of a page, and keeps nothing of the ones before', async () => {
  const fault = { kind: 'refused', status: 503, code: '', detail: 'busy', errors: [] } as const
  const list = listOf(5000)
  const answer = await readPages(async (cursor) =>
    cursor === '2000' ? { ok: false, fault } : list(cursor),
  )
  expect(answer).toEqual({ ok: false, fault })
})
