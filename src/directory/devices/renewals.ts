/** Identities by their end, and the state of their renewal, from the devices' rows. */
import { and, asc, count, eq, gte, lt, max, ne, type SQL, sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/d1'
import { type Counted, type PageOf, readPage } from '../order.ts'
import { devices } from '../schema.ts'
import { isContested } from './serials.ts'

/** Times are milliseconds since 1970. */
export interface ExpiringIdentity {
  readonly id: string
  readonly serialNumber: string
  readonly isContested: boolean
  readonly identity: string
  readonly identityNotAfter: number
  readonly renewal: string
  readonly renewalReason: string
  readonly renewalAt: number
}

/** An enrolment is due if its identity ends before `endsBefore` and was not tried since `triedBefore`. */
export interface DueIdentities {
  readonly endsBefore: number
  readonly triedBefore: number
}

const present = and(eq(devices.enrolled, true), eq(devices.hidden, false), ne(devices.identity, ''))

/** A page of the identities of enrolled devices that end before a time. */
export async function listIdentitiesByExpiry(
  d1: D1Database,
  endsBefore: number,
  page: PageOf<'expires_at'>,
): Promise<Counted<ExpiringIdentity>> {
  const { id, identityNotAfter } = devices
  const meant = and(present, lt(identityNotAfter, endsBefore))
  const db = drizzle(d1)
  const query = db
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
    .$dynamic()
  return readPage(db, query, { table: devices, by: identityNotAfter, id, meant }, page)
}

/**
 * The enrolments that are renewed next: those whose identity ends first. With `livelySince` they are chosen
 * at random, so that no device can choose to be one of them; devices that were seen since then come first.
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
 * Records a try for an enrolment that is due, outside of a round. If several calls come at once, one
 * succeeds.
 * @returns whether the enrolment was due
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

/** Marks a device as blocked because its object does not answer. The next row of the device replaces this. */
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

/** Renewals by their state since a moment, and when the last one was sent. */
export interface RenewalCounts {
  readonly sent: number
  readonly renewed: number
  readonly failed: number
  readonly blocked: number
  readonly lastSentAt: number
  /** The answer of the last device that refused. */
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

/** A serial number is a claim: another device with the same claim does not prevent this renewal. */
function isDue({ endsBefore, triedBefore }: DueIdentities): SQL | undefined {
  return and(present, lt(devices.identityNotAfter, endsBefore), lt(devices.renewalAt, triedBefore))
}
