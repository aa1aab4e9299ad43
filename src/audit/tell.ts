import { clock } from '../clock.ts'
import { SERVER_OUTBOX, type ServerNews } from '../device/outbox/server.ts'
import { attempt } from '../log.ts'
import type { AuditBook } from './book.ts'
import { objectNameOf } from './months.ts'
import { wantedRowsAfter, type WantedRow } from './rows.ts'

/** What was not told is told again after this time, also if this process dies. */
const TELL_AGAIN = 60_000
/** Rows of one call: some 2 MB at most. */
const BATCH = 50
const TOLD = 'told'

/** Sets the alarm for rows that are not told yet. */
export async function armTelling(book: AuditBook): Promise<void> {
  if (!book.isArmed) {
    book.isArmed = true
    await book.ctx.storage.setAlarm(clock.now() + TELL_AGAIN)
  }
}

/** The alarm: tells the rest. */
export async function tellAgain(book: AuditBook): Promise<void> {
  book.isArmed = false
  if (nextWanted(book, 1).length > 0) {
    await armTelling(book)
    await attempt('audit:not-told', () => tellWebhooks(book))
  }
}

/** Puts the rows that webhooks want into the outbox, in their order. One call follows the other. */
export function tellWebhooks(book: AuditBook): Promise<void> {
  book.telling = book.telling.catch(() => undefined).then(() => tellRest(book))
  return book.telling
}

async function tellRest(book: AuditBook): Promise<void> {
  const { env, ctx } = book
  const { former } = book.neighbours
  for (let wanted = nextWanted(book, BATCH); wanted.length > 0; wanted = nextWanted(book, BATCH)) {
    if (former !== undefined && ctx.storage.kv.get(TOLD) === undefined) {
      await env.AUDIT.getByName(objectNameOf(former)).tellAll()
    }
    await env.DEVICE.getByName(SERVER_OUTBOX).recordServerNews(wanted.map(newsOf))
    // A death before this line tells them once more, with the same ids.
    ctx.storage.kv.put(TOLD, wanted.at(-1)?.row.seq)
  }
}

function nextWanted({ db, ctx }: AuditBook, limit: number): WantedRow[] {
  return wantedRowsAfter(db, ctx.storage.kv.get<number>(TOLD) ?? 0, limit)
}

function newsOf({ row, listeners }: WantedRow): ServerNews {
  const { id, scope, request_id: requestId } = row
  return {
    id,
    topic: `audit.${scope}`,
    facts: { ...row },
    listeners,
    ...(requestId === null ? {} : { requestId }),
  }
}
