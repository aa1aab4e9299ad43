/** The only SQL on `setup_users`: administrator accounts that Macs get, their secrets sealed. */
import { SealError, type Sealer } from '../../pki/seal/seal.ts'
import { among, readAll, type Sql, sql, write } from '../sql.ts'

/** A user as MicroMDM has it, and how it gets its password. */
export interface SetupUser {
  readonly uuid: string
  readonly shortName: string
  readonly longName: string
  readonly hidden: boolean
  /** Each device gets a password of its own; there is no hash then. */
  readonly generates: boolean
  /** base64 of the hash; empty without one. */
  readonly passwordHash: string
  /** MicroMDM's, kept for its clients. */
  readonly udid: string
  readonly userId: string
  readonly authToken: string
}

type SealedPart = Pick<SetupUser, 'passwordHash' | 'udid' | 'userId' | 'authToken'>

export interface StoredSetupUser extends SetupUser {
  /** Milliseconds. */
  readonly changedAt: number
  /** Why the sealed values cannot be opened; they are empty then. */
  readonly unreadable?: string
}

interface UserRow {
  readonly uuid: string
  readonly shortName: string
  readonly longName: string
  readonly hidden: number
  readonly generates: number
  readonly sealed: readonly number[]
  readonly changedAt: number
}

const NOTHING: SealedPart = { passwordHash: '', udid: '', userId: '', authToken: '' }

/** All users, or those with these uuids, in the order of the uuids. */
export async function readSetupUsers(
  d1: D1Database,
  sealer: Sealer,
  uuids?: readonly string[],
): Promise<StoredSetupUser[]> {
  const which: Sql = uuids ? sql`WHERE uuid IN ${among(uuids)}` : sql``
  const rows = await readAll(
    d1,
    sql<UserRow>`SELECT uuid, short_name AS shortName, long_name AS longName, hidden, generates, sealed,
      changed_at AS changedAt FROM setup_users ${which} ORDER BY uuid`,
  )
  return rows.map((row) => readUser(row, sealer))
}

function readUser({ sealed, hidden, generates, ...row }: UserRow, sealer: Sealer): StoredSetupUser {
  const open = { ...row, hidden: hidden === 1, generates: generates === 1 }
  try {
    const bytes = sealer.open(Uint8Array.from(sealed), placeOf(row.uuid))
    const opened: SealedPart = JSON.parse(new TextDecoder().decode(bytes))
    return { ...open, ...opened }
  } catch (error) {
    if (!(error instanceof SealError)) {
      throw error
    }
    return { ...open, ...NOTHING, unreadable: error.message }
  }
}

/** Stores a user in place of one with its uuid. */
export async function storeSetupUser(
  d1: D1Database,
  sealer: Sealer,
  { passwordHash, udid, userId, authToken, ...open }: SetupUser,
  now: number,
): Promise<void> {
  const secrets: SealedPart = { passwordHash, udid, userId, authToken }
  const { uuid, shortName, longName, hidden, generates } = open
  const sealed = sealer.seal(new TextEncoder().encode(JSON.stringify(secrets)), placeOf(uuid))
  await write(
    d1,
    sql`INSERT OR REPLACE INTO setup_users
      (uuid, short_name, long_name, hidden, generates, sealed, changed_at)
      VALUES (${uuid}, ${shortName}, ${longName}, ${Number(hidden)}, ${Number(generates)},
        ${sealed}, ${now})`,
  )
}

/** @returns whether there was one */
export async function removeSetupUser(d1: D1Database, uuid: string): Promise<boolean> {
  return (await write(d1, sql`DELETE FROM setup_users WHERE uuid = ${uuid}`)) > 0
}

function placeOf(uuid: string): string {
  return `directory/setup_users/${uuid}`
}

/** Of some uuids, those that users have. */
export async function setupUserIds(
  d1: D1Database,
  uuids: readonly string[],
): Promise<ReadonlySet<string>> {
  const rows = await readAll(
    d1,
    sql<{ uuid: string }>`SELECT uuid FROM setup_users WHERE uuid IN ${among(uuids)}`,
  )
  return new Set(rows.map(({ uuid }) => uuid))
}
