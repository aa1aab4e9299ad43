import { idOfRow } from '../channels.ts'
import type { Context } from '../context.ts'
import { listReads, type EscrowKind, type EscrowReader } from './reads.ts'
import { listTokens, type EscrowedToken } from './tokens.ts'

export type EscrowRead = EscrowReader & { readonly at: number } & (
    | { readonly kind: EscrowKind; readonly token: number }
    | { readonly kind: 'command'; readonly command: string }
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
    reads: listReads(context.db).map(({ kind, token, ...read }) =>
      kind === 'command'
        ? { ...read, kind, command: idOfRow(context, token) }
        : { ...read, kind, token },
    ),
  }
}
