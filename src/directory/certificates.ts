/** Certificates that the server issued. Each is recorded before it is handed out, once per request. */
import { Buffer } from 'node:buffer'
import { and, eq, type Column, type SQL, sql } from 'drizzle-orm'
import { drizzle, type DrizzleD1Database } from 'drizzle-orm/d1'
import type { Certificate } from '../pki/x509/certificate.ts'
import type { Binding } from '../pki/seal/challenge.ts'
import { isClaimed } from './identities.ts'
import { jsonOf } from './prepared.ts'
import { certificates } from './schema.ts'

export interface IssuedCertificate {
  readonly fingerprint: string
  /** `keyId` of the authority that issued it. */
  readonly authority: string
  readonly issuedAt: number
  readonly notAfter: number
  readonly der: Uint8Array
}

/** The content of a new row, beside the certificate itself. */
export interface NewRow {
  readonly request: string
  readonly authority: string
  readonly now: number
  /** Hash of the one-time challenge that it consumes; `null` for none. */
  readonly challenge: string | null
  readonly profile: number
  readonly binding: Binding
  /** Fingerprint of the certificate that it renews; empty for none. */
  readonly renews: string
  /** How many certificates like it a minute may have; undefined for no limit. */
  readonly rate: number | undefined
  /** It is kept at least until then (milliseconds), so that its challenge stays consumed. */
  readonly keptUntil: number
}

/** How long a certificate is kept that no device has used. */
const UNUSED_FOR = 7 * 86_400_000
/** The most unused certificates that a daily round keeps, of challenges that anyone can get. */
const MOST_UNUSED = 20_000
const MINUTE = 60_000
/** How many certificates one step judges, and how many steps a round has. */
const BATCH = 5000
const BATCHES = 20

/** The certificate that answered a request. */
export async function issuedFor(
  d1: D1Database,
  request: string,
): Promise<IssuedCertificate | undefined> {
  return one(d1, eq(certificates.request, request))
}

/** A certificate of ours by its fingerprint. */
export async function issuedAs(
  d1: D1Database,
  fingerprint: string,
): Promise<IssuedCertificate | undefined> {
  return one(d1, eq(certificates.fingerprint, fingerprint))
}

async function one(d1: D1Database, which: SQL): Promise<IssuedCertificate | undefined> {
  const { fingerprint, authority, issuedAt, notAfter, der } = certificates
  const [row] = await drizzle(d1)
    .select({ fingerprint, authority, issuedAt, notAfter, der })
    .from(certificates)
    .where(which)
  return row && { ...row, der: new Uint8Array(row.der) }
}

/** The certificate that consumed a challenge, by the challenge's hash, as a part of a batch. */
export function consumerQuery(db: DrizzleD1Database, challenge: string) {
  return db
    .select({ certificate: certificates.fingerprint })
    .from(certificates)
    .where(eq(certificates.challenge, challenge))
}

/** The version of the profile and the binding that a certificate was issued with, as a part of a batch. */
export function bindingQuery(db: DrizzleD1Database, fingerprint: string) {
  const { profile, boundUdid: udid, boundSerial: serial } = certificates
  return db
    .select({ profile, udid, serial })
    .from(certificates)
    .where(eq(certificates.fingerprint, fingerprint))
}

/** How many certificates an authority issued, as a value of a query. */
export function issuedBy(authority: Column): SQL<number> {
  return sql`(SELECT count(*) FROM ${certificates} WHERE ${certificates.authority} = ${authority})`
}

/** The same as a value of a query: JSON, or null. */
export function issuedValue(fingerprint: SQL): SQL {
  const { profile, boundUdid, boundSerial } = certificates
  return sql`(SELECT json_object('profile', ${profile}, 'udid', ${boundUdid}, 'serial', ${boundSerial})
    FROM ${certificates} WHERE ${certificates.fingerprint} = ${fingerprint})`
}

/** Whether a certificate is bound to another device than the one with this digest. */
export function isBoundElsewhere(
  fingerprint: SQL,
  by: 'boundUdid' | 'boundSerial',
  digest: SQL,
): SQL {
  return sql`EXISTS (SELECT 1 FROM ${certificates}
    WHERE ${certificates.fingerprint} = ${fingerprint} AND ${certificates[by]} NOT IN ('', ${digest}))`
}

/** Whether there is a row for a certificate. */
export function isRecorded(fingerprint: string | SQL): SQL {
  return sql`EXISTS (SELECT 1 FROM ${certificates} WHERE ${certificates.fingerprint} = ${fingerprint})`
}

/** Whether another certificate may be issued now for a challenge that anyone can get. */
export async function isWithinRate(d1: D1Database, rate: number, now: number): Promise<boolean> {
  const row = await drizzle(d1).get<{ n: number }>(sql`SELECT ${issuedLately(now)} AS n`)
  return row.n < rate
}

