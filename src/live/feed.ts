import type { LiveEntry } from './entry.ts'

/** An entry as a stream gets it; a device's own stream has no numbers. */
export type FeedEntry = LiveEntry & { readonly seq?: number }

/** What a stream has not written yet. A slow reader costs no more than this. */
export interface Feed {
  /** Adds what an object has told. Without room, an entry is only counted. */
  add(entries: readonly FeedEntry[], skipped: number): void
  /** The next thing to write; `undefined` for nothing. What is missing is said before the entry after it. */
  take(): FeedItem | undefined
}

export type FeedItem =
  | { readonly kind: 'entry'; readonly entry: FeedEntry }
  | { readonly kind: 'missed'; readonly skipped: number }

const MAX_WAITING = 100
/** A device that floods takes this part of the room, and leaves the rest to the others. */
const MAX_OF_DEVICE = 20

export function newFeed(): Feed {
  const waiting: FeedEntry[] = []
  let missed = 0
  return {
    add(entries, skipped) {
      missed += skipped
      for (const entry of entries) {
        const ofDevice = waiting.filter(({ device }) => device === entry.device).length
        if (waiting.length < MAX_WAITING && (!entry.device || ofDevice < MAX_OF_DEVICE)) {
          waiting.push(entry)
        } else {
          missed += 1
        }
      }
    },
    take() {
      if (missed > 0) {
        const skipped = missed
        missed = 0
        return { kind: 'missed', skipped }
      }
      const entry = waiting.shift()
      return entry && { kind: 'entry', entry }
    },
  }
}
