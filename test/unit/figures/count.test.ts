import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { clock } from '../../../src/clock.ts'
import { count, giveBack, seriesOf, takeCounts } from '../../../src/figures/count.ts'
import { reportCounts } from '../../../src/figures/report.ts'

const MINUTE = 60_000
/** Later than all that other files of this process have counted. */
let now = Date.UTC(2100)
beforeEach(() => {
  vi.spyOn(clock, 'now').mockImplementation(() => now)
  now += 10 * MINUTE
  takeCounts()
})

afterEach(() => {
  now += 10 * MINUTE
  takeCounts()
})

const PUSHES = { 'edgemdm_pushes_total{result="delivered"}': 1 }
const push = () => {
  count('pushes_total', { result: 'delivered' })
}

it('counts are handed on after 500, or ten minutes after the first', () => {
  push()
  now += 10 * MINUTE - 1
  expect(takeCounts()).toBeUndefined()
  now += 1
  expect(takeCounts()).toEqual(PUSHES)
  for (let n = 0; n < 499; n++) {
    push()
  }
  expect(takeCounts()).toBeUndefined()
  push()
  expect(takeCounts()).toEqual({ 'edgemdm_pushes_total{result="delivered"}': 500 })
  expect(takeCounts()).toBeUndefined()
})

it('counts that do not reach the object are handed on later, with those since', async () => {
  const handed: unknown[] = []
  let fails = true
  const CONTROL = {
    getByName: () => ({
      addCounts: async (counts: unknown) => {
        if (fails) {
          throw new Error('gone')
        }
        handed.push(counts)
      },
    }),
  }
  const report = async () => {
    const work: Promise<void>[] = []
    reportCounts({ CONTROL }, (one) => work.push(one))
    await Promise.all(work)
    return work.length
  }
  push()
  expect(await report()).toBe(0)
  now += 10 * MINUTE
  expect(await report()).toBe(1)
  push()
  fails = false
  now += 10 * MINUTE
  await report()
  expect(handed).toEqual([{ 'edgemdm_pushes_total{result="delivered"}': 2 }])
})

it('a label that has too many values by mistake fills no memory', () => {
  for (let n = 0; n < 2000; n++) {
    count('pushes_total', { result: `device ${n}` })
  }
  expect(Object.keys(takeCounts() ?? {})).toHaveLength(500)
  giveBack(PUSHES)
})

it('a label is one line that a reader of the format understands', () => {
  expect(seriesOf('ca', { name: 'CN=a "b" \\ \n\u0000\ud800' })).toBe(
    'edgemdm_ca{name="CN=a \\"b\\" \\\\   \ufffd"}',
  )
})