function issuedLately(now: number): SQL {
  return sql`(SELECT count(*) FROM ${certificates}
    WHERE ${certificates.counted} = 1 AND ${certificates.issuedAt} > ${now - MINUTE})`
}

/** Separates a request from its certificate, as a part of a batch: the client means another one by now. */
export function releaseQuery(db: DrizzleD1Database, request: string, fingerprint: string) {
  return db
    .update(certificates)
    .set({ request: null })
    .where(and(eq(certificates.request, request), eq(certificates.fingerprint, fingerprint)))
}

/**
 * Inserts a row under a condition, as a part of a batch. The first certificate for a request, and the first
 * for a challenge, wins. A successor stays bound to the device of its predecessor.
 */
export function insertQuery(
  db: DrizzleD1Database,
  { fingerprint, serial, subjectText, notAfter, der }: Certificate,
  row: NewRow,
  condition: SQL,
) {
  const { request, authority, now, challenge, profile, binding, renews, rate } = row
  const predecessors = (column: Column, own: string): SQL =>
    sql`coalesce((SELECT ${column} FROM ${certificates}
      WHERE ${certificates.fingerprint} = ${renews}), ${own})`
  const isUnused = sql`NOT EXISTS (SELECT 1 FROM ${certificates}
    WHERE ${certificates.challenge} = ${challenge})`
  // The order of the table's columns.
  return db
    .insert(certificates)
    .select(
      sql`SELECT ${fingerprint}, ${request}, ${authority}, ${serial}, ${subjectText}, ${now}, ${notAfter},
          ${sql.param(der)}, ${challenge}, ${profile},
          ${predecessors(certificates.boundUdid, binding.udid)},
          ${predecessors(certificates.boundSerial, binding.serial)},
          ${Number(rate !== undefined)}, ${Math.max(now + UNUSED_FOR, row.keptUntil)}, 0
        WHERE ${isUnused} AND ${rate === undefined ? sql`1` : sql`${issuedLately(now)} < ${rate}`}
          AND ${condition}`,
    )
    .onConflictDoNothing({ target: certificates.request })
}

/**
 * For the daily round: deletes certificates that no device has used, and that no device may use any more.
 * These are the ones that are too old, and the oldest of those for challenges that anyone can get, if there
 * are more than `most`.
 */
export async function forgetUnused(d1: D1Database, now: number, most = MOST_UNUSED): Promise<void> {
  const { fingerprint, counted, issuedAt, keptUntil } = certificates
  const db = drizzle(d1)
  const isUsed = isClaimed(fingerprint)
  const due = sql`${fingerprint} IN (SELECT ${fingerprint} FROM ${certificates}
    WHERE ${keptUntil} > 0 AND ${keptUntil} <= ${now} ORDER BY ${keptUntil} LIMIT ${BATCH})`
  const tooMany = sql`${fingerprint} IN (SELECT ${fingerprint} FROM ${certificates}
    WHERE ${counted} = 1 AND NOT ${isUsed} ORDER BY ${issuedAt} DESC LIMIT ${BATCH} OFFSET ${most})`
  for (let n = 0; n < BATCHES; n++) {
    const results = await db.batch([
      db
        .update(certificates)
        .set({ keptUntil: 0, counted: false })
        .where(sql`${due} AND ${isUsed}`),
      db.delete(certificates).where(sql`${due} AND NOT ${isUsed}`),
      db.delete(certificates).where(tooMany),
    ])
    if (results.every(({ meta }) => meta.changes === 0)) {
      return
    }
  }
}

/** Records certificates that another server issued, once. They count as issued here. */
export async function recordMoved(
  d1: D1Database,
  moved: readonly { readonly certificate: Certificate; readonly authority: string }[],
): Promise<void> {
  const rows = jsonOf(
    moved.map(({ certificate, authority }) => ({
      authority,
      fingerprint: certificate.fingerprint,
      serial: certificate.serial,
      subject: certificate.subjectText,
      issuedAt: certificate.notBefore,
      notAfter: certificate.notAfter,
      der: Buffer.from(certificate.der).toString('hex'),
    })),
  )
  await drizzle(d1).run(sql`INSERT OR IGNORE INTO ${certificates}
    (fingerprint, authority, serial, subject, issued_at, not_after, der, moved)
    SELECT ${of('fingerprint')}, ${of('authority')}, ${of('serial')}, ${of('subject')}, ${of('issuedAt')},
      ${of('notAfter')}, unhex(${of('der')}), 1 FROM json_each(${rows}) AS listed`)
}

function of(key: string): SQL {
  return sql.raw(`listed.value ->> '${key}'`)
}

/** Whether the row of a certificate came from another server. */
export function isMoved(fingerprint: SQL): SQL {
  return sql`EXISTS (SELECT 1 FROM ${certificates}
    WHERE ${certificates.fingerprint} = ${fingerprint} AND ${certificates.moved})`
}
