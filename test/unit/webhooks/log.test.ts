import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { keptLedger, rememberedOf } from '../../../src/webhooks/log.ts'

const SECOND = 1000

beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse('2026-11-24T09:00:00Z') })
})
afterEach(() => {
  vi.useRealTimers()
})

/** A ledger over rows that outlive it; `writes` counts them. */
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
  return { rest, open: () => keptLedger(kv) }
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

it('a webhook’s ledger outlives its object with every count and its failures, ten seconds after the last post at the latest', () => {
  const { open } = rows()
  const before = open()
  before.note(tried(1))
  before.note(tried(2, 'refused'))
  before.note(tried(3))
  expect(before.count('dead')).toBe(1)
  before.letGo('UDID-1', 'e4', 'dropped')
  before.letGo('UDID-1', 'e5', 'deleted')
  vi.advanceTimersByTime(10 * SECOND)
  const { counts, recent } = open().ledger
  expect(counts).toEqual(before.ledger.counts)
  expect(counts).toMatchObject({ delivered: 2, failed: 1, dead: 1, dropped: 1 })
  expect(recent).toMatchObject([{ sequence: 2, outcome: 'refused' }])
})

it('a webhook’s ledger keeps the count of an event that was given up right after a save', () => {
  const { open } = rows()
  const before = open()
  before.note(tried(1, 'refused'))
  before.count('dead')
  vi.advanceTimersByTime(10 * SECOND)
  expect(open().ledger.counts).toMatchObject({ failed: 1, dead: 1 })
})

it('a webhook’s ledger counts on from what an earlier object had saved', () => {
  const { open } = rows()
  open().note(tried(1))
  const after = open()
  after.note(tried(2))
  expect(after.ledger.counts).toMatchObject({ delivered: 2 })
})

it('a webhook’s ledger writes a row each ten seconds, or each thousand posts, however many there are', () => {
  const { open, rest } = rows()
  const ledger = open()
  for (let n = 1; n <= 900; n++) {
    ledger.note(tried(n))
    vi.advanceTimersByTime(100)
  }
  expect(rest.writes).toBeLessThanOrEqual(10)
  rest.writes = 0
  for (let n = 1; n <= 5000; n++) {
    ledger.note(tried(n))
  }
  expect(rest.writes).toBe(5)
})

it('the ledger of a webhook that is gone is written no more', () => {
  const { open, rest } = rows()
  const ledger = open()
  ledger.note(tried(1))
  ledger.note(tried(2))
  ledger.end()
  rest.writes = 0
  vi.advanceTimersByTime(60 * SECOND)
  ledger.note(tried(3))
  vi.advanceTimersByTime(60 * SECOND)
  expect(rest.writes).toBe(0)
})

it('a webhook’s ledger remembers the newest events that were let go apart from the posts', () => {
  const kept = rows().open()
  for (let n = 1; n <= 600; n++) {
    kept.letGo('A', `event ${n}`, 'dropped')
  }
  expect(rememberedOf(kept.ledger, 'A').letGo).toHaveLength(500)
  expect(rememberedOf(kept.ledger, 'A').letGo[0]).toMatchObject({ event: 'event 600' })
  expect(rememberedOf(kept.ledger, 'B').letGo).toEqual([])
})
