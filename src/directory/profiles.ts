import { type ProfileSummary, profileSummary } from '../enroll/profile-in.ts'
import type { StoredProfile } from '../enroll/stored-profile.ts'
import { decodeBase64, encodeBase64 } from '../plist/base64.ts'
import { type Counted, type PageOf, readPage } from './order.ts'
import { among, insert, type Picked, readAll, readOne, select, sql, write } from './sql.ts'
import { OwnError } from '../reason.ts'

const ROW = ['identifier', 'mobileconfig'] as const

/** The stored profile of that identifier, if there is one. */
export async function storedProfile(
  db: D1Database,
  identifier: string,
): Promise<StoredProfile | undefined> {
  const row = await readOne(db, select('profiles', ROW, sql`WHERE identifier = ${identifier}`))
  return row && profileOf(row)
}

/** All of them, in the order of their identifiers. */
export async function storedProfiles(db: D1Database): Promise<StoredProfile[]> {
  const rows = await readAll(db, select('profiles', ROW, sql`ORDER BY identifier`))
  return rows.map(profileOf)
}

/** Of some identifiers, those that have a stored profile. */
export async function storedProfileIds(
  db: D1Database,
  identifiers: readonly string[],
): Promise<ReadonlySet<string>> {
  const meant = sql`WHERE identifier IN ${among(identifiers)}`
  const rows = await readAll(db, select('profiles', ['identifier'], meant))
  return new Set(rows.map(({ identifier }) => identifier))
}

/**
 * Profiles by their identifiers, in base64 as they are stored. Together they have at most so many
 * characters: those that are too many come as empty texts.
 */
export async function profileBodies(
  db: D1Database,
  identifiers: readonly string[],
  most: number,
): Promise<ReadonlyMap<string, string>> {
  const rows = await readAll(
    db,
    sql<{ identifier: string; body: string }>`SELECT identifier,
      iif(sum(length(mobileconfig)) OVER (ORDER BY identifier) <= ${most}, mobileconfig, '') AS body
      FROM profiles WHERE identifier IN ${among(identifiers)}`,
  )
  return new Map(rows.map(({ identifier, body }) => [identifier, body]))
}

export interface ListedProfile extends ProfileSummary {
  readonly id: string
  /** In bytes. */
  readonly size: number
  /** Milliseconds; 0 if it was stored before this was noted. */
  readonly changedAt: number
}

/** A page of them, without their bytes. */
export async function listProfiles(
  d1: D1Database,
  page: PageOf<'id'>,
): Promise<Counted<ListedProfile>> {
  const size = sql<number>`length(rtrim(mobileconfig, '=')) * 3 / 4`
  const key = 'identifier'
  const keys = [key, 'name', 'payloadTypes', 'signedBy', 'changedAt'] as const
  const { rows, total } = await readPage(
    d1,
    { table: 'profiles', keys, more: { size }, by: key, id: key },
    page,
  )
  const listed = rows.map(({ identifier: id, payloadTypes, ...row }) => ({
    ...row,
    id,
    payloadTypes: payloadTypes.split(',').filter(Boolean),
  }))
  return { rows: listed, total }
}

/** Stores a profile in place of one of the same identifier. @param now milliseconds */
export async function storeProfile(
  db: D1Database,
  profile: StoredProfile,
  now: number,
): Promise<void> {
  const instead = sql`ON CONFLICT (identifier) DO UPDATE SET mobileconfig = excluded.mobileconfig,
    name = excluded.name, payload_types = excluded.payload_types, signed_by = excluded.signed_by,
    changed_at = excluded.changed_at`
  await write(db, insert('profiles', rowWith(profile, now), instead))
}

/** @returns whether there was one */
export async function removeProfile(db: D1Database, identifier: string): Promise<boolean> {
  return (await write(db, sql`DELETE FROM profiles WHERE identifier = ${identifier}`)) > 0
}

function profileOf(row: Picked<'profiles', (typeof ROW)[number]>): StoredProfile {
  const bytes = decodeBase64(row.mobileconfig, '\r\n')
  if (typeof bytes === 'number') {
    throw new OwnError(`the stored profile ${row.identifier} is damaged`)
  }
  return { identifier: row.identifier, mobileconfig: bytes }
}

/** Stores a profile unless there is one with its identifier. @returns whether it was stored */
export async function addProfile(
  db: D1Database,
  profile: StoredProfile,
  now: number,
): Promise<boolean> {
  return (
    (await write(db, insert('profiles', rowWith(profile, now), sql`ON CONFLICT DO NOTHING`))) > 0
  )
}

function rowWith({ identifier, mobileconfig }: StoredProfile, now: number) {
  const { name, payloadTypes, signedBy } = profileSummary(mobileconfig)
  return {
    identifier,
    mobileconfig: encodeBase64(mobileconfig),
    name,
    payloadTypes: payloadTypes.join(','),
    signedBy,
    changedAt: now,
  }
}
