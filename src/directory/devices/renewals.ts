/** Identities by their end, and the state of their renewal, from the devices' rows. */
import { type Counted, type PageOf, readPage } from '../order.ts'
import { countRows, readAll, readOne, select, type Sql, sql, write } from '../sql.ts'
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

const present = sql`enrolled AND NOT hidden AND identity <> ''`

/** A page of the identities of enrolled devices that end before a time. */
export async function listIdentitiesByExpiry(
  d1: D1Database,
  endsBefore: number,
  page: PageOf<'expires_at'>,
): Promise<Counted<ExpiringIdentity>> {
  const { rows, total } = await readPage(
    d1,
    {
      table: 'devices',
      keys: [
        'id',
        'serialNumber',
        'identity',
        'identityNotAfter',
        'renewal',
        'renewalReason',
        'renewalAt',
      ],
      more: { isContested },
      by: 'identityNotAfter',
      id: 'id',
      meant: sql`${present} AND identity_not_after < ${endsBefore}`,
    },
    page,
  )
  return { rows: rows.map((row) => ({ ...row, isContested: row.isContested === 1 })), total }
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
    livelySince === undefined ? sql`identity_not_after` : sql`last_seen < ${livelySince}, random()`
  const rest = sql`WHERE ${isDue(due)} ORDER BY ${order} LIMIT ${limit}`
  const rows = await readAll(d1, select('devices', ['id'], rest))
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
  const take = sql`UPDATE devices SET renewal_at = ${now} WHERE id = ${id} AND ${isDue(due)}`
  return (await write(d1, take)) > 0
}

/** Marks a device as blocked because its object does not answer. The next row of the device replaces this. */
export async function passOver(d1: D1Database, id: string, now: number): Promise<void> {
  const reason = 'its object could not be reached: the log says why'
  const pass = sql`UPDATE devices
    SET renewal = 'blocked', renewal_reason = ${reason}, renewal_at = ${now} WHERE id = ${id}`
  await write(d1, pass)
}

/** How many identities of enrolled devices end between two times, and when the first does. */
export async function endingIdentities(
  d1: D1Database,
  after: number,
  until: number,
): Promise<{ readonly count: number; readonly first: number }> {
  const ending = sql<{ count: number; first: number }>`SELECT count(*) AS count,
      coalesce(min(identity_not_after), 0) AS first FROM devices
    WHERE ${present} AND identity_not_after > ${after} AND identity_not_after <= ${until}`
  return (await readOne(d1, ending)) ?? { count: 0, first: 0 }
}

export function countDueForRenewal(d1: D1Database, due: DueIdentities): Promise<number> {
  return countRows(d1, 'devices', isDue(due))
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
  // SQLite: a bare column beside max() is that row's.
  const rows = await readAll(
    d1,
    select(
      'devices',
      ['renewal', 'renewalReason'],
      sql`WHERE ${present} AND renewal <> '' AND renewal_at >= ${since} GROUP BY renewal`,
      { number: sql<number>`count(*)`, at: sql<number>`max(renewal_at)` },
    ),
  )
  const of = (state: string) => rows.find((row) => row.renewal === state)
  return {
    sent: of('sent')?.number ?? 0,
    renewed: of('renewed')?.number ?? 0,
    failed: of('failed')?.number ?? 0,
    blocked: of('blocked')?.number ?? 0,
    lastSentAt: of('sent')?.at ?? 0,
    lastFailure: of('failed')?.renewalReason ?? '',
  }
}

/** A serial number is a claim: another device with the same claim does not prevent this renewal. */
function isDue({ endsBefore, triedBefore }: DueIdentities): Sql {
  return sql`${present} AND identity_not_after < ${endsBefore} AND renewal_at < ${triedBefore}`
}
