/**
 * The index of UserIDs: it finds a user channel by its bare UserID. The device's object decides whether a
 * claim still holds.
 */
import { and, eq, inArray, lte, ne, sql, type SQL } from 'drizzle-orm'
import type { DirectoryRow } from '../../device/standing/directory-row.ts'
import { jsonOf, prepared } from '../prepared.ts'
import { devices, users } from '../schema.ts'
import { drizzle } from 'drizzle-orm/d1'

/** How many claims of one UserID are read. Two that hold make the id ambiguous; more change nothing. */
export const MOST_CLAIMS = 10

/** The `device` of a row that is no claim: something waits for a device to enrol with the id. */
const EXPECTED = ''

/** A claim; a later one of the same device has a higher `version`. */
export interface KeptClaim {
  readonly id: string
  readonly device: string
  readonly version: number
}

/**
 * The most rows that one device has. Its object has fewer users, and reports claims that are over. A device
 * that invents very long ids loses its oldest claims.
 */
const CLAIMS_OF_DEVICE = 600
/** Claims with the longest ids of four bytes a character are 1.5 MB. */
const MOST_IN_STATEMENT = 1000

export async function keepClaim(d1: D1Database, claim: KeptClaim): Promise<void> {
  const db = drizzle(d1)
  await db.batch([
    db
      .insert(users)
      .values(claim)
      .onConflictDoUpdate({
        target: [users.id, users.device],
        set: { version: sql`max(${users.version}, excluded.version)` },
      }),
    db.delete(users).where(
      and(
        eq(users.device, claim.device),
        sql`${users.version} < (SELECT kept.version FROM users AS kept WHERE kept.device = ${claim.device}
          ORDER BY kept.version DESC LIMIT 1 OFFSET ${CLAIMS_OF_DEVICE - 1})`,
      ),
    ),
  ])
}

/** Records that an admin addressed the channel by its bare UserID. */
export async function noteUserUse(d1: D1Database, { id, device }: UserCalled): Promise<void> {
  await drizzle(d1)
    .update(users)
    .set({ used: true })
    .where(and(eq(users.id, id), eq(users.device, device)))
}

/**
 * Records that something waits under an id for a device to enrol with it. A user with that UserID never
 * gets it.
 */
export async function expectDevice(d1: D1Database, id: string): Promise<void> {
  await drizzle(d1).insert(users).values({ id, device: EXPECTED, version: 0 }).onConflictDoNothing()
}

/** Records that nothing waits under the id any more. */
export async function expectNoDevice(d1: D1Database, id: string): Promise<void> {
  await drizzle(d1)
    .delete(users)
    .where(and(eq(users.id, id), eq(users.device, EXPECTED)))
}

export interface Claims {
  /** The id is or was a device's. */
  readonly isDevice: boolean
  /** Something waits under the id for a device to enrol with it. */
  readonly isExpected: boolean
  readonly claims: readonly UserCalled[]
}

/** A user channel with that UserID. */
export interface UserCalled extends Pick<KeptClaim, 'id' | 'device'> {
  /** An admin has addressed it by its bare UserID. */
  readonly used: boolean
}

export async function claimsOf(d1: D1Database, id: string): Promise<Claims> {
  const db = drizzle(d1)
  const [known, expected, claims] = await db.batch([
    db
      .select({ id: devices.id })
      .from(devices)
      .where(inArray(devices.id, formsOf(id)))
      .limit(1),
    db
      .select({ id: users.id })
      .from(users)
      .where(and(eq(users.id, id), eq(users.device, EXPECTED))),
    db
      .select({ id: users.id, device: users.device, used: users.used })
      .from(users)
      .where(and(inArray(users.id, formsOf(id)), ne(users.device, EXPECTED)))
      .limit(MOST_CLAIMS),
  ])
  return { isDevice: known.length > 0, isExpected: expected.length > 0, claims }
}

