/** Every reading of a secret by an admin, with its reason. */
import type { Db } from '../../../storage/db.ts'
import { channelIdSql } from '../commands/ids.ts'
import type { Context } from '../context.ts'

export type EscrowKind =
  | 'unlock_token'
  | 'bootstrap_token'
  | 'admin_password'
  | 'activation_lock_bypass'

/** The reader of a secret and the reason; stored with the time before the value leaves. */
export interface EscrowReader {
  readonly who: string
  /** Where the call came from, if the edge says so; empty otherwise. */
  readonly address: string
  readonly reason: string
}

/** What was read. `export`: all of the device's tokens, for another server. */
type ReadKind = EscrowKind | 'command' | 'export'

/** `token`: the number of a token, or of a command's row; 0 for an export. */
export type StoredRead = EscrowReader & {
  readonly at: number
  readonly kind: ReadKind
  readonly token: number
}

/** Entries that an answer lists; older ones stay in the object. */
const LISTED_READS = 1000

/** SQL: the channels of commands whose secrets were read. */
export const CHANNELS_WITH_READS = `SELECT ${channelIdSql('token')} FROM escrow_reads WHERE kind = 'command'`
/** SQL: the numbers of tokens that were read. */
export const TOKENS_WITH_READS = "SELECT token FROM escrow_reads WHERE kind <> 'command'"

export function recordRead(
  context: Context,
  kind: ReadKind,
  token: number,
  { who, address, reason }: EscrowReader,
): void {
  context.db.run(
    'INSERT INTO escrow_reads (at, kind, token, who, address, reason) VALUES (?, ?, ?, ?, ?, ?)',
    context.now,
    kind,
    token,
    who,
    address,
    reason,
  )
  context.effects.notes.push({ event: 'escrow:read', device: context.name, kind, who })
}

/** The newest first. */
export function listReads(db: Db): StoredRead[] {
  return db.all<StoredRead>(
    'SELECT at, kind, token, who, address, reason FROM escrow_reads ORDER BY id DESC LIMIT ?',
    LISTED_READS,
  )
}
