/** Webhooks in D1, with their secrets sealed. */
import type { Webhook } from '../events/webhook.ts'
import { SealError, type Sealer } from '../pki/seal/seal.ts'
import { insert, type Picked, readAll, readOne, select, sql, write, writeAll } from './sql.ts'

type Sealed = Pick<Webhook, 'authorization' | 'headers' | 'secrets'>
type Open = Omit<Webhook, keyof Sealed>
type Settings = Omit<Open, 'id' | 'enabled'>

/** A webhook without its secrets: enough to decide which events it gets. Times are milliseconds. */
export interface StoredWebhook {
  readonly open: Open
  readonly sealed: Uint8Array
  readonly createdAt: number
  readonly updatedAt: number
}

const KEYS = ['id', 'enabled', 'settings', 'sealed', 'createdAt', 'updatedAt'] as const

const ALL = select('webhooks', KEYS, sql`ORDER BY created_at, id`)

/** Every webhook, oldest first. */
export async function listWebhooks(d1: D1Database): Promise<StoredWebhook[]> {
  const rows = await readAll(d1, ALL)
  return rows.map(stored)
}

/** The moment until which somebody watches the fleet (docs/architecture.md §31). */
const WATCHED = 'watched'

/** Moves the end of the watch (milliseconds). An earlier time changes nothing. */
export async function moveWatch(d1: D1Database, until: number): Promise<void> {
  const later = sql`ON CONFLICT (name) DO UPDATE SET at = max(at, excluded.at)`
  await write(d1, insert('moments', { name: WATCHED, at: until }, later))
}

/** All that wants to hear of events: webhooks, and until when somebody watches (milliseconds). */
export async function listAudience(
  d1: D1Database,
): Promise<{ readonly webhooks: StoredWebhook[]; readonly watchedUntil: number }> {
  const until = select('moments', ['at'], sql`WHERE name = ${WATCHED}`)
  const [webhooks, watched] = await writeAll(d1, [ALL, until])
  return { webhooks: webhooks.results.map(stored), watchedUntil: watched.results[0]?.at ?? 0 }
}

export async function findWebhook(d1: D1Database, id: string): Promise<StoredWebhook | undefined> {
  const row = await readOne(d1, select('webhooks', KEYS, sql`WHERE id = ${id}`))
  return row && stored(row)
}

/** @throws SealError when the key that sealed it is gone. */
export function openWebhook({ open, sealed }: StoredWebhook, sealer: Sealer): Webhook {
  const bytes = sealer.open(sealed, place(open.id))
  const opened: Sealed = JSON.parse(new TextDecoder().decode(bytes))
  return { ...open, ...opened }
}

/** A webhook, as far as it can be read. Without the key its secrets count as empty. */
export type ReadWebhook = Webhook & {
  /** Why the secrets cannot be opened. */
  readonly unreadable?: string
}

export function readWebhook(webhook: StoredWebhook, sealer: Sealer): ReadWebhook {
  try {
    return openWebhook(webhook, sealer)
  } catch (error) {
    if (!(error instanceof SealError)) {
      throw error
    }
    const nothing: Sealed = { authorization: '', headers: {}, secrets: [] }
    return { ...webhook.open, ...nothing, unreadable: error.message }
  }
}

export async function addWebhook(
  d1: D1Database,
  sealer: Sealer,
  webhook: Webhook,
  now: number,
): Promise<void> {
  const row = rowOf(webhook, sealer, now)
  await write(d1, insert('webhooks', { id: webhook.id, createdAt: now, ...row }))
}

/**
 * Writes a changed webhook unless it was changed or removed since it was read as `before`. Each write seals
 * anew, so sealed bytes never repeat. @returns whether it was written
 */
export async function replaceWebhook(
  d1: D1Database,
  sealer: Sealer,
  before: StoredWebhook,
  webhook: Webhook,
  now: number,
): Promise<boolean> {
  const { enabled, settings, sealed, updatedAt } = rowOf(webhook, sealer, now)
  const change = sql`UPDATE webhooks SET enabled = ${enabled}, settings = ${settings}, sealed = ${sealed},
    updated_at = ${updatedAt} WHERE id = ${before.open.id} AND sealed = ${before.sealed}`
  return (await write(d1, change)) > 0
}

function rowOf(
  { id, enabled, authorization, headers, secrets, ...settings }: Webhook,
  sealer: Sealer,
  now: number,
) {
  const opened: Sealed = { authorization, headers, secrets }
  const bytes = new TextEncoder().encode(JSON.stringify(opened))
  return {
    enabled: Number(enabled),
    settings: JSON.stringify(settings),
    sealed: sealer.seal(bytes, place(id)),
    updatedAt: now,
  }
}

export async function removeWebhook(d1: D1Database, id: string): Promise<void> {
  await write(d1, sql`DELETE FROM webhooks WHERE id = ${id}`)
}

function stored(row: Picked<'webhooks', (typeof KEYS)[number]>): StoredWebhook {
  const { id, createdAt, updatedAt } = row
  const settings: Settings = JSON.parse(row.settings)
  return {
    open: { ...settings, id, enabled: row.enabled === 1 },
    sealed: new Uint8Array(row.sealed),
    createdAt,
    updatedAt,
  }
}

function place(id: string): string {
  return `directory/webhooks/${id}`
}
