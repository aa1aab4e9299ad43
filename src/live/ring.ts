/** The only SQL of the object Live: what happened last, while somebody watched. */
import { column, type Db } from '../storage/db.ts'
import type { Tables } from '../storage/tables.ts'
import { isWanted, type LiveEntry, type LiveFilter, type NumberedEntry } from './entry.ts'

/** Lots that are kept. A lot takes the place of the one so many before it: one row is written, none goes. */
const SIZE = 2000
/** A stream that comes back gets at most so many entries; for more, its client reads anew. */
const MAX_REPLAY = 500
/** One call of the list parses at most so many lots: meanwhile the object does nothing else. */
const MAX_LOOK = 200

/** `lacks`: entries after it may be missing. */
export const RING_TABLES: Tables = {
  ring: `(
    slot INTEGER PRIMARY KEY,
    n INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    at INTEGER NOT NULL,
    lacks INTEGER NOT NULL,
    entries TEXT NOT NULL
  )`,
}

/** The numbers of the newest lot and of its last entry; 0 before the first. */
export interface RingEnd {
  readonly n: number
  readonly last: number
}

interface RingRow extends RingEnd {
  readonly first: number
  readonly at: number
  readonly lacks: number
  readonly entries: string
}

export function ringEnd(db: Db): RingEnd {
  return db.all<RingEnd>('SELECT n, last FROM ring ORDER BY n DESC LIMIT 1')[0] ?? { n: 0, last: 0 }
}

/** Keeps a lot that is not empty. @returns its entries with their numbers */
export function keepLot(
  db: Db,
  end: RingEnd,
  entries: readonly LiveEntry[],
  { at, lacks }: { readonly at: number; readonly lacks: boolean },
): NumberedEntry[] {
  const n = end.n + 1
  const numbered = entries.map((entry, place) => ({ ...entry, seq: end.last + 1 + place }))
  db.run(
    `INSERT OR REPLACE INTO ring (slot, n, first, last, at, lacks, entries) VALUES (?, ?, ?, ?, ?, ?, ?)`,
    n % SIZE,
    n,
    end.last + 1,
    end.last + numbered.length,
    at,
    Number(lacks),
    JSON.stringify(numbered),
  )
  return numbered
}

/** Notes that entries after the newest lot are missing: none of a lot had room. */
export function noteLack(db: Db, { n }: RingEnd): void {
  db.run('UPDATE ring SET lacks = 1 WHERE slot = ? AND n = ? AND lacks = 0', n % SIZE, n)
}

/**
 * The entries after a number; `undefined` if some may be missing: they are too old or too many, or were not
 * published.
 *
 * @param since from this time on (milliseconds) all is published
 */
export function entriesAfter(db: Db, seq: number, since: number): NumberedEntry[] | undefined {
  const rows = db.all<RingRow>(
    'SELECT n, first, last, at, lacks, entries FROM ring WHERE last >= ? ORDER BY n LIMIT ?',
    seq,
    MAX_REPLAY + 1,
  )
  const [oldest] = rows
  const isWhole =
    oldest !== undefined &&
    oldest.first <= seq &&
    oldest.at >= since &&
    rows.length <= MAX_REPLAY &&
    rows.every(({ lacks }) => lacks === 0)
  const entries = isWhole ? rows.flatMap(entriesOf).filter((entry) => entry.seq > seq) : []
  return isWhole && entries.length <= MAX_REPLAY ? entries : undefined
}

/**
 * Wanted entries before a number, newest first. `next`: where the next page begins. A page may have fewer
 * than `limit`, or none, and still a next one.
 */
export function newestEntries(
  db: Db,
  end: RingEnd,
  {
    before,
    limit,
    filter,
  }: {
    readonly before: number
    readonly limit: number
    readonly filter: LiveFilter
  },
): { readonly entries: NumberedEntry[]; readonly next: number | undefined } {
  const entries: NumberedEntry[] = []
  const newest = before > end.last ? end.n : lotBefore(db, before)
  let next = before
  for (let n = newest; ; n--) {
    const [row] = db.all<Pick<RingRow, 'first' | 'entries'>>(
      'SELECT first, entries FROM ring WHERE slot = ? AND n = ?',
      n % SIZE,
      n,
    )
    if (!row || n === newest - MAX_LOOK) {
      return { entries, next: row && next }
    }
    for (const entry of entriesOf(row).toReversed()) {
      if (entry.seq < before && isWanted(filter, entry)) {
        if (entries.length === limit) {
          return { entries, next: entries.at(-1)?.seq }
        }
        entries.push(entry)
      }
    }
    next = row.first
  }
}

/** The number of the newest lot that has an entry before a number; 0 for none. */
function lotBefore(db: Db, seq: number): number {
  return column<number | null>(db, 'SELECT max(n) FROM ring WHERE first < ?', seq)[0] ?? 0
}

function entriesOf({ entries }: Pick<RingRow, 'entries'>): NumberedEntry[] {
  return JSON.parse(entries)
}
