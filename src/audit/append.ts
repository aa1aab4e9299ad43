import { requireConfig } from '../config/config.ts'
import { listenersOf } from '../events/webhook.ts'
import { inBackground } from '../guard.ts'
import { linkOf, type AuditFacts, type AuditRow } from '../keys/audit-row.ts'
import { attempt } from '../log.ts'
import { knownWebhooks } from '../webhooks/settings.ts'
import { linkBook, type AuditBook } from './book.ts'
import type { Month } from './months.ts'
import { insertAuditRow, type RowListeners } from './rows.ts'
import { armTelling, tellWebhooks } from './tell.ts'

/** `moved`: the month takes no more rows. They go to a later month. */
export type Appended =
  | { readonly kind: 'appended'; readonly seq: number }
  | { readonly kind: 'moved'; readonly to: Month }

/** Adds a row. The order in which calls get here is that of the rows, whatever their clocks say. */
export async function appendRow(book: AuditBook, facts: AuditFacts, at: number): Promise<Appended> {
  const listeners = await wantedBy(book, facts)
  await linkBook(book)
  // No call comes between here and the insert.
  const { db, last, neighbours } = book
  if (neighbours.closedFor !== undefined) {
    return { kind: 'moved', to: neighbours.closedFor }
  }
  const row: AuditRow = {
    ...facts,
    seq: (last?.seq ?? 0) + 1,
    id: crypto.randomUUID(),
    at: new Date(at).toISOString(),
    prev: last?.hash ?? null,
  }
  insertAuditRow(db, row, listeners)
  book.last = linkOf(row)
  if (listeners?.length !== 0) {
    await armTelling(book)
    inBackground(
      book.ctx,
      attempt('audit:not-told', () => tellWebhooks(book)),
    )
  }
  return { kind: 'appended', seq: row.seq }
}

/** The webhooks that want the row. Where none does, the row costs nothing more. */
async function wantedBy({ ctx, env }: AuditBook, { scope }: AuditFacts): Promise<RowListeners> {
  const webhooks = await knownWebhooks(env, requireConfig(env), (work) => {
    inBackground(ctx, work)
  })
  return listenersOf(webhooks, `audit.${scope}`)
}
