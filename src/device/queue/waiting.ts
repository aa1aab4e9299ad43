import { clock } from '../../clock.ts'

/** Calls that wait for a command's end. Each holds the object in memory, so there is a bound. */
export const MAX_WAITING = 100

export interface Waiting {
  /** Waits until a command ends, but no longer than this; returns at once when too many wait already. */
  untilEnd(row: number, ms: number): Promise<void>
  /** Tells those who wait that these commands have ended. */
  ended(rows: Iterable<number>): void
}

export function createWaiting(): Waiting {
  const waiting = new Map<number, Set<() => void>>()
  let count = 0
  return {
    untilEnd(row, ms) {
      if (count >= MAX_WAITING) {
        return Promise.resolve()
      }
      count += 1
      return new Promise((resolve) => {
        const those = waiting.get(row) ?? new Set()
        const done = (): void => {
          cancelTimer()
          those.delete(done)
          if (those.size === 0) {
            waiting.delete(row)
          }
          count -= 1
          resolve()
        }
        const cancelTimer = clock.after(ms, done)
        waiting.set(row, those.add(done))
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
