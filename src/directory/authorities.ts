/** The server's certificate authorities in D1, with sealed keys. */
import { Buffer } from 'node:buffer'
import { createPrivateKey } from 'node:crypto'
import { warn } from '../log.ts'
import { reasonOf } from '../reason.ts'
import { type Authority, authorityWarning } from '../pki/x509/authority.ts'
import type { Anchor } from '../pki/x509/path.ts'
import type { Sealer } from '../pki/seal/seal.ts'
import { type Certificate, readCertificate } from '../pki/x509/certificate.ts'
import { issuedBy } from './certificates.ts'
import { readAll, readOne, returning, select, type Sql, sql, write, writeAll } from './sql.ts'

/** An authority as an admin sees it. */
export interface ListedAuthority {
  readonly certificate: Certificate
  readonly imported: boolean
  readonly addedAt: number
  /** How many certificates it issued here. */
  readonly issued: number
}

const newestFirst = sql`ORDER BY added_at DESC, key_id`

/** Certificates of our authorities, all of which are accepted. The first is the one that issues. */
export async function authorityCertificates(d1: D1Database): Promise<Certificate[]> {
  const rows = await readAll(d1, select('authorities', ['certificate'], newestFirst))
  return rows.map(({ certificate }) => readCertificate(new Uint8Array(certificate)))
}

/** The same as trust anchors, each with its row of the path policy. */
export async function authorityAnchors(d1: D1Database): Promise<Anchor[]> {
  const rows = await readAll(d1, select('authorities', ['certificate', 'imported'], sql``))
  return rows.map((row) => ({
    certificate: readCertificate(new Uint8Array(row.certificate)),
    row: row.imported ? 'imported' : 'own',
  }))
}

/**
 * Our authorities with their keys, the issuing one first. An earlier one whose key cannot be opened is left
 * out: its certificates are accepted all the same.
 *
 * @throws SealError when the key of the issuing one cannot be opened
 */
export async function loadAuthorities(d1: D1Database, sealer: Sealer): Promise<Authority[]> {
  const rows = await readAll(
    d1,
    select('authorities', ['keyId', 'certificate', 'sealedKey'], newestFirst),
  )
  return rows.flatMap(({ keyId, certificate, sealedKey }, n) => {
    const sealed = new Uint8Array(sealedKey)
    const key = n === 0 ? sealer.open(sealed, place(keyId)) : tryOpen(sealer, sealed, keyId)
    return key === undefined
      ? []
      : [
          {
            certificate: readCertificate(new Uint8Array(certificate)),
            key: createPrivateKey({ key: Buffer.from(key), format: 'der', type: 'pkcs8' }),
          },
        ]
  })
}

function tryOpen(sealer: Sealer, sealed: Uint8Array, keyId: string): Uint8Array | undefined {
  try {
    return sealer.open(sealed, place(keyId))
  } catch (error) {
    warn('ca:not-opened', { ca: keyId, reason: reasonOf(error) })
    return undefined
  }
}

export async function listAuthorities(d1: D1Database): Promise<ListedAuthority[]> {
  const rows = await readAll(
    d1,
    select('authorities', ['certificate', 'imported', 'addedAt'], newestFirst, {
      issued: issuedBy(sql`authorities.key_id`),
    }),
  )
  return rows.map((row) => ({
    ...row,
    imported: row.imported === 1,
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
  const pkcs8 = new Uint8Array(key.export({ type: 'pkcs8', format: 'der' }))
  const sealedKey = sealer.seal(pkcs8, place(keyId))
  // Strictly above the others, even within one millisecond.
  const addedAt = sql`max(${facts.now}, coalesce((SELECT max(added_at) + 1 FROM authorities), 0))`
  const install = sql`INSERT INTO authorities
      (key_id, certificate, sealed_key, imported, next_serial, added_at)
    VALUES (${keyId}, ${certificate.der}, ${sealedKey}, ${Number(facts.imported)},
      ${facts.nextSerial ?? null}, ${addedAt})
    ON CONFLICT (key_id) DO UPDATE SET certificate = excluded.certificate,
      sealed_key = excluded.sealed_key, imported = excluded.imported, added_at = excluded.added_at,
      next_serial = max(coalesce(next_serial, excluded.next_serial),
        coalesce(excluded.next_serial, next_serial))`
  const [issuing] = facts.keepsIssuer ? await authorityCertificates(d1) : []
  const keep = sql`UPDATE authorities SET added_at = (SELECT max(added_at) + 1 FROM authorities)
    WHERE key_id = ${issuing?.keyId ?? ''}`
  await writeAll(d1, [install, keep])
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
  await write(d1, sql`DELETE FROM authorities WHERE key_id = ${keyId}`)
}

/** When an authority was last imported from another server (milliseconds); undefined when none was. */
export async function lastImport(d1: D1Database): Promise<number | undefined> {
  const last = sql<{
    at: number | null
  }>`SELECT max(added_at) AS at FROM authorities WHERE imported`
  return (await readOne(d1, last))?.at ?? undefined
}

/** Whether certificates of an authority are accepted. */
export function isAccepted(keyId: Sql): Sql {
  return sql`EXISTS (SELECT 1 FROM authorities WHERE key_id = ${keyId})`
}

/** Whether an authority is this server's own from its beginning. */
export function isBornHere(keyId: Sql): Sql {
  return sql`EXISTS (SELECT 1 FROM authorities WHERE key_id = ${keyId} AND NOT imported)`
}

/** Whether an authority was imported before a time (milliseconds). */
export function isImportedBefore(keyId: Sql, time: Sql): Sql {
  return sql`EXISTS (SELECT 1 FROM authorities
    WHERE key_id = ${keyId} AND imported AND added_at < ${time})`
}

/** Takes the next number of an authority's imported counter; undefined without a counter. */
export async function takeSerial(d1: D1Database, keyId: string): Promise<number | undefined> {
  const take = sql`UPDATE authorities SET next_serial = next_serial + 1
    WHERE key_id = ${keyId} AND next_serial IS NOT NULL`
  const row = await readOne(d1, returning(take, 'authorities', ['nextSerial']))
  return typeof row?.nextSerial === 'number' ? row.nextSerial - 1 : undefined
}

function place(keyId: string): string {
  return `directory/authorities/${keyId}`
}
