/** Certificates that the server issued. Each is recorded before it is handed out, once per request. */
import { Buffer } from 'node:buffer'
import type { Certificate } from '../pki/x509/certificate.ts'
import type { Binding } from '../pki/seal/challenge.ts'
import { isClaimed } from './identities.ts'
import { jsonOf, listedValue, readOne, select, type Sql, sql, write, writeAll } from './sql.ts'

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
/** In place of the digest of a UDID. */
const NO_DEVICE = '-'
/** How many certificates one step judges, and how many steps a round has. */
const BATCH = 5000
const BATCHES = 20

/** The certificate that answered a request. */
export async function issuedFor(
  d1: D1Database,
  request: string,
): Promise<IssuedCertificate | undefined> {
  return one(d1, sql`request = ${request}`)
}

/** A certificate of ours by its fingerprint. */
export async function issuedAs(
  d1: D1Database,
  fingerprint: string,
): Promise<IssuedCertificate | undefined> {
  return one(d1, sql`fingerprint = ${fingerprint}`)
}

async function one(d1: D1Database, which: Sql): Promise<IssuedCertificate | undefined> {
  const keys = ['fingerprint', 'authority', 'issuedAt', 'notAfter', 'der'] as const
  const row = await readOne(d1, select('certificates', keys, sql`WHERE ${which}`))
  return row && { ...row, der: new Uint8Array(row.der) }
}

/** The certificate that consumed a challenge, by the challenge's hash, as a part of a batch. */
export function consumerQuery(challenge: string) {
  return select('certificates', ['fingerprint'], sql`WHERE challenge = ${challenge}`)
}

/** The version of the profile and the binding that a certificate was issued with, as a part of a batch. */
export function bindingQuery(fingerprint: string) {
  const keys = ['profile', 'boundUdid', 'boundSerial'] as const
  return select('certificates', keys, sql`WHERE fingerprint = ${fingerprint}`)
}

/** How many certificates an authority issued, as a value of a query. */
export function issuedBy(authority: Sql): Sql<number> {
  return sql`(SELECT count(*) FROM certificates WHERE authority = ${authority})`
}

/** The same as a value of a query: JSON, or null. */
export function issuedValue(fingerprint: Sql): Sql<string | null> {
  return sql`(SELECT json_object('profile', profile, 'udid', bound_udid, 'serial', bound_serial)
    FROM certificates WHERE certificates.fingerprint = ${fingerprint})`
}

/** Whether a certificate is bound to another device than the one with this digest. */
export function isBoundElsewhere(fingerprint: Sql, by: 'udid' | 'serial', digest: Sql): Sql {
  const bound = by === 'udid' ? sql`bound_udid` : sql`bound_serial`
  return sql`EXISTS (SELECT 1 FROM certificates
    WHERE certificates.fingerprint = ${fingerprint} AND ${bound} NOT IN ('', ${digest}))`
}

/** Whether there is a row for a certificate. */
export function isRecorded(fingerprint: Sql | string): Sql {
  return sql`EXISTS (SELECT 1 FROM certificates WHERE certificates.fingerprint = ${fingerprint})`
}

/** Whether another certificate may be issued now for a challenge that anyone can get. */
export async function isWithinRate(d1: D1Database, rate: number, now: number): Promise<boolean> {
  const row = await readOne(d1, sql<{ n: number }>`SELECT ${issuedLately(now)} AS n`)
  return (row?.n ?? 0) < rate
}

function issuedLately(now: number): Sql {
  return sql`(SELECT count(*) FROM certificates WHERE counted = 1 AND issued_at > ${now - MINUTE})`
}

/** Separates a request from its certificate, as a part of a batch: the client means another one by now. */
export function releaseQuery(request: string, fingerprint: string): Sql {
  return sql`UPDATE certificates SET request = NULL
    WHERE request = ${request} AND fingerprint = ${fingerprint}`
}

/**
 * Inserts a row under a condition, as a part of a batch. The first certificate for a request, and the first
 * for a challenge, wins. A successor stays bound to the device of its predecessor.
 */
