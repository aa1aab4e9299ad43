import { OwnError } from './reason.ts'

/** The source of time for the Worker and its objects. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number
  /** Calls back once, so many milliseconds later. @returns a function that cancels the call */
  after(ms: number, callback: () => void): () => void
}

/**
 * The Worker's only clock (docs/architecture.md §21): the linter refuses `Date.now`, `setTimeout` and
 * `scheduler` elsewhere. Tests in workerd replace its functions and turn the time (test/worker/clock.ts).
 */
export const clock: Clock = {
  now: () => Date.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms)
    return () => {
      clearTimeout(timer)
    }
  },
}

/**
 * A signal that aborts so many milliseconds later. `cancel` has to be called when the work is done: a pending
 * timer keeps its object in memory, which costs money.
 */
export function abortAfter(ms: number): { readonly signal: AbortSignal; cancel(): void } {
  const controller = new AbortController()
  const cancel = clock.after(ms, () => {
    controller.abort()
  })
  return { signal: controller.signal, cancel }
}

/**
 * The answer to a call. The call itself goes on after an error: it has to be one that may be repeated.
 * @throws when the answer takes longer than so many milliseconds
 */
export async function inTime<Answer>(ms: number, call: Promise<Answer>): Promise<Answer> {
  const late = Promise.withResolvers<never>()
  const cancel = clock.after(ms, () => {
    late.reject(new OwnError(`no answer within ${ms / 1000} s`))
  })
  try {
    return await Promise.race([call, late.promise])
  } finally {
    cancel()
  }
}

/** Resolves after this many milliseconds. */
export function wait(ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(ms, resolve)
  })
}

/**
 * Does a piece of work for each item, for so many at a time, and lets other work run after each. On one
 * machine all objects share a thread, which reads its sockets only when it is idle: a long line of calls
 * without pauses would delay every device until its end.
 *
 * @returns the results in the order of the items
 */
export async function withPauses<Item, Result>(
  items: readonly Item[],
  atOnce: number,
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = []
  const line = items.entries()
  const next = async (): Promise<void> => {
    for (const [at, item] of line) {
      results[at] = await work(item)
      await wait(0)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, next))
  return results
}
