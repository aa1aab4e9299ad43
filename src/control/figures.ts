/** What `/metrics` shows: counters of all isolates, and gauges that are gathered now and then. */
import type { Counts } from '../figures/count.ts'

/** What is wrong outside of this object since a time (milliseconds). */
export interface Trouble {
  readonly since: number
  readonly reason: string
}

/** The state of what the checks of src/health look at, as it was when gauges were gathered. */
export interface Watched {
  /** The circuit that holds pushes back. */
  readonly circuit?: Trouble
  /** Webhooks whose receivers are down, by id. */
  readonly down: Readonly<Record<string, Trouble & { readonly host?: string }>>
}

export interface Gauges {
  readonly at: number
  /** How many devices were counted: each is a paid row. */
  readonly rows: number
  readonly samples: Counts
  readonly watched: Watched
}

export interface Figures {
  readonly counts: Counts
  readonly gauges: Gauges | undefined
  /** The caller has to gather the gauges anew. Others get the old ones meanwhile. */
  readonly isDue: boolean
}

const COUNTS = 'counts'
const GAUGES = 'gauges'
/** A series that an isolate made by mistake for each device would fill the value. */
const MAX_SERIES = 2000
/** The free plan reads 5 million rows a day: gathering takes a fifth of them from 10,000 devices on. */
const ROW_COSTS = 86_400_000 / 1_000_000
const SOONEST = 5 * 60_000
const LATEST = 15 * 60_000
/** A caller that has not gathered within this time has died. */
const TURN = 60_000

/** Adds what an isolate has counted. One value has all, so that a call writes one row. */
export function addCounts(kv: SyncKvStorage, counts: Counts): void {
  const known = { ...kv.get<Counts>(COUNTS) }
  let size = Object.keys(known).length
  for (const [series, n] of Object.entries(counts)) {
    size += Number(known[series] === undefined)
    if (known[series] !== undefined || size <= MAX_SERIES) {
      known[series] = (known[series] ?? 0) + n
    }
  }
  kv.put(COUNTS, known)
}

/** @param turn the caller that gathers now, if one does, has until then */
export function readFigures(kv: SyncKvStorage, turn: number, now: number): Figures {
  const gauges = kv.get<Gauges>(GAUGES)
  return {
    counts: kv.get<Counts>(COUNTS) ?? {},
    gauges,
    isDue: now >= Math.max(turn, gauges ? gauges.at + intervalOf(gauges) : 0),
  }
}

export function turnEnd(now: number): number {
  return now + TURN
}

function intervalOf({ rows }: Gauges): number {
  return Math.min(Math.max(rows * ROW_COSTS, SOONEST), LATEST)
}

export function keepGauges(kv: SyncKvStorage, gauges: Gauges): void {
  kv.put(GAUGES, gauges)
}

export function lastWatched(kv: SyncKvStorage): Watched {
  return kv.get<Gauges>(GAUGES)?.watched ?? { down: {} }
}