/** Whether a user of another device has a device's id: 1 or 0. `forms` is JSON: {@link formsOf}. */
export function isCalled(device: SQL, forms: SQL): SQL {
  return sql`EXISTS (SELECT 1 FROM ${users} WHERE ${users.id} IN (SELECT value FROM json_each(${forms}))
    AND ${users.device} NOT IN (${EXPECTED}, ${device}))`
}

/** Those of some ids of devices that users of other devices have. */
export async function calledIds(d1: D1Database, ids: readonly string[]): Promise<string[]> {
  const listed = jsonOf(ids.map((id) => ({ id, forms: formsOf(id) })))
  const rows = await drizzle(d1).all<{ id: string }>(sql`SELECT listed.value ->> 'id' AS id
    FROM json_each(${listed}) AS listed
    WHERE ${isCalled(sql`listed.value ->> 'id'`, sql`listed.value ->> 'forms'`)}`)
  return rows.map(({ id }) => id)
}

/** Ignores case: people may type an id in either form. */
export function formsOf(id: string): string[] {
  return [id, id.toUpperCase(), id.toLowerCase()]
}

/** Those of some UserIDs under which something was queued for a device, and may still wait. */
export async function expectedDevices(d1: D1Database, ids: readonly string[]): Promise<string[]> {
  const rows = await drizzle(d1)
    .select({ id: users.id })
    .from(users)
    .where(
      and(
        eq(users.device, EXPECTED),
        sql`${users.id} IN (SELECT value FROM json_each(${JSON.stringify(ids)}))`,
      ),
    )
  return rows.map(({ id }) => id)
}

/** Removes a claim that its device's object, at `version`, does not have. */
export async function removeClaim(
  d1: D1Database,
  { id, device, version }: KeptClaim,
): Promise<void> {
  await drizzle(d1)
    .delete(users)
    .where(and(eq(users.id, id), eq(users.device, device), lte(users.version, version)))
}

/**
 * Ends the claims that are over according to the rows of their devices, as a part of a batch; `undefined`
 * when no row lists users.
 */
export function endClaims(
  d1: D1Database,
  rows: readonly DirectoryRow[],
): D1PreparedStatement | undefined {
  const listed = rows.flatMap(({ id, users: held, version }) =>
    held ? [{ id, held, version }] : [],
  )
  return listed.length === 0 ? undefined : endQuery(d1, { listed: jsonOf(listed) })
}

const listedUsers = sql.placeholder('listed')
const endQuery = prepared((db) =>
  db.delete(users).where(
    and(
      sql`${users.device} IN (SELECT value ->> 'id' FROM json_each(${listedUsers}))`,
      sql`EXISTS (SELECT 1 FROM json_each(${listedUsers}) AS listed
        WHERE listed.value ->> 'id' = ${users.device} AND listed.value ->> 'version' >= ${users.version}
          AND NOT EXISTS (SELECT 1 FROM json_each(listed.value, '$.held') AS held
            WHERE held.value = ${users.id}))`,
    ),
  ),
)

/** Lets bare UserIDs lead to the user channels of devices that came from another server. */
export async function keepMovedClaims(d1: D1Database, claims: readonly KeptClaim[]): Promise<void> {
  const statements = batchesOf(claims).map((listed) => movedClaims(d1, { listed: jsonOf(listed) }))
  if (statements.length > 0) {
    await d1.batch(statements)
  }
}

/** A parameter of D1 has at most 2 MB. */
function batchesOf(claims: readonly KeptClaim[]): (readonly KeptClaim[])[] {
  return Array.from({ length: Math.ceil(claims.length / MOST_IN_STATEMENT) }, (_, n) =>
    claims.slice(n * MOST_IN_STATEMENT, (n + 1) * MOST_IN_STATEMENT),
  )
}

const movedClaims = prepared((db) =>
  db
    .insert(users)
    .select(
      sql`SELECT listed.value ->> 'id', listed.value ->> 'device', listed.value ->> 'version', 0
        FROM json_each(${listedUsers}) AS listed WHERE true`,
    )
    .onConflictDoUpdate({
      target: [users.id, users.device],
      set: { version: sql`max(${users.version}, excluded.version)` },
    }),
)
