import { asc, eq, sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/d1'
import type { StoredProfile } from '../enroll/stored-profile.ts'
import { decodeBase64, encodeBase64 } from '../plist/base64.ts'
import { type Counted, type PageOf, readPage } from './order.ts'
import { profiles } from './schema.ts'
import { OwnError } from '../reason.ts'

/** The stored profile of that identifier, if there is one. */
export async function storedProfile(
  db: D1Database,
  identifier: string,
): Promise<StoredProfile | undefined> {
  const [row] = await drizzle(db).select().from(profiles).where(eq(profiles.identifier, identifier))
  return row && profileOf(row)
}

/** All of them, in the order of their identifiers. */
export async function storedProfiles(db: D1Database): Promise<StoredProfile[]> {
  const rows = await drizzle(db).select().from(profiles).orderBy(asc(profiles.identifier))
  return rows.map(profileOf)
}

/** A page of them, without their bytes. */
export async function listProfiles(
  d1: D1Database,
  page: PageOf<'id'>,
): Promise<Counted<{ readonly id: string; readonly size: number }>> {
  const { identifier: id, mobileconfig } = profiles
  const size = sql<number>`length(rtrim(${mobileconfig}, '=')) * 3 / 4`
  const db = drizzle(d1)
  const query = db.select({ id, size }).from(profiles).$dynamic()
  return readPage(db, query, { table: profiles, by: id, id }, page)
}

/** Stores a profile in place of one of the same identifier. */
export async function storeProfile(db: D1Database, profile: StoredProfile): Promise<void> {
  const mobileconfig = encodeBase64(profile.mobileconfig)
  await drizzle(db)
    .insert(profiles)
    .values({ identifier: profile.identifier, mobileconfig })
    .onConflictDoUpdate({ target: profiles.identifier, set: { mobileconfig } })
}

/** @returns whether there was one */
export async function removeProfile(db: D1Database, identifier: string): Promise<boolean> {
  const removed = await drizzle(db)
    .delete(profiles)
    .where(eq(profiles.identifier, identifier))
    .returning({ identifier: profiles.identifier })
  return removed.length > 0
}

function profileOf(row: typeof profiles.$inferSelect): StoredProfile {
  const bytes = decodeBase64(row.mobileconfig, '\r\n')
  if (typeof bytes === 'number') {
    throw new OwnError(`the stored profile ${row.identifier} is damaged`)
  }
  return { identifier: row.identifier, mobileconfig: bytes }
}

/** Stores a profile unless there is one with its identifier. @returns whether it was stored */
export async function addProfile(db: D1Database, profile: StoredProfile): Promise<boolean> {
  const { identifier } = profile
  const added = await drizzle(db)
    .insert(profiles)
    .values({ identifier, mobileconfig: encodeBase64(profile.mobileconfig) })
    .onConflictDoNothing()
    .returning({ identifier: profiles.identifier })
  return added.length > 0
}
