import { hash } from 'node:crypto'
import { canonicalJson } from '../ddm/payload/canonical.ts'
import type { Scope } from './scopes.ts'

/** The scopes of deeds that the audit has. Reading is no deed. */
export type AuditScope = Exclude<Scope, 'read' | 'metrics'>

/** What an admin did, for the audit (docs/audit.md). The audit adds number, time and link. */
export interface AuditEntry {
  readonly actor: {
    readonly type: 'key' | 'system'
    readonly id: string
    readonly name: string
    /** The person in a session of the console. */
    readonly who?: string
  }
  /** The face of the request. */
  readonly via: 'api' | 'micromdm' | 'kmfddm' | 'nanomdm' | 'console' | 'cron'
  /** `noun.verb` */
  readonly action: string
  /** The scope that the deed needs; it chooses the topic at webhooks: `audit.{scope}`. */
  readonly scope: AuditScope
  readonly target?: { readonly type: string; readonly id: string }
  /** `done`, `asked` (written before the deed), or what it was answered if it failed. */
  readonly outcome: string
  readonly requestId?: string
  /** The network of the sender: an address without its last part. */
  readonly network?: string
  /** Facts for people. Never a secret. */
  readonly detail?: Readonly<Record<string, AuditFact | readonly string[]>>
}

type AuditFact = string | number | boolean

/** A row as the API, webhooks and exports show it. The chain covers each of its fields. */
export interface AuditRow {
  /** Counts the rows of the deployment without a gap, over all months. It is their order. */
  readonly seq: number
  /** A random id: `event_id` at webhooks. */
  readonly id: string
  readonly at: string
  readonly actor: {
    readonly type: string
    readonly id: string
    readonly name: string
    readonly who: string | null
  }
  readonly via: string
  readonly action: string
  readonly scope: AuditScope
  readonly target: { readonly type: string; readonly id: string } | null
  readonly outcome: string
  readonly request_id: string | null
  readonly network: string | null
  readonly detail: Readonly<Record<string, AuditFact | string[]>>
  /** The hash of the row before it; null in the first row of a deployment. */
  readonly prev: string | null
}

/** A row's place in the chain: its number, and its hash. */
export interface AuditLink {
  readonly seq: number
  readonly hash: string
}

/** What the audit gets of an entry. It adds number, id, time and link. */
export type AuditFacts = Omit<AuditRow, 'seq' | 'id' | 'at' | 'prev'>

/** Most texts of an entry come from a sender. A row is at most some 20 KB of JSON, and most are 500 bytes. */
const MAX_TEXT = 300
const MAX_ITEM = 100
const MAX_ITEMS = 20
const MAX_DETAIL = 4000

/**
 * An entry as its row has it. Texts are cut at 300 characters, lists and `detail` after 20 entries, and
 * `detail` at 4000 characters of JSON.
 */
export function auditFacts(entry: AuditEntry): AuditFacts {
  const { actor, target, detail = {} } = entry
  return {
    actor: {
      type: actor.type,
      id: cut(actor.id),
      name: cut(actor.name),
      who: cutOrNull(actor.who),
    },
    via: entry.via,
    action: cut(entry.action),
    scope: entry.scope,
    target: target ? { type: cut(target.type), id: cut(target.id) } : null,
    outcome: cut(entry.outcome),
    request_id: cutOrNull(entry.requestId),
    network: cutOrNull(entry.network),
    detail: cutDetail(detail),
  }
}

function cutDetail(detail: NonNullable<AuditEntry['detail']>): AuditRow['detail'] {
  let room = MAX_DETAIL
  const facts = Object.entries(detail)
    .slice(0, MAX_ITEMS)
    .map(([name, value]) => {
      const fact = [cut(name, MAX_ITEM), cutValue(value)] as const
      room -= JSON.stringify(fact).length
      return room < 0 ? ([fact[0], '…'] as const) : fact
    })
  return Object.fromEntries(facts)
}

function cutValue(value: AuditFact | readonly string[]): AuditFact | string[] {
  if (typeof value === 'string') {
    return cut(value)
  }
  if (typeof value === 'number') {
    return Number.isFinite(value) ? value : String(value)
  }
  if (typeof value === 'boolean') {
    return value
  }
  const items = value.slice(0, MAX_ITEMS).map((item) => cut(item, MAX_ITEM))
  return value.length > MAX_ITEMS ? [...items, `… ${value.length - MAX_ITEMS} more`] : items
}

function cutOrNull(text: string | undefined): string | null {
  return text === undefined ? null : cut(text)
}

/** Well-formed too: readers write half of a character in different ways, and would find another hash. */
function cut(text: string, most = MAX_TEXT): string {
  return (text.length > most ? `${text.slice(0, most - 1)}…` : text).toWellFormed()
}

/**
 * The hash of a row: `sha256:` and hex digits. The parts that may be personal data go into it by a digest of
 * their own, which the random `id` salts. So they can be deleted one day, while the chain still holds.
 */
export function rowHash({ id, target, network, detail, ...rest }: AuditRow): string {
  return digest({ ...rest, facts: digest({ id, target, network, detail }) })
}

/** Over JSON in the one form of RFC 8785 (JSON Canonicalization Scheme). */
function digest(value: object): string {
  return `sha256:${hash('sha256', canonicalJson(JSON.stringify(value)), 'hex')}`
}

/** The row's own link, which the next row has to name. */
export function linkOf(row: AuditRow): AuditLink {
  return { seq: row.seq, hash: rowHash(row) }
}

/** `seq` is the row at which the fault shows: that of the changed row itself, or the one after a gap. */
export type ChainCheck =
  | { readonly kind: 'whole' }
  | {
      readonly kind: 'broken'
      readonly seq: number
      readonly why: 'changed' | 'missing' | 'reordered'
    }

/**
 * Checks rows, oldest first, that follow each other without a gap. Nothing follows the last row, so a change
 * of it only shows against its link, or against a later row. `expected`: the link that the first row names.
 */
export function verifyChain(rows: readonly AuditRow[], expected?: AuditLink): ChainCheck {
  let before = expected
  for (const row of rows) {
    const next = (before?.seq ?? row.seq - 1) + 1
    if (row.seq !== next) {
      const isElsewhere = row.seq < next || rows.some(({ seq }) => seq === next)
      return { kind: 'broken', seq: row.seq, why: isElsewhere ? 'reordered' : 'missing' }
    }
    if (before && row.prev !== before.hash) {
      return { kind: 'broken', seq: before.seq, why: 'changed' }
    }
    before = linkOf(row)
  }
  return { kind: 'whole' }
}
