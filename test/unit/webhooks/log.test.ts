import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { openLog } from '../../../src/webhooks/log.ts'

const SECOND = 1000

beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse('2026-11-24T09:00:00Z') })
})
afterEach(() => {
  vi.useRealTimers()
})

/** Storage that outlives each log; `writes` counts the values that are written. */
function rows() {
  const kept = new Map<string, unknown>()
  const rest = { writes: 0 }
  const kv = {
    get: <T>(key: string): T | undefined => structuredClone(kept.get(key)) as T | undefined,
    put: (key: string, value: unknown): void => {
      rest.writes += 1
      kept.set(key, structuredClone(value))
    },
  }
  return { rest, open: () => openLog(kv) }
}

function tried(sequence: number, outcome: 'delivered' | 'refused' = 'delivered') {
  return {
    at: Date.now(),
    device: 'UDID-1',
    sequence,
    event: `e${sequence}`,
    topic: 'mdm.Connect' as const,
    attempt: 1,
    replay: false,
    outcome,
    status: outcome === 'delivered' ? 200 : 500,
    latency: 5,
    reason: outcome === 'delivered' ? '' : 'status 500',
  }
}

const ALL = { before: Infinity, limit: 1000 }

it('the log of a webhook keeps all counts and its failures through a restart, 10 s after the last post', () => {
  const { open } = rows()
  const before = open()
  before.note(tried(1))
  before.note(tried(2, 'refused'))
  before.note(tried(3))
  expect(before.count('dead')).toBe(1)
  expect(before.count('dropped')).toBe(1)
  vi.advanceTimersByTime(10 * SECOND)
  const after = open()
  expect(after.counts).toEqual(before.counts)
  expect(after.counts).toMatchObject({ delivered: 2, failed: 1, dead: 1, dropped: 1 })
  expect(after.recent(ALL)).toMatchObject([{ sequence: 2, outcome: 'refused' }])
})

it('the log of a webhook keeps the count of an event that became a dead letter right after a save', () => {
  const { open } = rows()
  const before = open()
  before.note(tried(1, 'refused'))
  before.count('dead')
  vi.advanceTimersByTime(10 * SECOND)
  expect(open().counts).toMatchObject({ failed: 1, dead: 1 })
})

it('the log of a webhook adds to the counts that an earlier object saved', () => {
  const { open } = rows()
  open().note(tried(1))
  const after = open()
  after.note(tried(2))
  expect(after.counts).toMatchObject({ delivered: 2 })
})

it('the log of a webhook writes one row in 10 s or in 1000 posts, however many posts there are', () => {
  const { open, rest } = rows()
  const log = open()
  for (let n = 1; n <= 900; n++) {
    log.note(tried(n))
    vi.advanceTimersByTime(100)
  }
  expect(rest.writes).toBeLessThanOrEqual(10)
  rest.writes = 0
  for (let n = 1; n <= 5000; n++) {
    log.note(tried(n))
  }
  expect(rest.writes).toBe(5)
})

it('the log of a removed webhook writes nothing', () => {
  const { open, rest } = rows()
  const log = open()
  log.note(tried(1))
  log.note(tried(2))
  log.end()
  rest.writes = 0
  vi.advanceTimersByTime(60 * SECOND)
  log.note(tried(3))
  vi.advanceTimersByTime(60 * SECOND)
  expect(rest.writes).toBe(0)
})

it('the log of a webhook lists its newest 500 posts by device, outcome and page', () => {
  const log = rows().open()
  for (let n = 1; n <= 600; n++) {
    log.note(tried(n, n % 2 === 0 ? 'refused' : 'delivered'))
  }
  expect(log.recent(ALL)).toHaveLength(500)
  expect(log.recent({ ...ALL, limit: 2 })).toMatchObject([{ n: 600 }, { n: 599 }])
  expect(log.recent({ ...ALL, before: 599, limit: 1 })).toMatchObject([{ n: 598 }])
  expect(log.recent({ ...ALL, outcome: 'refused' })).toHaveLength(250)
  expect(log.recent({ ...ALL, device: 'UDID-1' })).toHaveLength(500)
  expect(log.recent({ ...ALL, device: 'UDID-2' })).toEqual([])
})
