import { hash } from 'node:crypto'
import { KINDS, type DeclarationKind } from '../kinds.ts'

/** A declaration of a channel's manifest. */
export interface ManifestItem {
  readonly kind: DeclarationKind
  readonly identifier: string
  /** Its ServerToken. */
  readonly token: string
}

/**
 * The DeclarationsToken of a manifest, 64 hex digits. It is equal if and only if the same declarations have
 * the same tokens, in any order (Apple, "SynchronizationTokens").
 */
export function declarationsToken(items: readonly ManifestItem[]): string {
  const lines = items.map(({ kind, identifier, token }) => `${kind}\n${identifier}\n${token}\n`)
  return hash('sha256', lines.sort(byBytes).join(''), 'hex')
}

/** The body of `tokens`, and `Data` of the command. @param changedAt milliseconds */
export function tokensJson(token: string, changedAt: number): string {
  const Timestamp = `${new Date(changedAt).toISOString().slice(0, 19)}Z`
  return JSON.stringify({ SyncTokens: { DeclarationsToken: token, Timestamp } })
}

/** The body of `declaration-items` (Apple, "DeclarationItemsResponse"). */
export function itemsJson(token: string, items: readonly ManifestItem[]): string {
  const lists = Object.entries(KINDS).map(([kind, name]) => [
    name,
    items
      .filter((item) => item.kind === kind)
      .map(({ identifier, token: ServerToken }) => ({ Identifier: identifier, ServerToken })),
  ])
  return JSON.stringify({ Declarations: Object.fromEntries(lists), DeclarationsToken: token })
}

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
