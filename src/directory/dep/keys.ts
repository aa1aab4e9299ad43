/** The only SQL on `dep_keys`: key pairs that Apple encrypts tokens for. Private keys are sealed. */
import { Buffer } from 'node:buffer'
import { createPrivateKey, type KeyObject } from 'node:crypto'
import type { Sealer } from '../../pki/seal/seal.ts'
import { readAll, readOne, sql, write } from '../sql.ts'

/** A key pair, as lists show it. `account` is empty as long as it waits for its first token. */
export interface DepKeyRow {
  /** The certificate's serial number, hexadecimal. */
  readonly serial: string
  readonly account: string
  /** DER. */
  readonly certificate: Uint8Array
  /** Milliseconds. */
  readonly createdAt: number
}

export interface NewDepKey {
  readonly serial: string
  readonly certificate: Uint8Array
  readonly key: KeyObject
}

interface StoredKey {
  readonly serial: string
  readonly account: string
  /** D1 answers bytes as numbers. */
  readonly certificate: readonly number[]
  readonly createdAt: number
}

const ROW = sql`SELECT serial, account, certificate, created_at AS createdAt FROM dep_keys`

/** Stores a key pair. One that is there already stays. */
export async function addDepKey(
  d1: D1Database,
  sealer: Sealer,
  { serial, certificate, key }: NewDepKey,
  now: number,
): Promise<void> {
  const pkcs8 = new Uint8Array(key.export({ type: 'pkcs8', format: 'der' }))
  const sealed = sealer.seal(pkcs8, place(serial))
  await write(
    d1,
    sql`INSERT INTO dep_keys (serial, certificate, sealed_key, created_at)
      VALUES (${serial}, ${certificate}, ${sealed}, ${now}) ON CONFLICT DO NOTHING`,
  )
}

/** A key pair by the serial number of its certificate. @throws SealError when the key cannot be opened */
export async function openDepKey(
  d1: D1Database,
  sealer: Sealer,
  serial: string,
): Promise<{ readonly certificate: Uint8Array; readonly key: KeyObject } | undefined> {
  const found = sql<{ certificate: readonly number[]; sealed: readonly number[] }>`
    SELECT certificate, sealed_key AS sealed FROM dep_keys WHERE serial = ${serial}`
  const row = await readOne(d1, found)
  return (
    row && {
      certificate: new Uint8Array(row.certificate),
      key: createPrivateKey({
        key: Buffer.from(sealer.open(new Uint8Array(row.sealed), place(serial))),
        format: 'der',
        type: 'pkcs8',
      }),
    }
  )
}

/** The newest key pair of an account; of those that wait for a token when `account` is empty. */
export async function newestDepKey(
  d1: D1Database,
  account: string,
): Promise<DepKeyRow | undefined> {
  const newest = sql<StoredKey>`${ROW} WHERE account = ${account} ORDER BY created_at DESC, serial LIMIT 1`
  const row = await readOne(d1, newest)
  return row && rowOf(row)
}

/** All key pairs, newest first. */
export async function listDepKeys(d1: D1Database): Promise<readonly DepKeyRow[]> {
  return (await readAll(d1, sql<StoredKey>`${ROW} ORDER BY created_at DESC, serial`)).map(rowOf)
}

/** A token for this key pair has come: the key pair belongs to the account from now on. */
export async function claimDepKey(d1: D1Database, serial: string, account: string): Promise<void> {
  await write(d1, sql`UPDATE dep_keys SET account = ${account} WHERE serial = ${serial}`)
}

function rowOf(row: StoredKey): DepKeyRow {
  return { ...row, certificate: new Uint8Array(row.certificate) }
}

function place(serial: string): string {
  return `directory/dep_keys/${serial}`
}
