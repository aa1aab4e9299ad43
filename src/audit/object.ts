import { DurableObject } from 'cloudflare:workers'
import type { AuditFacts, AuditRow } from '../keys/audit-row.ts'
import { appendRow, type Appended } from './append.ts'
import { closeBook, openBook, type AuditBook, type AuditEnv } from './book.ts'
import type { MonthClosed, Month, MonthView } from './months.ts'
import { auditRowsBefore, type AuditFilter } from './rows.ts'
import { tellAgain, tellWebhooks } from './tell.ts'

/** A part of a month's rows, newest first, and the month before it. */
export interface MonthPage {
  readonly rows: readonly AuditRow[]
  readonly former?: Month | undefined
}

/** The audit of a month (docs/audit.md): rows that are only added, each with the hash of the one before. */
export class Audit extends DurableObject<AuditEnv> {
  static readonly schema = 1
  #opened: AuditBook | undefined

  get #book(): AuditBook {
    return (this.#opened ??= openBook(this.ctx, this.env))
  }

  async append(facts: AuditFacts, at: number): Promise<Appended> {
    return appendRow(this.#book, facts, at)
  }

  /** Rows before a number. */
  async page(before: number, limit: number, filter: AuditFilter): Promise<MonthPage> {
    const { db, neighbours } = this.#book
    const rows = auditRowsBefore(db, before, limit, filter)
    return { rows, former: neighbours.former }
  }

  async look(): Promise<MonthView> {
    const { last, isLinked, neighbours } = this.#book
    return { ...neighbours, ...(isLinked && { last }) }
  }

  /** A later month begins: this one takes no more rows. */
  async close(month: Month): Promise<MonthClosed> {
    const closedFor = closeBook(this.#book, month)
    return { ...(await this.look()), closedFor }
  }

  async tellAll(): Promise<void> {
    return tellWebhooks(this.#book)
  }

  /** Deletes the month, when its time is over. */
  async clear(): Promise<void> {
    await this.ctx.storage.deleteAlarm()
    await this.ctx.storage.deleteAll()
    this.#opened = undefined
  }

  override async alarm(): Promise<void> {
    return tellAgain(this.#book)
  }
}
