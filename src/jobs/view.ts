import type { Db } from '../storage/db.ts'
import {
  kindOf,
  PAGE_TARGETS,
  pageFrom,
  type JobCounts,
  type JobRow,
  type Outcome,
  type OutcomeKind,
} from './rows.ts'

/** A job as its callers see it. Times are milliseconds; `endedAt` is 0 while it runs. */
export interface JobView
  extends Readonly<Omit<JobRow, 'request' | 'secret' | 'faults' | 'watch'>>, JobCounts {
  /** The answers of a sample of devices. Only a job with an error limit has a sample. */
  readonly answers: { readonly answered: number; readonly failed: number }
  /** 0 or absent while it is not paused. */
  readonly pausedAt?: number
}

/** `reused`: another request had made the job of this name. */
export type JobCreated =
  | { readonly kind: 'created' | 'repeated'; readonly job: JobView }
  | { readonly kind: 'reused' }

export interface OutcomePage {
  readonly outcomes: readonly (readonly [string, Outcome])[]
  /** Where the next page begins; `undefined` at the end. */
  readonly next: number | undefined
}

/** The outcomes of one kind, or all, from the place `from` on, in the order of the request. */
export function listOutcomes(
  db: Db,
  from: number,
  limit: number,
  kind: OutcomeKind | undefined,
): OutcomePage {
  const outcomes: (readonly [string, Outcome])[] = []
  let page = pageFrom(db, Math.floor(from / PAGE_TARGETS), kind)
  while (page) {
    for (const [at, id] of page.ids.entries()) {
      const place = page.n * PAGE_TARGETS + at
      const outcome = page.outcomes[at] ?? null
      if (place < from || (kind !== undefined && kindOf(outcome) !== kind)) {
        continue
      }
      if (outcomes.length === limit) {
        return { outcomes, next: place }
      }
      outcomes.push([id, outcome])
    }
    page = pageFrom(db, page.n + 1, kind)
  }
  return { outcomes, next: undefined }
}

/** @param counts of the batches that are stored, and of the one that runs. */
export function viewOf(
  { request: _request, secret: _secret, faults: _faults, watch, ...shown }: JobRow,
  counts: JobCounts,
): JobView {
  return { ...shown, ...counts, answers: { answered: watch.answered, failed: watch.failed } }
}
