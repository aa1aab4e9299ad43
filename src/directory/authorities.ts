/** The server's certificate authorities in D1, with sealed keys. */
import { Buffer } from 'node:buffer'
import { createPrivateKey } from 'node:crypto'
import { and, desc, eq, isNotNull, type SQL, sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/d1'
import { warn } from '../log.ts'
import { type Authority, authorityWarning } from '../pki/x509/authority.ts'
import type { Anchor } from '../pki/x509/path.ts'
import type { Sealer } from '../pki/seal/seal.ts'
import { type Certificate, readCertificate } from '../pki/x509/certificate.ts'
import { issuedBy } from './certificates.ts'
import { authorities } from './schema.ts'

/** An authority as an admin sees it. */
export interface ListedAuthority {
  readonly certificate: Certificate
  readonly imported: boolean
  readonly addedAt: number
  /** How many certificates it issued here. */
  readonly issued: number
}

const newestFirst = [desc(authorities.addedAt), authorities.keyId]

/** Certificates of our authorities, all of which are accepted. The first is the one that issues. */
export async function authorityCertificates(d1: D1Database): Promise<Certificate[]> {
  const rows = await drizzle(d1)
    .select({ certificate: authorities.certificate })
    .from(authorities)
    .orderBy(...newestFirst)
  return rows.map(({ certificate }) => readCertificate(new Uint8Array(certificate)))
}

/** The same as trust anchors, each with its row of the path policy. */
export async function authorityAnchors(d1: D1Database): Promise<Anchor[]> {
  const { certificate, imported } = authorities
  const rows = await drizzle(d1).select({ certificate, imported }).from(authorities)
  return rows.map((row) => ({
    certificate: readCertificate(new Uint8Array(row.certificate)),
    row: row.imported ? 'imported' : 'own',
  }))
}

/** Our authorities with their keys, the issuing one first. @throws SealError when a key cannot be opened */
export async function loadAuthorities(d1: D1Database, sealer: Sealer): Promise<Authority[]> {
  const rows = await drizzle(d1)
    .select()
    .from(authorities)
    .orderBy(...newestFirst)
  return rows.map(({ keyId, certificate, sealedKey }) => ({
    certificate: readCertificate(new Uint8Array(certificate)),
    key: createPrivateKey({
      key: Buffer.from(sealer.open(new Uint8Array(sealedKey), place(keyId))),
      format: 'der',
      type: 'pkcs8',
    }),
  }))
}

export async function listAuthorities(d1: D1Database): Promise<ListedAuthority[]> {
  const rows = await drizzle(d1)
    .select({
      certificate: authorities.certificate,
      imported: authorities.imported,
      addedAt: authorities.addedAt,
      issued: issuedBy(authorities.keyId),
    })
    .from(authorities)
    .orderBy(...newestFirst)
  return rows.map((row) => ({
    ...row,
    certificate: readCertificate(new Uint8Array(row.certificate)),
  }))
}

/**
 * Makes an authority the one that issues. Earlier ones are only accepted from now on. A key that is there
 * already gets the new certificate, and its counter never goes back. With `keepsIssuer` the one that issues
 * now goes on, if there is one.
 */
export async function installAuthority(
  d1: D1Database,
  sealer: Sealer,
  { certificate, key }: Authority,
  facts: {
    readonly imported: boolean
    readonly nextSerial: number | undefined
    readonly now: number
    readonly keepsIssuer?: boolean
  },
): Promise<void> {
  const { keyId } = certificate
  const db = drizzle(d1)
  const pkcs8 = new Uint8Array(key.export({ type: 'pkcs8', format: 'der' }))
  const row = {
    certificate: Buffer.from(certificate.der),
    sealedKey: Buffer.from(sealer.seal(pkcs8, place(keyId))),
    imported: facts.imported,
    nextSerial: facts.nextSerial ?? null,
    // Strictly above the others, even within one millisecond.
    addedAt: sql`max(${facts.now}, coalesce((SELECT max(added_at) + 1 FROM authorities), 0))`,
  }
  const { nextSerial } = authorities
  const install = db
    .insert(authorities)
    .values({ keyId, ...row })
    .onConflictDoUpdate({
      target: authorities.keyId,
      set: {
        ...row,
        nextSerial: sql`max(coalesce(${nextSerial}, excluded.next_serial),
          coalesce(excluded.next_serial, ${nextSerial}))`,
      },
    })
  const [issuing] = facts.keepsIssuer ? await authorityCertificates(d1) : []
  const keep = db
    .update(authorities)
    .set({ addedAt: sql`(SELECT max(added_at) + 1 FROM ${authorities})` })
    .where(eq(authorities.keyId, issuing?.keyId ?? ''))
  await db.batch([install, keep])
}

/**
 * For the daily round: when an issuing authority expires without a successor, identities are no longer
 * renewed.
 */
export async function warnOfCAExpiry(d1: D1Database, now: number): Promise<void> {
  const [issuing] = await authorityCertificates(d1)
  const reason = issuing && authorityWarning(issuing, now)
  if (reason !== undefined) {
    warn('ca:expires', { reason })
  }
}

/** Stops accepting an authority's certificates. Devices that are known stay enrolled. */
export async function removeAuthority(d1: D1Database, keyId: string): Promise<void> {
  await drizzle(d1).delete(authorities).where(eq(authorities.keyId, keyId))
}

/** When an authority was last imported from another server (milliseconds); undefined when none was. */
export async function lastImport(d1: D1Database): Promise<number | undefined> {
  const [row] = await drizzle(d1)
    .select({ at: sql<number | null>`max(${authorities.addedAt})` })
    .from(authorities)
    .where(eq(authorities.imported, true))
  return row?.at ?? undefined
}

/** Whether certificates of an authority are accepted. */
export function isAccepted(keyId: string | SQL): SQL {
  return sql`EXISTS (SELECT 1 FROM ${authorities} WHERE ${authorities.keyId} = ${keyId})`
}

/** Whether an authority is this server's own from its beginning. */
export function isBornHere(keyId: SQL): SQL {
  return sql`EXISTS (SELECT 1 FROM ${authorities}
    WHERE ${authorities.keyId} = ${keyId} AND NOT ${authorities.imported})`
}

/** Whether an authority was imported before a time (milliseconds). */
export function isImportedBefore(keyId: SQL, time: SQL): SQL {
  return sql`EXISTS (SELECT 1 FROM ${authorities}
    WHERE ${authorities.keyId} = ${keyId} AND ${authorities.imported} AND ${authorities.addedAt} < ${time})`
}

/** Takes the next number of an authority's imported counter; undefined without a counter. */
export async function takeSerial(d1: D1Database, keyId: string): Promise<number | undefined> {
  const [row] = await drizzle(d1)
    .update(authorities)
    .set({ nextSerial: sql`${authorities.nextSerial} + 1` })
    .where(and(eq(authorities.keyId, keyId), isNotNull(authorities.nextSerial)))
    .returning({ next: authorities.nextSerial })
  return typeof row?.next === 'number' ? row.next - 1 : undefined
}

function place(keyId: string): string {
  return `directory/authorities/${keyId}`
}
