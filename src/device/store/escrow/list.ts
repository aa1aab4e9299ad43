import { idOfRow } from '../channels.ts'
import type { Context } from '../context.ts'
import { listReads, type EscrowKind, type EscrowReader, type StoredRead } from './reads.ts'
import { listTokens, type EscrowedToken } from './tokens.ts'

export type EscrowRead = EscrowReader & { readonly at: number } & (
    | { readonly kind: EscrowKind; readonly token: number }
    | { readonly kind: 'command'; readonly command: string }
    | { readonly kind: 'export' }
  )

export interface EscrowList {
  readonly kind: 'escrow'
  readonly tokens: readonly EscrowedToken[]
  /** Newest first. */
  readonly reads: readonly EscrowRead[]
}

/** The tokens in escrow, and every reading of a secret. */
export function listEscrow(context: Context): EscrowList {
  return {
    kind: 'escrow',
    tokens: listTokens(context.db),
    reads: listReads(context.db).map((read) => readOf(context, read)),
  }
}

function readOf(context: Context, { kind, token, ...read }: StoredRead): EscrowRead {
  switch (kind) {
    case 'command':
      return { ...read, kind, command: idOfRow(context, token) }
    case 'export':
      return { ...read, kind }
    default:
      return { ...read, kind, token }
  }
}
