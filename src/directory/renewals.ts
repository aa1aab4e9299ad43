/** Identities by their end, and how far their renewal is: read off the directory's rows. */
import { and, asc, count, desc, eq, gte, lt, max, ne, or, type SQL, sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/d1'
import { devices } from './schema.ts'

/** Times are milliseconds since 1970. */
export interface ListedIdentity {
  readonly id: string
  readonly serialNumber: string
  readonly identity: string
  readonly identityNotAfter: number
  readonly renewal: string
  readonly renewalReason: string
  readonly renewalAt: number
}

/** Which enrolments are due: those whose identity ends before `endsBefore`, unless tried since `triedBefore`. */
export interface DueIdentities {
  readonly endsBefore: number
  readonly triedBefore: number
}

const present = and(eq(devices.enrolled, true), eq(devices.hidden, false), ne(devices.identity, ''))

/** Identities in the order of their ends, from behind `after` on. */
export async function listIdentities(
  d1: D1Database,
  which: {
    readonly endsBefore: number
    readonly after: { readonly notAfter: number; readonly id: string } | undefined
    readonly limit: number
  },
): Promise<ListedIdentity[]> {
  const { endsBefore, after, limit } = which
  const { id, identityNotAfter } = devices
  return drizzle(d1)
    .select({
      id,
      serialNumber: devices.serialNumber,
      identity: devices.identity,
      identityNotAfter,
      renewal: devices.renewal,
      renewalReason: devices.renewalReason,
      renewalAt: devices.renewalAt,
    })
    .from(devices)
    .where(
      and(
        present,
        lt(identityNotAfter, endsBefore),
        after && sql`(${identityNotAfter}, ${id}) > (${after.notAfter}, ${after.id})`,
      ),
    )
    .orderBy(asc(identityNotAfter), asc(id))
    .limit(limit)
}

/** Enrolments whose identity is to be renewed next; `lively` prefers those that were heard of last. */
export async function dueForRenewal(
  d1: D1Database,
  due: DueIdentities,
  limit: number,
  lively: boolean,
): Promise<string[]> {
  const rows = await drizzle(d1)
    .select({ id: devices.id })
    .from(devices)
    .where(isDue(due))
    .orderBy(lively ? desc(devices.lastSeen) : asc(devices.identityNotAfter))
    .limit(limit)
  return rows.map(({ id }) => id)
}

export async function countDueForRenewal(d1: D1Database, due: DueIdentities): Promise<number> {
  return drizzle(d1).$count(devices, isDue(due))
}

/** How many renewals came to each state since a moment, and when the last one did. */
export interface RenewalCounts {
  readonly sent: number
  readonly renewed: number
  readonly failed: number
  readonly blocked: number
  readonly lastSentAt: number
  /** What the last device that refused said. */
  readonly lastFailure: string
}

export async function countRenewals(d1: D1Database, since: number): Promise<RenewalCounts> {
  const rows = await drizzle(d1)
    .select({
      state: devices.renewal,
      number: count(),
      at: max(devices.renewalAt),
      // SQLite: a bare column beside max() is that row's.
      reason: devices.renewalReason,
    })
    .from(devices)
    .where(and(present, ne(devices.renewal, ''), gte(devices.renewalAt, since)))
    .groupBy(devices.renewal)
  const of = (state: string) => rows.find((row) => row.state === state)
  return {
    sent: of('sent')?.number ?? 0,
    renewed: of('renewed')?.number ?? 0,
    failed: of('failed')?.number ?? 0,
    blocked: of('blocked')?.number ?? 0,
    lastSentAt: of('sent')?.at ?? 0,
    lastFailure: of('failed')?.reason ?? '',
  }
}

function isDue({ endsBefore, triedBefore }: DueIdentities): SQL | undefined {
  return and(
    present,
    eq(devices.displaced, false),
    lt(devices.identityNotAfter, endsBefore),
    or(eq(devices.renewal, ''), lt(devices.renewalAt, triedBefore)),
  )
}
