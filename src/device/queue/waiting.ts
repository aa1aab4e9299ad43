import { clock } from '../../clock.ts'

/** Calls that wait for the end of a command. Each keeps the object in memory, so there is a bound. */
export const MAX_WAITING = 100

export interface Waiters {
  /** Waits until a command ends, but no longer than this; returns at once when too many calls wait. */
  untilEnd(row: number, ms: number): Promise<void>
  /** These commands have ended: the calls that wait for them return. */
  ended(rows: Iterable<number>): void
}

export function createWaiting(): Waiters {
  const waiting = new Map<number, Set<() => void>>()
  let count = 0
  return {
    untilEnd(row, ms) {
      if (count >= MAX_WAITING) {
        return Promise.resolve()
      }
      count += 1
      return new Promise((resolve) => {
        const calls = waiting.get(row) ?? new Set()
        const done = (): void => {
          cancelTimer()
          calls.delete(done)
          if (calls.size === 0) {
            waiting.delete(row)
          }
          count -= 1
          resolve()
        }
        const cancelTimer = clock.after(ms, done)
        waiting.set(row, calls.add(done))
      })
    },
    ended(rows) {
      for (const row of rows) {
        for (const done of waiting.get(row) ?? []) {
          done()
        }
      }
    },
  }
}
