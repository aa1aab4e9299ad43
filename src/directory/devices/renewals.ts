/** Identities by their end, and how far their renewal is: read off the directory's rows. */
import { and, asc, count, eq, gte, lt, max, ne, type SQL, sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/d1'
import { behind, counted, type Counted, inOrder, type PageOf } from '../order.ts'
import { devices } from '../schema.ts'
import { isContested } from './serials.ts'

/** Times are milliseconds since 1970. */
export interface ListedIdentity {
  readonly id: string
  readonly serialNumber: string
  readonly isContested: boolean
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

/** A page of the identities of enrolled devices that end before a time. */
export async function listIdentities(
  d1: D1Database,
  endsBefore: number,
  { sort, after, limit }: PageOf<'expires_at'>,
): Promise<Counted<ListedIdentity>> {
  const { id, identityNotAfter } = devices
  const order = { by: identityNotAfter, id, descending: sort.descending }
  const meant = and(present, lt(identityNotAfter, endsBefore))
  const db = drizzle(d1)
  const rows = db
    .select({
      id,
      serialNumber: devices.serialNumber,
      isContested,
      identity: devices.identity,
      identityNotAfter,
      renewal: devices.renewal,
      renewalReason: devices.renewalReason,
      renewalAt: devices.renewalAt,
    })
    .from(devices)
    .where(and(meant, behind(order, after)))
    .orderBy(...inOrder(order))
    .limit(limit + 1)
  return counted(rows, after, () => db.$count(devices, meant))
}

/**
 * Enrolments whose identity is to be renewed next: those that end first; or, of those heard of since `livelySince`, and then of all,
 * some that no device can choose.
 */
export async function dueForRenewal(
  d1: D1Database,
  due: DueIdentities,
  limit: number,
  livelySince: number | undefined,
): Promise<string[]> {
  const order =
    livelySince === undefined
      ? [asc(devices.identityNotAfter)]
      : [sql`${devices.lastSeen} < ${livelySince}`, sql`random()`]
  const rows = await drizzle(d1)
    .select({ id: devices.id })
    .from(devices)
    .where(isDue(due))
    .orderBy(...order)
    .limit(limit)
  return rows.map(({ id }) => id)
}

/**
 * Whether an enrolment whose identity ends before `endsBefore` is to be renewed out of turn. It is once for each
 * `triedBefore`, however many ask: the first notes its try at `now`.
 */
export async function takeTurn(
  d1: D1Database,
  id: string,
  due: DueIdentities,
  now: number,
): Promise<boolean> {
  const taken = await drizzle(d1)
    .update(devices)
    .set({ renewalAt: now })
    .where(and(eq(devices.id, id), isDue(due)))
    .returning({ id: devices.id })
  return taken.length > 0
}

/** A device that cannot be asked is passed over as one that is blocked. Its own row replaces this, once it tells of it. */
export async function passOver(d1: D1Database, id: string, now: number): Promise<void> {
  const renewalReason = 'its object could not be reached: the log says why'
  await drizzle(d1)
    .update(devices)
    .set({ renewal: 'blocked', renewalReason, renewalAt: now })
    .where(eq(devices.id, id))
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

/** A serial number is the sender's word: another device that claims it does not keep this one from being renewed. */
function isDue({ endsBefore, triedBefore }: DueIdentities): SQL | undefined {
  return and(present, lt(devices.identityNotAfter, endsBefore), lt(devices.renewalAt, triedBefore))
}
