import type { Topic } from '../events/topics.ts'
import { clock } from '../clock.ts'
import type { PostOutcome } from './post.ts'

/** One post of one event, as it went. */
export interface Attempt {
  /** Counts the webhook's posts since its object came to life; newer is higher. */
  readonly n: number
  readonly at: number
  readonly device: string
  readonly sequence: number
  readonly event: string
  readonly topic: Topic
  /** Which try of this event it was, from 1 on. */
  readonly attempt: number
  readonly replay: boolean
  readonly outcome: PostOutcome['kind']
  /** 0 when nobody answered. */
  readonly status: number
  /** Milliseconds until the answer. */
  readonly latency: number
  /** Empty when it was delivered. */
  readonly reason: string
}

/** An event that the webhook is past without having got it. */
export interface LetGo {
  readonly device: string
  readonly event: string
  readonly at: number
  /** An Idle that waited too long, or a dead letter that somebody threw away. */
  readonly what: 'dropped' | 'deleted'
}

export interface Counts {
  delivered: number
  failed: number
  /** Events that left as dead letters. */
  dead: number
  /** Idle events that waited too long to be worth a post. */
  dropped: number
  deliveredAt: number
  failedAt: number
  /** The last failure's reason. */
  reason: string
}

/**
 * What a webhook's object remembers of its posts. Successes would cost a row each, so the newest posts are memory, and only the
 * newest failures and the counts are written: no more than a row each {@link SAVE_EVERY}, or each {@link LOT} deliveries.
 */
export interface Ledger {
  /** Oldest first. */
  readonly recent: Attempt[]
  /** Oldest first, in memory alone; apart from the posts, of which a backlog of Idle would leave none. */
  readonly letGo: LetGo[]
  readonly counts: Counts
  last: number
  unsaved: number
  savedAt: number
}

interface SavedLedger {
  readonly failures: readonly Attempt[]
  readonly counts: Counts
}

const RECENT = 500
const FAILURES = 100
const LOT = 1000
const SAVE_EVERY = 10_000

function newLedger(saved: SavedLedger | undefined): Ledger {
  return {
    recent: [...(saved?.failures ?? [])],
    letGo: [],
    counts: saved?.counts ?? {
      delivered: 0,
      failed: 0,
      dead: 0,
      dropped: 0,
      deliveredAt: 0,
      failedAt: 0,
      reason: '',
    },
    last: saved?.failures.at(-1)?.n ?? 0,
    unsaved: 0,
    savedAt: 0,
  }
}

/** Notes how a post went. */
function note(ledger: Ledger, attempt: Omit<Attempt, 'n'>): void {
  ledger.recent.push({ ...attempt, n: ++ledger.last })
  if (ledger.recent.length > RECENT) {
    ledger.recent.shift()
  }
  const { counts } = ledger
  if (attempt.outcome === 'delivered') {
    counts.delivered += 1
    counts.deliveredAt = attempt.at
  } else {
    Object.assign(counts, {
      failed: counts.failed + 1,
      failedAt: attempt.at,
      reason: attempt.reason,
    })
  }
  ledger.unsaved += 1
}

/** Counts what became of an event without a post, or after its last. */
function count(ledger: Ledger, what: 'dead' | 'dropped'): void {
  ledger.counts[what] += 1
  ledger.unsaved += 1
}

/** What is to be written now; `undefined` while it can wait. */
function saveDue(ledger: Ledger, now: number): SavedLedger | undefined {
  const isTime = ledger.unsaved > 0 && now - ledger.savedAt >= SAVE_EVERY
  if (!isTime && ledger.unsaved < LOT) {
    return undefined
  }
  Object.assign(ledger, { savedAt: now, unsaved: 0 })
  const failures = ledger.recent.filter(({ outcome }) => outcome !== 'delivered').slice(-FAILURES)
  return { failures, counts: { ...ledger.counts } }
}

export interface AttemptFilter {
  /** The number from before which on. */
  readonly before: number
  readonly limit: number
  readonly device?: string
  readonly outcome?: string
}

/** The newest posts, or those of a device or an outcome, newest first. */
export function recentAttempts(ledger: Ledger, filter: AttemptFilter): Attempt[] {
  const { before, limit, device, outcome } = filter
  return ledger.recent
    .filter(
      (attempt) =>
        attempt.n < before &&
        (device === undefined || attempt.device === device) &&
        (outcome === undefined || attempt.outcome === outcome),
    )
    .toReversed()
    .slice(0, limit)
}

/** What is remembered of a device's events, newest first. */
export interface Remembered {
  readonly attempts: readonly Attempt[]
  readonly letGo: readonly LetGo[]
}

export function rememberedOf(ledger: Ledger, device: string): Remembered {
  const attempts = recentAttempts(ledger, { before: Infinity, limit: RECENT, device })
  return { attempts, letGo: ledger.letGo.filter((one) => one.device === device).toReversed() }
}

/** A ledger that is saved as it should be. */
export interface KeptLedger {
  readonly ledger: Ledger
  readonly note: (attempt: Omit<Attempt, 'n'>) => void
  /** Dropped ones are counted too. */
  letGo(device: string, event: string, what: LetGo['what']): void
  /** @returns how many there were in all. */
  count(what: 'dead'): number
  /** Nothing is saved any more. */
  end(): void
}

const PLACE = 'ledger'

/** Saves when it is due, and later what could wait: a quiet webhook's last posts are known tomorrow too. */
export function keptLedger(kv: Pick<SyncKvStorage, 'get' | 'put'>): KeptLedger {
  const ledger = newLedger(kv.get<SavedLedger>(PLACE))
  let cancelTimer: (() => void) | undefined
  let ended = false
  const save = (): void => {
    const due = ended ? undefined : saveDue(ledger, clock.now())
    if (due) {
      kv.put(PLACE, due)
    } else if (ledger.unsaved > 0 && !ended) {
      cancelTimer ??= clock.after(SAVE_EVERY, () => {
        cancelTimer = undefined
        save()
      })
    }
  }
  return {
    ledger,
    note(attempt) {
      note(ledger, attempt)
      save()
    },
    letGo(device, event, what) {
      ledger.letGo.push({ device, event, what, at: clock.now() })
      if (ledger.letGo.length > RECENT) {
        ledger.letGo.shift()
      }
      if (what === 'dropped') {
        count(ledger, what)
        save()
      }
    },
    count(what) {
      count(ledger, what)
      save()
      return ledger.counts[what]
    },
    end() {
      ended = true
      cancelTimer?.()
    },
  }
}
