import type { ServerNews } from '../device/outbox/server.ts'
import { requireConfig } from '../config/config.ts'
import { linkOf, type AuditLink } from '../keys/audit-row.ts'
import { sqlite, type Db } from '../storage/db.ts'
import { withTables } from '../storage/tables.ts'
import { monthsBefore, newestBefore, objectNameOf, type Month, type MonthsEnv } from './months.ts'
import { AUDIT_TABLES, lastAuditRow } from './rows.ts'

export interface AuditEnv extends MonthsEnv {
  readonly DB: D1Database
  readonly DEVICE: {
    getByName(name: string): { recordServerNews(news: readonly ServerNews[]): Promise<void> }
  }
}

/** The neighbours of a month in the list of months. */
interface Neighbours {
  readonly former?: Month | undefined
  readonly closedFor?: Month | undefined
}

/** A month of the audit in the memory of its object. */
export interface AuditBook {
  readonly ctx: DurableObjectState
  readonly env: AuditEnv
  readonly db: Db
  readonly month: Month
  neighbours: Neighbours
  /** The link that the next row has to name. Before the first row it is that of the former month. */
  last: AuditLink | undefined
  /** Whether the former month is known. */
  isLinked: boolean
  /** The search for the former month, while it goes on. */
  linking: Promise<void> | undefined
  /** The end of the telling so far. */
  telling: Promise<void>
  isArmed: boolean
}

const NEIGHBOURS = 'neighbours'

export function openBook(ctx: DurableObjectState, env: AuditEnv): AuditBook {
  const db = withTables(sqlite(ctx.storage.sql), AUDIT_TABLES)
  const row = lastAuditRow(db)
  return {
    ctx,
    env,
    db,
    month: (ctx.id.name ?? '').replace(objectNameOf(''), ''),
    neighbours: ctx.storage.kv.get<Neighbours>(NEIGHBOURS) ?? {},
    last: row && linkOf(row),
    isLinked: row !== undefined,
    linking: undefined,
    telling: Promise.resolve(),
    isArmed: false,
  }
}

function saveNeighbours(book: AuditBook, change: Neighbours): void {
  book.neighbours = { ...book.neighbours, ...change }
  book.ctx.storage.kv.put(NEIGHBOURS, book.neighbours)
}

/** Takes no more rows from now on, unless that was so already. @returns the later month that gets them */
export function closeBook(book: AuditBook, month: Month): Month {
  const closedFor = book.neighbours.closedFor ?? month
  if (book.neighbours.closedFor === undefined) {
    saveNeighbours(book, { closedFor })
  }
  return closedFor
}

/** Finds the row that the first row of the month follows. */
export async function linkBook(book: AuditBook): Promise<void> {
  if (!book.isLinked) {
    book.linking ??= findFormer(book).finally(() => {
      book.linking = undefined
    })
    await book.linking
  }
}

/**
 * Closes the newest earlier month that has rows: a row that comes late, or from a clock that went back, goes
 * to this month. If no month has rows, the one before is closed. Another month may have closed it first: a
 * later one gets this month's rows too, and an earlier one stands between.
 */
async function findFormer(book: AuditBook): Promise<void> {
  const { env, month } = book
  const days = requireConfig(env).auditDays
  let former: Month | undefined
  let last: AuditLink | undefined
  let next = (await newestBefore(env, month, days))?.month ?? monthsBefore(month, days)[0]
  while (next !== undefined && next < month) {
    const closed = await env.AUDIT.getByName(objectNameOf(next)).close(month)
    if (closed.last) {
      former = next
      last = closed.last
    }
    next = closed.closedFor
  }
  if (next === undefined || next === month) {
    saveNeighbours(book, { former })
    book.last = last
    book.isLinked = true
  } else {
    closeBook(book, next)
  }
}
