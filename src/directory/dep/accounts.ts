/** The only SQL on `dep_accounts`: the list of accounts, and the rules of each. */
import type { DepRule } from '../../dep/rules.ts'
import { jsonOf, readAll, readOne, sql, write, writeAll } from '../sql.ts'

/** An account as lists show it. Times are milliseconds. */
export interface DepAccountRow {
  readonly id: string
  /** Apple's id of the server entry; empty until Apple has told it. */
  readonly serverUuid: string
  readonly serverName: string
  readonly organization: string
  readonly addedAt: number
  /** When its newest token came. */
  readonly tokenAt: number
}

const ROW = sql`SELECT id, server_uuid AS serverUuid, server_name AS serverName, organization,
  added_at AS addedAt, token_at AS tokenAt FROM dep_accounts`

/** All accounts, the one with the newest token first. */
export function listAccounts(d1: D1Database): Promise<readonly DepAccountRow[]> {
  return readAll(d1, sql<DepAccountRow>`${ROW} ORDER BY token_at DESC, id`)
}

/** The account whose token came last. */
export function newestAccount(d1: D1Database): Promise<DepAccountRow | undefined> {
  return readOne(d1, sql<DepAccountRow>`${ROW} ORDER BY token_at DESC, id LIMIT 1`)
}

export function findAccount(d1: D1Database, id: string): Promise<DepAccountRow | undefined> {
  return readOne(d1, sql<DepAccountRow>`${ROW} WHERE id = ${id}`)
}

/** The account of a server entry at Apple. @param serverUuid not empty */
export function accountOfServer(
  d1: D1Database,
  serverUuid: string,
): Promise<DepAccountRow | undefined> {
  return readOne(d1, sql<DepAccountRow>`${ROW} WHERE server_uuid = ${serverUuid}`)
}

/** Lists an account, or notes the newer token of one. Empty details keep what is known. */
export async function putAccount(
  d1: D1Database,
  { id, serverUuid, serverName, organization, tokenAt }: Omit<DepAccountRow, 'addedAt'>,
): Promise<void> {
  await write(
    d1,
    sql`INSERT INTO dep_accounts (id, server_uuid, server_name, organization, added_at, token_at)
      VALUES (${id}, ${serverUuid}, ${serverName}, ${organization}, ${tokenAt}, ${tokenAt})
      ON CONFLICT (id) DO UPDATE SET token_at = excluded.token_at,
        server_uuid = coalesce(nullif(excluded.server_uuid, ''), server_uuid),
        server_name = coalesce(nullif(excluded.server_name, ''), server_name),
        organization = coalesce(nullif(excluded.organization, ''), organization)`,
  )
}

/** What Apple says of an account. A row that says the same is not written. */
export async function noteAccountDetail(
  d1: D1Database,
  { id, serverUuid, serverName, organization }: Omit<DepAccountRow, 'addedAt' | 'tokenAt'>,
): Promise<void> {
  await write(
    d1,
    sql`UPDATE dep_accounts SET server_uuid = ${serverUuid}, server_name = ${serverName},
      organization = ${organization} WHERE id = ${id} AND
      (server_uuid, server_name, organization) <> (${serverUuid}, ${serverName}, ${organization})`,
  )
}

/** The ordered rules of automatic assignment. */
export async function readRules(d1: D1Database, id: string): Promise<readonly DepRule[]> {
  const found = sql<{ rules: string }>`SELECT rules FROM dep_accounts WHERE id = ${id}`
  return JSON.parse((await readOne(d1, found))?.rules ?? '[]')
}

/** Stores rules. The account's object uses them from its next page on; its `plan()` at once. */
export async function storeRules(
  d1: D1Database,
  id: string,
  rules: readonly DepRule[],
): Promise<void> {
  await write(d1, sql`UPDATE dep_accounts SET rules = ${jsonOf(rules)} WHERE id = ${id}`)
}

/** Removes an account with its devices and profiles. Its key pair may get another token. */
export async function removeAccount(d1: D1Database, id: string): Promise<void> {
  await writeAll(d1, [
    sql`DELETE FROM dep_devices WHERE account = ${id}`,
    sql`DELETE FROM dep_profiles WHERE account = ${id}`,
    sql`UPDATE dep_keys SET account = '' WHERE account = ${id}`,
    sql`DELETE FROM dep_accounts WHERE id = ${id}`,
  ])
}
