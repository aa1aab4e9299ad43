import type { Context } from './context.ts'
import { isOfferDue } from './rows/device.ts'

/**
 * The number of new rows between two checks of history: a tenth of the rows that it keeps, and 50 at most. A
 * check reads all rows of the history. To read them for each new row would cost more than a few surplus rows.
 */
export function pruneEvery(count: number): number {
  return Math.min(Math.max(1, Math.floor(count / 10)), 50)
}

/** Offers that a device may cause in a row, and how often it may cause another one (milliseconds). */
const IN_A_ROW = 20
const ANOTHER_EVERY = 60_000

/**
 * Whether the device is offered declarations after this message. An offer costs reads and writes of the
 * directory, a command and a push, and each report may change a fact that makes one due. What is not offered
 * now stays due: a later message brings it.
 */
export function takeOfferTurn({ state, now }: Pick<Context, 'state' | 'now'>): boolean {
  const until = Math.max(state.offersUntil, now) + ANOTHER_EVERY
  if (!isOfferDue(state.device) || until - now > IN_A_ROW * ANOTHER_EVERY) {
    return false
  }
  state.offersUntil = until
  return true
}
