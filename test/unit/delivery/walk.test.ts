import { expect, it } from 'vitest'
import { markBacklog, resumeBacklog, unmarkBacklog } from '../../../src/delivery/walk.ts'

/** Rows by key; `writes` tells which were written or deleted. */
function rows() {
  const kept = new Map<string, unknown>()
  const writes: string[] = []
  const kv = {
    get: (key: string) => kept.get(key),
    put: (key: string, value: unknown) => {
      writes.push(key)
      kept.set(key, value)
    },
    delete: (key: string) => {
      writes.push(key)
      return kept.delete(key)
    },
  }
  return { kept, writes, kv: kv as unknown as SyncKvStorage }
}

it('a backlog is written down once, and few devices that wait cost nothing', () => {
  const { kv, writes } = rows()
  for (const waiting of [0, 1, 49, 0]) {
    markBacklog(kv, waiting)
  }
  expect(writes).toEqual([])
  expect([50, 400, 49, 1].map((waiting) => markBacklog(kv, waiting))).toEqual([
    true,
    false,
    false,
    false,
  ])
  expect(writes).toEqual(['backlog'])
  unmarkBacklog(kv)
  expect(markBacklog(kv, 50)).toBe(true)
  writes.length = 1
  markBacklog(kv, 0)
  markBacklog(kv, 0)
  expect(writes).toEqual(['backlog', 'backlog'])
})

it('only an object that died with a backlog begins with a walk', () => {
  const { kv, kept } = rows()
  resumeBacklog(kv)
  expect(kept.has('walk')).toBe(false)
  markBacklog(kv, 50)
  resumeBacklog(kv)
  expect(kept.get('walk')).toBe('')
})
