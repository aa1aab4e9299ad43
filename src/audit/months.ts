/** The months of the audit, each with an object of its own. They form a list, from the newest back. */
import type { AuditLink } from '../keys/audit-row.ts'

/** A month in UTC, such as `2026-11`: texts in the order of time. */
export type Month = string

export function monthOf(ms: number): Month {
  return new Date(ms).toISOString().slice(0, 7)
}

/** The months before one, newest first, as many as days of retention can touch. */
export function monthsBefore(month: Month, days: number): Month[] {
  const start = new Date(`${month}-01T00:00:00Z`)
  return Array.from({ length: Math.ceil(days / 28) + 1 }, (_, n) =>
    monthOf(Date.UTC(start.getUTCFullYear(), start.getUTCMonth() - n - 1)),
  )
}

/** The name of a month's object. */
export function objectNameOf(month: Month): string {
  return `audit-${month}`
}

/** What a month's object knows of its place in the list. */
export interface MonthView {
  /** Its last row; absent while it has none. */
  readonly last?: AuditLink | undefined
  /** The month that its first row follows; absent if none came before. */
  readonly former?: Month | undefined
  /** It takes no more rows: they go to this later month. */
  readonly closedFor?: Month | undefined
}

/** `closedFor`: the month for which it was closed first. */
export interface MonthClosed extends MonthView {
  readonly closedFor: Month
}

/** What the objects of the months do for each other. */
export interface MonthStub {
  look(): Promise<MonthView>
  close(month: Month): Promise<MonthClosed>
  /** Resolves when webhooks have all its rows. @throws when they do not */
  tellAll(): Promise<void>
}

export interface MonthsEnv {
  readonly AUDIT: { getByName(name: string): MonthStub }
}

interface FoundMonth {
  readonly month: Month
  readonly view: MonthView
}

export async function lookAtMonth(env: MonthsEnv, month: Month): Promise<FoundMonth> {
  return { month, view: await env.AUDIT.getByName(objectNameOf(month)).look() }
}

/** The newest month before one that has rows. */
export async function newestBefore(
  env: MonthsEnv,
  month: Month,
  days: number,
): Promise<FoundMonth | undefined> {
  const found = await Promise.all(monthsBefore(month, days).map((one) => lookAtMonth(env, one)))
  return found.find(({ view }) => view.last !== undefined)
}

/** The newest month that has rows: in most cases that of the present time. */
export async function newestMonth(
  env: MonthsEnv,
  now: number,
  days: number,
): Promise<FoundMonth | undefined> {
  let found = await lookAtMonth(env, monthOf(now))
  // The clock of the machine went back.
  while (found.view.closedFor !== undefined) {
    found = await lookAtMonth(env, found.view.closedFor)
  }
  return found.view.last ? found : newestBefore(env, found.month, days)
}
