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

/** Rounds at these seconds, each with so many devices that wait. @returns whether each makes the mark */
function rounds(
  kv: SyncKvStorage,
  ...waits: readonly (readonly [second: number, waiting: number])[]
) {
  const backlog = { manySince: undefined }
  return waits.map(([second, waiting]) => markBacklog(kv, backlog, waiting, second * 1000))
}

it('a backlog is written down once, and few devices that wait cost nothing', () => {
  const { kv, writes } = rows()
  expect(rounds(kv, [0, 0], [1, 1], [9, 49], [12, 0])).not.toContain(true)
  expect(writes).toEqual([])
  expect(rounds(kv, [0, 50], [2, 400], [4, 400], [6, 49], [9, 1])).toEqual([
    false,
    true,
    false,
    false,
    false,
  ])
  expect(writes).toEqual(['backlog'])
  unmarkBacklog(kv)
  expect(rounds(kv, [0, 50], [2, 50])).toEqual([false, true])
  writes.length = 1
  rounds(kv, [3, 0], [4, 0])
  expect(writes).toEqual(['backlog', 'backlog'])
})

it('waves of events that are posted within two seconds are not written down', () => {
  const { kv, writes } = rows()
  const waves = Array.from(
    { length: 100 },
    (_, n) =>
      [
        [n, 100],
        [n + 0.9, n % 2 ? 0 : 49],
      ] as const,
  )
  expect(rounds(kv, ...waves.flat())).not.toContain(true)
  expect(writes).toEqual([])
})

it('only an object that died with a backlog begins with a walk', () => {
  const { kv, kept } = rows()
  resumeBacklog(kv)
  expect(kept.has('walk')).toBe(false)
  rounds(kv, [0, 50], [2, 50])
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
