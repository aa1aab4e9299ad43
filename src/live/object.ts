import { DurableObject } from 'cloudflare:workers'
import { clock } from '../clock.ts'
import { sqlite, type Db } from '../storage/db.ts'
import { withTables } from '../storage/tables.ts'
import type { LiveEntry, LiveFilter, NumberedEntry } from './entry.ts'
import type { LiveLot } from './publish.ts'
import {
  entriesAfter,
  keepLot,
  newestEntries,
  noteLack,
  ringEnd,
  RING_TABLES,
  type RingEnd,
} from './ring.ts'
import { openSocket, sayToAll, type LiveHello } from './socket.ts'

/** Streams at a time. One more takes the place of the oldest. */
const MAX_STREAMS = 200
/** Within a second: lots, entries, and those of one device. The rest is counted. */
const MAX_LOTS = 20
const MAX_ENTRIES = 200
const MAX_OF_DEVICE = 20
const SECOND = 1000
/** An isolate that reads its list of webhooks learns within this time that somebody watches. */
export const SETTLES = 30_000

/** Until when all isolates publish, and since when all of them do (milliseconds). */
interface Watch {
  readonly until: number
  readonly since: number
}

export interface ActivityPage {
  readonly entries: readonly NumberedEntry[]
  readonly next: number | undefined
  readonly since: number
}

const WATCH = 'watch'

/**
 * What happens in the whole fleet, for those who watch it (docs/architecture.md §31): it passes entries on
 * to the streams, and keeps the last ones. While no stream is open it is not called.
 */
export class Live extends DurableObject {
  static readonly schema = 1
  #opened: Db | undefined
  #end: RingEnd | undefined
  /** The present second, and what it has taken. */
  #second = newSecond(-Infinity)
  #skipped = 0

  /** Opens a stream as a WebSocket that begins with a {@link LiveHello}. `after`: the last known entry. */
  override async fetch(request: Request): Promise<Response> {
    const { searchParams } = new URL(request.url)
    const { since } = this.#watch(Number(searchParams.get('until')))
    const after = searchParams.get('after')
    const entries = after === null ? [] : entriesAfter(this.#db, Number(after), since)
    const hello: LiveHello = {
      since,
      last: this.#ringEnd().last,
      isMissing: entries === undefined,
      entries: entries ?? [],
      skipped: 0,
    }
    return openSocket(this.ctx, MAX_STREAMS, hello)
  }

  /** The watch goes on until then: D1 says so to all isolates. */
  async watch(until: number): Promise<void> {
    this.#watch(until)
  }

  /** Takes a lot. @returns how long its isolate has to gather before the next one (milliseconds) */
  async publish({ entries, skipped }: LiveLot): Promise<number> {
    const now = clock.now()
    if (this.#stored().until <= now) {
      return 0
    }
    if (now - this.#second.since >= SECOND) {
      this.#second = newSecond(now)
    }
    const second = this.#second
    second.lots += 1
    const taken = second.lots > MAX_LOTS ? [] : entries.filter((entry) => hasRoom(second, entry))
    this.#skipped += skipped + entries.length - taken.length
    if (taken.length === 0 && this.#skipped > 0) {
      noteLack(this.#db, this.#ringEnd())
    }
    if (taken.length === 0 && second.lots > MAX_LOTS + 1) {
      return SECOND
    }
    const lacks = second.lots >= MAX_LOTS || this.#skipped > 0
    const numbered = taken.length === 0 ? [] : this.#keep(taken, now, lacks)
    sayToAll(this.ctx, { entries: numbered, skipped: this.#skipped })
    this.#skipped = 0
    return second.lots > MAX_LOTS / 2 ? SECOND : 0
  }

  /** What happened last, newest first. */
  async activity(
    query: { readonly before: number; readonly limit: number; readonly filter: LiveFilter },
    until: number,
  ): Promise<ActivityPage> {
    const { since } = this.#watch(until)
    return { ...newestEntries(this.#db, this.#ringEnd(), query), since }
  }

  #keep(entries: readonly LiveEntry[], at: number, lacks: boolean): NumberedEntry[] {
    const { n, last } = this.#ringEnd()
    const numbered = keepLot(this.#db, { n, last }, entries, { at, lacks })
    this.#end = { n: n + 1, last: last + numbered.length }
    return numbered
  }

  /** A watch that had ended begins anew: isolates have stopped to publish, and learn of it one by one. */
  #watch(until: number): Watch {
    const now = clock.now()
    const before = this.#stored()
    const since = before.until <= now ? now + SETTLES : before.since
    const watch = { until: Math.max(until, before.until), since }
    if (watch.until > before.until) {
      this.ctx.storage.kv.put(WATCH, watch)
    }
    return watch
  }

  #stored(): Watch {
    return this.ctx.storage.kv.get<Watch>(WATCH) ?? { until: 0, since: 0 }
  }

  #ringEnd(): RingEnd {
    return (this.#end ??= ringEnd(this.#db))
  }

  get #db(): Db {
    return (this.#opened ??= withTables(sqlite(this.ctx.storage.sql), RING_TABLES))
  }
}

interface LiveSecond {
  readonly since: number
  lots: number
  entries: number
  readonly ofDevices: Map<string, number>
}

function newSecond(since: number): LiveSecond {
  return { since, lots: 0, entries: 0, ofDevices: new Map() }
}

function hasRoom(second: LiveSecond, { device = '' }: LiveEntry): boolean {
  const ofDevice = (second.ofDevices.get(device) ?? 0) + 1
  if (second.entries >= MAX_ENTRIES || (device !== '' && ofDevice > MAX_OF_DEVICE)) {
    return false
  }
  second.entries += 1
  second.ofDevices.set(device, ofDevice)
  return true
}
