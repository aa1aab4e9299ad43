import { clock } from '../clock.ts'
import { log } from '../log.ts'
import { PARTS_TABLE } from '../storage/bodies.ts'
import type { Db } from '../storage/db.ts'
import type { Tables } from '../storage/tables.ts'

/**
 * A Job object's tables. Rows written are the bill, so a target has no row of its own. A page holds {@link
 * PAGE_TARGETS} of them as two JSON arrays of equal length, `ids` and `outcomes`. 100,000 devices are 200
 * rows. Each row is written once more when its page is done.
 */
export const JOB_TABLES: Tables = {
  job: `(
    id INTEGER PRIMARY KEY CHECK (id = 1),
    name TEXT NOT NULL,
    request TEXT NOT NULL,
    kind TEXT NOT NULL,
    work TEXT NOT NULL,
    secret INTEGER NOT NULL,
    payload BLOB,
    created_at INTEGER NOT NULL,
    total INTEGER NOT NULL,
    faults INTEGER NOT NULL,
    pace INTEGER NOT NULL,
    stop_at REAL NOT NULL,
    watch TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    ended_at INTEGER NOT NULL
  )`,
  pages: `(
    n INTEGER PRIMARY KEY,
    waiting INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    tries INTEGER NOT NULL,
    ids TEXT NOT NULL,
    outcomes TEXT NOT NULL
  )`,
  parts: PARTS_TABLE,
}

/** Targets of a page. The longest ids leave its row far below 2 MB. */
export const PAGE_TARGETS = 500

/**
 * The outcome of one target. `null` waits. A number is the command `{id}.{number}`, or how many events or
 * commands a replay or a release found. A string in an array is a command's whole id: the target's own id led
 * elsewhere, or no device ever had it (`unknown`). A bare string is the reason of a failure.
 */
export type Outcome = null | number | readonly [string, 'unknown'?] | string

/** Kinds with the targets of a request. The others are rounds, which find their devices. */
const LISTED = ['command', 'replay', 'release'] as const

export type JobKind =
  | (typeof LISTED)[number]
  | 'renewal'
  | 'push-waiting'
  | 'move'
  | 'declarations'
  | 'rollout'

export type JobState = 'running' | 'finished' | 'cancelled' | 'stopped'

/** A sample of the queued commands: the ids of those that have no answer yet, and counts of the answers. */
export interface Watch {
  readonly open: readonly string[]
  readonly answered: number
  readonly failed: number
}

/** The facts of a job that never change. */
export interface JobFacts {
  readonly name: string
  /** A hash of the request that made it: another request with the same Idempotency-Key is refused. */
  readonly request: string
  readonly kind: JobKind
  /** The data of its kind, as JSON or empty. */
  readonly work: string
  readonly secret: boolean
  /** Devices a minute; 0 for no limit. */
  readonly pace: number
  /** The share of failures that stops it; 0 for none. */
  readonly stopAt: number
}

/** The work of a new job, and its targets. */
export interface JobOrder {
  readonly facts: JobFacts
  readonly payload: Uint8Array
  readonly ids: readonly string[]
  /** Places in `ids` that cannot be done, and why. */
  readonly faults: ReadonlyMap<number, string>
  /** Do the first batch before the answer. */
  readonly wait: boolean
}

/** Times are milliseconds; `endedAt` is 0 while it runs. */
export interface JobRow extends Omit<JobFacts, 'work'> {
  readonly createdAt: number
  /** Only a round changes it. */
  work: string
  /** Targets of the request; in a round, the devices so far. */
  total: number
  /** Targets that led nowhere from the beginning; in a round, the devices that failed so far. */
  faults: number
  watch: Watch
  state: JobState
  reason: string
  endedAt: number
}

export interface Page {
  readonly n: number
  readonly tries: number
  readonly ids: readonly string[]
  readonly outcomes: Outcome[]
}

export interface JobCounts {
  readonly waiting: number
  readonly failed: number
}

export function newJob(
  facts: JobFacts,
  { now, total, faults }: { readonly now: number; readonly total: number; readonly faults: number },
): JobRow {
  return {
    ...facts,
    createdAt: now,
    total,
    faults,
    watch: { open: [], answered: 0, failed: 0 },
    state: 'running',
    reason: '',
    endedAt: 0,
  }
}

