import { expect, it } from 'vitest'
import {
  beginWalk,
  markBacklog,
  resumeBacklog,
  unmarkBacklog,
  walk,
} from '../../../src/webhooks/backlog.ts'

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

/** A directory of so many devices; `meanwhile` happens before each of its answers. */
function directory(count: number, meanwhile: () => void): D1Database {
  const ids = Array.from({ length: count }, (_, n) => [`D${String(n).padStart(4, '0')}`])
  const answer = async (after: string): Promise<{ results: { id: string | undefined }[] }> => {
    meanwhile()
    const page = ids.filter(([id = '']) => id > after).slice(0, 200)
    return { results: page.map(([id]) => ({ id })) }
  }
  const raw = async (after: string) => (await answer(after)).results.map(({ id }) => [id])
  const bind = (after: string) => ({ all: () => answer(after), raw: () => raw(after) })
  return { prepare: () => ({ bind }) } as unknown as D1Database
}

it('a walk writes nothing of a webhook that was removed while the directory was read', async () => {
  const { kv, kept } = rows()
  beginWalk(kv)
  const removed = directory(500, () => {
    kept.clear()
  })
  expect(await walk(removed, kv, 0)).toEqual([])
  expect([...kept]).toEqual([])
})

it('a walk that was begun anew while the directory was read begins with its first device', async () => {
  const { kv, kept } = rows()
  kept.set('walk', 'D0199')
  let resumes = 1
  const resumed = directory(500, () => {
    if (resumes-- > 0) {
      beginWalk(kv)
    }
  })
  expect((await walk(resumed, kv, 0))[0]).toBe('D0000')
  expect(kept.get('walk')).toBe('D0199')
})