export function insertQuery(
  { fingerprint, serial, subjectText, notAfter, der }: Certificate,
  row: NewRow,
  condition: Sql,
): Sql {
  const { request, authority, now, challenge, profile, binding, renews, rate } = row
  const predecessors = (column: Sql, own: string): Sql =>
    sql`coalesce((SELECT ${column} FROM certificates WHERE fingerprint = ${renews}), ${own})`
  return sql`INSERT INTO certificates (fingerprint, request, authority, serial, subject, issued_at,
      not_after, der, challenge, profile, bound_udid, bound_serial, counted, kept_until)
    SELECT ${fingerprint}, ${request}, ${authority}, ${serial}, ${subjectText}, ${now},
      ${notAfter}, ${der}, ${challenge}, ${profile}, ${predecessors(sql`bound_udid`, binding.udid)},
      ${predecessors(sql`bound_serial`, binding.serial)}, ${Number(rate !== undefined)},
      ${Math.max(now + UNUSED_FOR, row.keptUntil)}
    WHERE NOT EXISTS (SELECT 1 FROM certificates WHERE challenge = ${challenge})
      AND ${rate === undefined ? sql`1` : sql`${issuedLately(now)} < ${rate}`} AND ${condition}
    ON CONFLICT (request) DO NOTHING`
}

/**
 * For the daily round: deletes certificates that no device has used, and that no device may use any more.
 * These are the ones that are too old, and the oldest of those for challenges that anyone can get, if there
 * are more than `most`.
 */
export async function forgetUnused(d1: D1Database, now: number, most = MOST_UNUSED): Promise<void> {
  const isUsed = isClaimed(sql`certificates.fingerprint`)
  const due = sql`fingerprint IN (SELECT fingerprint FROM certificates
    WHERE kept_until > 0 AND kept_until <= ${now} ORDER BY kept_until LIMIT ${BATCH})`
  for (let n = 0; n < BATCHES; n++) {
    const results = await writeAll(d1, [
      sql`UPDATE certificates SET kept_until = 0, counted = 0 WHERE ${due} AND ${isUsed}`,
      sql`DELETE FROM certificates WHERE ${due} AND NOT ${isUsed}`,
      sql`DELETE FROM certificates WHERE fingerprint IN (SELECT fingerprint FROM certificates
        WHERE counted = 1 AND NOT ${isUsed} ORDER BY issued_at DESC LIMIT ${BATCH} OFFSET ${most})`,
    ])
    if (results.every(({ meta }) => meta.changes === 0)) {
      return
    }
  }
}

/**
 * Ends a certificate that no device has used. The challenge of a download has no row but the certificate's:
 * that row stays for its time, bound to no device.
 */
export async function dropUnused(
  d1: D1Database,
  fingerprint: string,
): Promise<'dropped' | 'used' | 'unknown'> {
  const which = sql`fingerprint = ${fingerprint} AND NOT ${isClaimed(fingerprint)}`
  const results = await writeAll(d1, [
    sql`UPDATE certificates SET bound_udid = ${NO_DEVICE}, request = NULL
      WHERE ${which} AND profile > 0`,
    sql`DELETE FROM certificates WHERE ${which} AND profile = 0`,
  ])
  if (results.some(({ meta }) => meta.changes > 0)) {
    return 'dropped'
  }
  return (await issuedAs(d1, fingerprint)) ? 'used' : 'unknown'
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
  const of = listedValue
  const statement = sql`INSERT OR IGNORE INTO certificates
    (fingerprint, authority, serial, subject, issued_at, not_after, der, moved)
    SELECT ${of('fingerprint')}, ${of('authority')}, ${of('serial')}, ${of('subject')}, ${of('issuedAt')},
      ${of('notAfter')}, unhex(${of('der')}), 1 FROM json_each(${rows}) AS listed`
  await write(d1, statement)
}

/** Whether the row of a certificate came from another server. */
export function isMoved(fingerprint: Sql): Sql {
  return sql`EXISTS (SELECT 1 FROM certificates WHERE certificates.fingerprint = ${fingerprint} AND moved)`
}
