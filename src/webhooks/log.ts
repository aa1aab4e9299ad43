import type { Topic } from '../events/topics.ts'
import { clock } from '../clock.ts'
import type { PostOutcome } from './post.ts'

/** One request to the receiver with one event, and its answer. */
export interface Post {
  /** A newer post has a higher number. */
  readonly n: number
  readonly at: number
  readonly device: string
  readonly sequence: number
  readonly event: string
  readonly topic: Topic
  /** Counts the tries of this event, from 1. */
  readonly attempt: number
  readonly replay: boolean
  readonly outcome: PostOutcome['kind']
  /** 0 when there was no answer. */
  readonly status: number
  /** Milliseconds until the answer. */
  readonly latency: number
  /** Empty when the event was delivered. */
  readonly reason: string
}

export interface PostCounts {
  delivered: number
  failed: number
  /** Events that became dead letters. */
  dead: number
  /** Idle events that were too old to be posted. */
  dropped: number
  deliveredAt: number
  failedAt: number
  /** The reason of the last failure. */
  reason: string
}

export interface PostFilter {
  /** Only posts with a lower number. */
  readonly before: number
  readonly limit: number
  readonly device?: string
  readonly outcome?: string
}

/**
 * The newest posts of a webhook, and its counts. A row for each post would be paid for, so posts are in
 * memory. One value keeps the counts and the newest failures: it is written every {@link SAVE_EVERY}, or
 * every {@link LOT} posts. A restart of the object loses all successful posts, and failures and counts of the
 * time since the last write.
 */
export interface PostLog {
  readonly counts: Readonly<PostCounts>
  /** Newest first. */
  readonly recent: (filter: PostFilter) => Post[]
  readonly note: (post: Omit<Post, 'n'>) => void
  /** Counts an event that is not posted any more. @returns how many there are in all. */
  readonly count: (what: 'dead' | 'dropped') => number
  /** From now on the log writes nothing. */
  readonly end: () => void
}

interface SavedLog {
  readonly failures: readonly Post[]
  readonly counts: PostCounts
}

const KEY = 'ledger'
const KEEP = 500
const KEEP_FAILURES = 100
const LOT = 1000
const SAVE_EVERY = 10_000

export function openLog(kv: Pick<SyncKvStorage, 'get' | 'put'>): PostLog {
  const saved = kv.get<SavedLog>(KEY)
  const posts = [...(saved?.failures ?? [])]
  const counts = saved?.counts ?? noCounts()
  let last = posts.at(-1)?.n ?? 0
  const save = saver(() => {
    const failures = posts.filter(({ outcome }) => outcome !== 'delivered').slice(-KEEP_FAILURES)
    kv.put(KEY, { failures, counts })
  })
  return {
    counts,
    recent: (filter) => newest(posts, filter),
    note(post) {
      posts.push({ ...post, n: ++last })
      if (posts.length > KEEP) {
        posts.shift()
      }
      countPost(counts, post)
      save.due()
    },
    count(what) {
      counts[what] += 1
      save.due()
      return counts[what]
    },
    end: save.end,
  }
}

function noCounts(): PostCounts {
  return { delivered: 0, failed: 0, dead: 0, dropped: 0, deliveredAt: 0, failedAt: 0, reason: '' }
}

function countPost(counts: PostCounts, { outcome, at, reason }: Omit<Post, 'n'>): void {
  if (outcome === 'delivered') {
    counts.delivered += 1
    counts.deliveredAt = at
  } else {
    Object.assign(counts, { failed: counts.failed + 1, failedAt: at, reason })
  }
}

function newest(posts: readonly Post[], { before, limit, device, outcome }: PostFilter): Post[] {
  return posts
    .filter(({ n }) => n < before)
    .filter((post) => device === undefined || post.device === device)
    .filter((post) => outcome === undefined || post.outcome === outcome)
    .toReversed()
    .slice(0, limit)
}

/** Writes changes at once if the last write is long ago, otherwise later: one write for many changes. */
function saver(write: () => void): Record<'due' | 'end', () => void> {
  let unsaved = 0
  let savedAt = 0
  let ended = false
  let cancelTimer: (() => void) | undefined
  const save = (): void => {
    if (ended || unsaved === 0) {
      return
    }
    if (unsaved >= LOT || clock.now() - savedAt >= SAVE_EVERY) {
      unsaved = 0
      savedAt = clock.now()
      write()
      return
    }
    cancelTimer ??= clock.after(SAVE_EVERY, () => {
      cancelTimer = undefined
      save()
    })
  }
  return {
    due() {
      unsaved += 1
      save()
    },
    end() {
      ended = true
      cancelTimer?.()
    },
  }
}