/** Stores a job in place of the one before: only a round has one before. */
export function createJob(
  db: Db,
  job: JobRow,
  payload: Uint8Array | null,
  targets: Pick<JobOrder, 'ids' | 'faults'>,
): void {
  db.run(
    `INSERT OR REPLACE INTO job (id, name, request, kind, work, secret, payload, created_at, total, faults,
      pace, stop_at, watch, state, reason, ended_at) VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    job.name,
    job.request,
    job.kind,
    job.work,
    Number(job.secret),
    payload,
    job.createdAt,
    job.total,
    job.faults,
    job.pace,
    job.stopAt,
    JSON.stringify(job.watch),
    job.state,
    job.reason,
    job.endedAt,
  )
  for (let n = 0; n * PAGE_TARGETS < targets.ids.length; n++) {
    const ids = targets.ids.slice(n * PAGE_TARGETS, (n + 1) * PAGE_TARGETS)
    const outcomes = ids.map((_, at) => targets.faults.get(n * PAGE_TARGETS + at) ?? null)
    savePage(db, { n, tries: 0, ids, outcomes })
  }
}

/** The job's row; `undefined` in an object without a job. */
export function loadJob(db: Db): JobRow | undefined {
  const [row] = db.all<Omit<JobRow, 'secret' | 'watch'> & { secret: number; watch: string }>(
    `SELECT name, request, kind, work, secret, created_at AS createdAt, total, faults, pace,
      stop_at AS stopAt, watch, state, reason, ended_at AS endedAt FROM job`,
  )
  return row && { ...row, secret: row.secret === 1, watch: JSON.parse(row.watch) }
}

/** The payload as it is stored: sealed when it is secret. */
export function loadPayload(db: Db): ArrayBuffer | null {
  const [row] = db.all<{ payload: ArrayBuffer | null }>('SELECT payload FROM job')
  return row?.payload ?? null
}

/** Stores what may change of a job. */
export function saveJob(
  db: Db,
  { work, total, faults, watch, state, reason, endedAt }: JobRow,
): void {
  db.run(
    'UPDATE job SET work = ?, total = ?, faults = ?, watch = ?, state = ?, reason = ?, ended_at = ?',
    work,
    total,
    faults,
    JSON.stringify(watch),
    state,
    reason,
    endedAt,
  )
}

export function endJob(db: Db, row: JobRow, state: JobState, reason = ''): void {
  Object.assign(row, { state, reason, endedAt: clock.now() })
  saveJob(db, row)
  // A round has lines of its own. An admin can only cancel it.
  if (LISTED.some((kind) => kind === row.kind) || state === 'cancelled') {
    log('job:ended', { job: row.name, state, reason: reason || undefined })
  }
}

export function savePage(db: Db, page: Page): void {
  const { waiting, failed } = countOf(page.outcomes)
  db.run(
    'INSERT OR REPLACE INTO pages (n, waiting, failed, tries, ids, outcomes) VALUES (?, ?, ?, ?, ?, ?)',
    page.n,
    waiting,
    failed,
    page.tries,
    JSON.stringify(page.ids),
    JSON.stringify(page.outcomes),
  )
}

/** The page of the next batch: the first with waiting targets. Pages that could not be reached come last. */
export function nextPage(db: Db): Page | undefined {
  const [place] = db.all<{ n: number }>(
    'SELECT n FROM pages WHERE waiting > 0 ORDER BY tries, n LIMIT 1',
  )
  return place && pageAt(db, place.n)
}

function pageAt(db: Db, n: number): Page | undefined {
  const [row] = db.all<{ n: number; tries: number; ids: string; outcomes: string }>(
    'SELECT n, tries, ids, outcomes FROM pages WHERE n = ?',
    n,
  )
  return row && { ...row, ids: JSON.parse(row.ids), outcomes: JSON.parse(row.outcomes) }
}

/** The first page from `n` on that may have an outcome of that kind; without a kind, the first page. */
export function pageFrom(db: Db, n: number, kind: OutcomeKind | undefined): Page | undefined {
  const [place] = db.all<{ n: number }>(
    `SELECT n FROM pages WHERE n >= ? AND (? <> 'waiting' OR waiting > 0) AND (? <> 'failed' OR failed > 0)
      ORDER BY n LIMIT 1`,
    n,
    kind ?? '',
    kind ?? '',
  )
  return place && pageAt(db, place.n)
}

export function totals(db: Db): JobCounts {
  const [sum] = db.all<JobCounts>(
    'SELECT coalesce(sum(waiting), 0) AS waiting, coalesce(sum(failed), 0) AS failed FROM pages',
  )
  return sum ?? { waiting: 0, failed: 0 }
}

export type OutcomeKind = 'waiting' | 'done' | 'failed'

export function kindOf(outcome: Outcome): OutcomeKind {
  return outcome === null ? 'waiting' : typeof outcome === 'string' ? 'failed' : 'done'
}

function countOf(outcomes: readonly Outcome[]): JobCounts {
  return {
    waiting: outcomes.filter((outcome) => outcome === null).length,
    failed: outcomes.filter((outcome) => typeof outcome === 'string').length,
  }
}
