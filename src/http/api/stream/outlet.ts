/** The text of a stream (HTML Standard, "Server-sent events"). */
import { newFeed } from '../../../live/feed.ts'
import type { FeedEntry, FeedItem } from '../../../live/feed.ts'
import { activityJson } from './json.ts'

/** Why a stream ends, and how long its client has to wait before it comes back (milliseconds). */
export interface StreamEnd {
  readonly reason: string
  readonly retry?: number
}

/** What a stream writes next. */
export interface Outlet {
  /** Entries, of which some may have had no place. */
  tell(entries: readonly FeedEntry[], skipped: number): void
  /** An event of the stream itself, before all entries. */
  say(text: string): void
  /** Nothing waits: a reader that is slow needs no heartbeat. */
  isIdle(): boolean
  /** What is waiting is written, then why, and the stream ends. A second end says nothing. */
  end(ending: StreamEnd): void
  /** The next text; `undefined` at the end. `isEntry`: of these, so many a second are written. */
  next(): Promise<{ readonly text: string; readonly isEntry: boolean } | undefined>
}

export function newOutlet(): Outlet {
  const feed = newFeed()
  const words: string[] = []
  let isOver = false
  let change = Promise.withResolvers<void>()
  return {
    tell(entries, skipped) {
      feed.add(entries, skipped)
      change.resolve()
    },
    say(text) {
      words.push(text)
      change.resolve()
    },
    isIdle: () => words.length === 0,
    end({ reason, retry }) {
      if (!isOver) {
        isOver = true
        const pause = retry === undefined ? '' : `retry: ${retry}\n`
        words.push(pause + ownEventText('end', { reason }))
        change.resolve()
      }
    },
    async next() {
      for (;;) {
        const word = words.shift()
        const item = word === undefined ? feed.take() : undefined
        if (word !== undefined || item) {
          return { text: word ?? (item ? textOf(item) : ''), isEntry: item !== undefined }
        }
        if (isOver) {
          return undefined
        }
        change = Promise.withResolvers()
        await change.promise
      }
    },
  }
}

function textOf(item: FeedItem): string {
  return item.kind === 'missed'
    ? ownEventText('missed', { skipped: item.skipped })
    : entryText(item.entry)
}

export function entryText(entry: FeedEntry): string {
  return numbered(entry.seq) + `data: ${JSON.stringify(activityJson(entry))}\n\n`
}

export function ownEventText(
  event: 'hello' | 'missed' | 'ping' | 'end',
  data: object,
  id?: number,
): string {
  return `event: ${event}\n${numbered(id)}data: ${JSON.stringify(data)}\n\n`
}

function numbered(id: number | undefined): string {
  return id === undefined ? '' : `id: ${id}\n`
}
