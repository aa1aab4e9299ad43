import { expect, it } from 'vitest'
import {
  askWatched,
  nextBatchAt,
  quotaOf,
  reasonToStop,
  runBatch,
  watchMore,
  type BatchPorts,
} from '../../../src/jobs/batch.ts'
import { PAGE_TARGETS, type Page } from '../../../src/jobs/rows.ts'

const page = (ids: readonly string[], tries = 0): Page => ({
  n: 0,
  tries,
  ids,
  outcomes: ids.map(() => null),
})

function ports(attempt: BatchPorts['attempt'], stopped = () => false): BatchPorts {
  return { attempt, stopped, done: () => {}, pause: async () => {} }
}

const hundred = Array.from({ length: 100 }, (_, n) => `id-${n}`)

it('an id that cannot be reached waits for the next alarm, and does not fail the others', async () => {
  const { page: after } = await runBatch(
    page(hundred),
    100,
    ports(async (id) => {
      if (id === 'id-7') {
        throw new Error('cannot open')
      }
      return 1
    }),
  )
  expect(after.outcomes.filter((outcome) => outcome === 1)).toHaveLength(99)
  expect(after.outcomes[7]).toBeNull()
  expect(after.tries).toBe(0)
})

it('an id that stays out of reach fails at last, after ever longer waits', async () => {
  let now: Page = page(['gone'])
  const waits: number[] = []
  while (now.outcomes[0] === null) {
    const { page: after, called } = await runBatch(
      now,
      500,
      ports(() => Promise.reject(new Error('Network connection lost.'))),
    )
    waits.push(nextBatchAt({ pace: 0 }, after, called.length, 0))
    now = after
  }
  expect(now.outcomes[0]).toBe('could not be reached: Network connection lost')
  expect(waits).toEqual([2000, 4000, 8000, 16_000, 32_000, 0])
})

it('when nothing gets through, the batch is left alone instead of called to its end', async () => {
  const calls: string[] = []
  const { page: after } = await runBatch(
    page(hundred),
    100,
    ports(async (id) => {
      calls.push(id)
      await Promise.resolve()
      throw new Error('Too many subrequests')
    }),
  )
  expect(calls.length).toBeLessThan(50)
  expect(after.tries).toBe(1)
})

it('a cancelled job goes on to no further id', async () => {
  let calls = 0
  await runBatch(
    page(hundred),
    100,
    ports(
      async () => ++calls,
      () => calls > 0,
    ),
  )
  expect(calls).toBe(1)
})

it('a pace gives out ten seconds’ worth at a time, and a burst is what the open files allow', () => {
  expect(quotaOf({ pace: 0 }, 0, [], 1e6).quota).toBe(PAGE_TARGETS)
  expect(quotaOf({ pace: 60 }, 0, [], 1e6).quota).toBe(10)
  expect(quotaOf({ pace: 1 }, 0, [], 1e6).quota).toBe(1)
  expect(nextBatchAt({ pace: 60 }, page([]), 10, 1e6)).toBe(1e6 + 10_000)
  const touched = [
    { at: 980_000, count: 900 },
    { at: 995_000, count: 500 },
    { at: 999_000, count: 400 },
  ]
  expect(quotaOf({ pace: 0 }, 1000, touched, 1e6).quota).toBe(100)
  expect(quotaOf({ pace: 0 }, 900, touched, 1e6)).toEqual({ quota: 0, freeAt: 1_005_000 })
})

it('a job stops when too large a share of enough ids fails or answers with an error', async () => {
  const job = { stopAt: 0.2, total: 1000, faults: 100, watch: { open: [], answered: 0, failed: 0 } }
  expect(reasonToStop(job, { waiting: 895, failed: 105 })).toBeUndefined()
  expect(reasonToStop(job, { waiting: 890, failed: 102 })).toBeUndefined()
  // Of a few devices none stops the others' job.
  expect(reasonToStop(job, { waiting: 890, failed: 104 })).toBeUndefined()
  expect(reasonToStop(job, { waiting: 890, failed: 105 })).toBe('5 of 10 ids failed')
  expect(reasonToStop({ ...job, stopAt: 0 }, { waiting: 0, failed: 1000 })).toBeUndefined()

  const queued = { ...page(hundred), outcomes: hundred.map((_, n) => (n === 0 ? ['o:u.9'] : n)) }
  const watch = watchMore(job.watch, queued as Page, [...hundred.keys()])
  expect(watch.open.slice(0, 3)).toEqual(['o:u.9', 'id-1.1', 'id-2.2'])
  expect(watch.open).toHaveLength(10)
  const states: Record<string, 'error' | 'acknowledged' | 'not_now'> = {
    'id-1.1': 'error',
    'id-2.2': 'error',
    'id-3.3': 'error',
    'id-4.4': 'not_now',
    'id-5.5': 'error',
    'id-6.6': 'error',
  }
  const asked = await askWatched(watch, async (id) => states[id] ?? 'acknowledged')
  expect(asked).toEqual({ open: ['id-4.4'], answered: 9, failed: 5 })
  const last = await askWatched(asked, async () => 'acknowledged')
  expect(reasonToStop({ ...job, watch: last }, { waiting: 0, failed: 0 })).toBe(
    '5 of 10 devices that were asked have answered with an error',
  )
})

it('a job that stops at errors asks one channel of a device', () => {
  const ids = ['D:ada', 'D:bob', 'E', 'D']
  const queued = { ...page(ids), outcomes: [1, 1, 1, 1] }
  const watch = watchMore({ open: [], answered: 0, failed: 0 }, queued as Page, [0, 1, 2, 3])
  expect(watch.open).toEqual(['D:ada.1', 'E.1'])
  expect(watchMore(watch, queued as Page, [0, 1, 2, 3]).open).toEqual(['D:ada.1', 'E.1'])
})

it('after its end a job calls no further device, also in calls that pause just then', async () => {
  let stopped = false
  const calls: string[] = []
  const stopping: BatchPorts = {
    ...ports(
      async (id) => calls.push(id),
      () => stopped,
    ),
    pause: async () => {
      stopped = true
    },
  }
  const { page: after } = await runBatch(page(hundred), 100, stopping)
  expect(calls).toHaveLength(32)
  expect(after.outcomes.filter((outcome) => outcome === null)).toHaveLength(68)
  expect((await runBatch(after, 100, stopping)).called).toEqual([])
})
