/** When the daily duties ran. A cron that stops says nothing by itself. */

export interface Beats {
  /** Since when this object watches. */
  readonly since: number
  /** When the platform's cron rang last; 0 for never. */
  readonly cronAt: number
  /** When the duties were last done, by the cron or in its place; 0 for never. */
  readonly dutiesAt: number
  /** The duties that failed then. */
  readonly failed: readonly string[]
}

/** One run of the duties. */
export interface Beat {
  readonly at: number
  readonly byCron: boolean
  readonly failed: readonly string[]
}

const BEATS = 'beats'
/** A daily cron is late after this time. */
export const LATE = 26 * 3_600_000

export function readBeats(kv: SyncKvStorage, now: number): Beats {
  const known = kv.get<Beats>(BEATS)
  const beats = known ?? { since: now, cronAt: 0, dutiesAt: 0, failed: [] }
  if (!known) {
    kv.put(BEATS, beats)
  }
  return beats
}

export function keepBeat(kv: SyncKvStorage, { at, byCron, failed }: Beat): void {
  const beats = readBeats(kv, at)
  kv.put(BEATS, { ...beats, dutiesAt: at, failed, cronAt: byCron ? at : beats.cronAt })
}

/** When the duties are to be done without the cron. */
export function lateAt(beats: Beats): number {
  return Math.max(beats.since, beats.dutiesAt) + LATE
}
