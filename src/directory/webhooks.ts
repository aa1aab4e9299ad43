/** Webhooks in D1, what is secret of them sealed. */
import { Buffer } from 'node:buffer'
import { asc, eq } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/d1'
import type { Webhook } from '../events/webhook.ts'
import type { Sealer } from '../pki/seal.ts'
import { webhooks } from './schema.ts'

type Sealed = Pick<Webhook, 'authorization' | 'headers' | 'secrets'>
type Open = Omit<Webhook, keyof Sealed>
type Settings = Omit<Open, 'id' | 'enabled'>

/** A webhook whose secrets are not opened: enough to tell who hears of what. Times are milliseconds. */
export interface StoredWebhook {
  readonly open: Open
  readonly sealed: Uint8Array
  readonly createdAt: number
  readonly updatedAt: number
}

/** Every webhook, oldest first. */
export async function listWebhooks(d1: D1Database): Promise<StoredWebhook[]> {
  const rows = await drizzle(d1).select().from(webhooks).orderBy(asc(webhooks.createdAt))
  return rows.map(stored)
}

export async function findWebhook(d1: D1Database, id: string): Promise<StoredWebhook | undefined> {
  const [row] = await drizzle(d1).select().from(webhooks).where(eq(webhooks.id, id))
  return row && stored(row)
}

/** @throws SealError when the key that sealed it is gone. */
export function openWebhook({ open, sealed }: StoredWebhook, sealer: Sealer): Webhook {
  const bytes = sealer.open(sealed, place(open.id))
  const opened: Sealed = JSON.parse(new TextDecoder().decode(bytes))
  return { ...open, ...opened }
}

/** Writes a webhook, new or changed. */
export async function saveWebhook(
  d1: D1Database,
  sealer: Sealer,
  { id, enabled, authorization, headers, secrets, ...settings }: Webhook,
  now: number,
): Promise<void> {
  const opened: Sealed = { authorization, headers, secrets }
  const bytes = new TextEncoder().encode(JSON.stringify(opened))
  const row = {
    enabled,
    settings: JSON.stringify(settings),
    sealed: Buffer.from(sealer.seal(bytes, place(id))),
    updatedAt: now,
  }
  await drizzle(d1)
    .insert(webhooks)
    .values({ id, createdAt: now, ...row })
    .onConflictDoUpdate({ target: webhooks.id, set: row })
}

export async function removeWebhook(d1: D1Database, id: string): Promise<void> {
  await drizzle(d1).delete(webhooks).where(eq(webhooks.id, id))
}

function stored(row: typeof webhooks.$inferSelect): StoredWebhook {
  const { id, enabled, createdAt, updatedAt } = row
  const settings: Settings = JSON.parse(row.settings)
  return {
    open: { ...settings, id, enabled },
    sealed: new Uint8Array(row.sealed),
    createdAt,
    updatedAt,
  }
}

function place(id: string): string {
  return `directory/webhooks/${id}`
}
