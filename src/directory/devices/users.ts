/**
 * The index of UserIDs: it finds a user channel by its bare UserID. The device's object decides whether a
 * claim still holds.
 */
import type { DirectoryRow } from '../../device/standing/directory-row.ts'
import {
  among,
  insert,
  jsonOf,
  listedValue,
  readAll,
  select,
  type Sql,
  sql,
  write,
  writeAll,
} from '../sql.ts'

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
const NEWEST = sql`ON CONFLICT (id, device) DO UPDATE SET version = max(version, excluded.version)`

export async function keepClaim(d1: D1Database, claim: KeptClaim): Promise<void> {
  const { id, device, version } = claim
  await writeAll(d1, [
    insert('users', { id, device, version }, NEWEST),
    sql`DELETE FROM users WHERE device = ${device}
      AND version < (SELECT kept.version FROM users AS kept WHERE kept.device = ${device}
        ORDER BY kept.version DESC LIMIT 1 OFFSET ${CLAIMS_OF_DEVICE - 1})`,
  ])
}

/** Records that an admin addressed the channel by its bare UserID. */
export async function noteUserUse(d1: D1Database, { id, device }: UserCalled): Promise<void> {
  await write(d1, sql`UPDATE users SET used = 1 WHERE id = ${id} AND device = ${device}`)
}

/**
 * Records that something waits under an id for a device to enrol with it. A user with that UserID never
 * gets it.
 */
export async function expectDevice(d1: D1Database, id: string): Promise<void> {
  const row = { id, device: EXPECTED, version: 0 }
  await write(d1, insert('users', row, sql`ON CONFLICT DO NOTHING`))
}

/** Records that nothing waits under the id any more. */
export async function expectNoDevice(d1: D1Database, id: string): Promise<void> {
  await write(d1, sql`DELETE FROM users WHERE id = ${id} AND device = ${EXPECTED}`)
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
  const forms = among(formsOf(id))
  const [known, expected, claims] = await writeAll(d1, [
    select('devices', ['id'], sql`WHERE id IN ${forms} LIMIT 1`),
    select('users', ['id'], sql`WHERE id = ${id} AND device = ${EXPECTED}`),
    select(
      'users',
      ['id', 'device', 'used'],
      sql`WHERE id IN ${forms} AND device <> ${EXPECTED} LIMIT ${MOST_CLAIMS}`,
    ),
  ])
  return {
    isDevice: known.results.length > 0,
    isExpected: expected.results.length > 0,
    claims: claims.results.map((claim) => ({ ...claim, used: claim.used === 1 })),
  }
}

/** Whether a user of another device has a device's id: 1 or 0. `forms` is JSON: {@link formsOf}. */
export function isCalled(device: Sql, forms: Sql): Sql<number> {
  return sql`EXISTS (SELECT 1 FROM users WHERE users.id IN (SELECT value FROM json_each(${forms}))
    AND users.device NOT IN (${EXPECTED}, ${device}))`
}

/** Those of some ids of devices that users of other devices have. */
export async function calledIds(d1: D1Database, ids: readonly string[]): Promise<string[]> {
  const listed = jsonOf(ids.map((id) => ({ id, forms: formsOf(id) })))
  const id = listedValue('id')
  const rows = await readAll(
    d1,
    sql<{ id: string }>`SELECT ${id} AS id FROM json_each(${listed}) AS listed
      WHERE ${isCalled(id, listedValue('forms'))}`,
  )
  return rows.map((row) => row.id)
}

/** Ignores case: people may type an id in either form. */
export function formsOf(id: string): string[] {
  return [id, id.toUpperCase(), id.toLowerCase()]
}

/** Those of some UserIDs under which something was queued for a device, and may still wait. */
export async function expectedDevices(d1: D1Database, ids: readonly string[]): Promise<string[]> {
  const meant = sql`WHERE device = ${EXPECTED} AND id IN ${among(ids)}`
  const rows = await readAll(d1, select('users', ['id'], meant))
  return rows.map(({ id }) => id)
}

/** Removes a claim that its device's object, at `version`, does not have. */
export async function removeClaim(
  d1: D1Database,
  { id, device, version }: KeptClaim,
): Promise<void> {
  const isKept = sql`id = ${id} AND device = ${device} AND version <= ${version}`
  await write(d1, sql`DELETE FROM users WHERE ${isKept}`)
}

/**
 * Ends the claims that are over according to the rows of their devices, as a part of a batch; `undefined`
 * when no row lists users.
 */
export function endClaims(rows: readonly DirectoryRow[]): Sql | undefined {
  const held = rows.flatMap(({ id, users, version }) =>
    users ? [{ id, held: users, version }] : [],
  )
  const listed = sql`json_each(${jsonOf(held)}) AS listed`
  return held.length === 0
    ? undefined
    : sql`DELETE FROM users WHERE device IN (SELECT ${listedValue('id')} FROM ${listed})
        AND EXISTS (SELECT 1 FROM ${listed}
          WHERE ${listedValue('id')} = users.device AND ${listedValue('version')} >= users.version
            AND NOT EXISTS (SELECT 1 FROM json_each(listed.value, '$.held') AS held
              WHERE held.value = users.id))`
}

/** Lets bare UserIDs lead to the user channels of devices that came from another server. */
export async function keepMovedClaims(d1: D1Database, claims: readonly KeptClaim[]): Promise<void> {
  const statements = batchesOf(claims).map(
    (batch) => sql`INSERT INTO users (id, device, version)
      SELECT ${listedValue('id')}, ${listedValue('device')}, ${listedValue('version')}
      FROM json_each(${jsonOf(batch)}) AS listed WHERE true ${NEWEST}`,
  )
  if (statements.length > 0) {
    await writeAll(d1, statements)
  }
}

/** A parameter of D1 has at most 2 MB. */
function batchesOf(claims: readonly KeptClaim[]): (readonly KeptClaim[])[] {
  return Array.from({ length: Math.ceil(claims.length / MOST_IN_STATEMENT) }, (_, n) =>
    claims.slice(n * MOST_IN_STATEMENT, (n + 1) * MOST_IN_STATEMENT),
  )
}
