import { clock, wait } from '../clock.ts'
import type { Config } from '../config/config.ts'
import type { Filter, Webhook } from '../events/webhook.ts'
import { reasonOf, warn } from '../log.ts'
import { listWebhooks } from '../directory/webhooks.ts'

/** The part of a webhook that decides which events it gets. */
export type KnownWebhook = Pick<Webhook, 'id' | 'enabled' | keyof Filter>

/** How long a copy counts as current, and how long it is used while a newer one is read. */
const FRESH = 30_000
const USABLE = 5 * 60_000
/**
 * How long a request without a copy waits for one, and the time until the next read after a slow or failed
 * one.
 */
const PATIENCE = 2000
const PAUSE = 5000

/**
 * The copy of this isolate. Requests share it, but not a read: a read belongs to the request that began it.
 */
let copy: { readonly at: number; readonly webhooks: readonly KnownWebhook[] } | undefined
let readAgainAt = 0
let changes = 0

/**
 * The enabled webhooks. A request waits for D1 only if the isolate has no copy, or an old one. `undefined`
 * when D1 does not answer: events are then recorded for all webhooks.
 */
export async function knownWebhooks(
  env: { readonly DB: D1Database },
  config: Config,
  background: (work: Promise<void>) => void,
): Promise<readonly KnownWebhook[] | undefined> {
  const now = clock.now()
  const age = now - (copy?.at ?? 0)
  if (age >= FRESH && now >= readAgainAt) {
    const reading = read(env.DB)
    background(reading)
    if (age < USABLE) {
      readAgainAt = now + PAUSE
    } else {
      const before = changes
      await Promise.race([reading, wait(PATIENCE)])
      if (before === changes) {
        readAgainAt = clock.now() - (copy?.at ?? 0) < USABLE ? 0 : clock.now() + PAUSE
      }
    }
  }
  return copy && clock.now() - copy.at < USABLE
    ? [...config.webhooks, ...copy.webhooks.filter(({ enabled }) => enabled)]
    : undefined
}

/** The list was changed by this isolate: the next request reads it again. */
export function forgetWebhooks(): void {
  changes += 1
  copy = undefined
  readAgainAt = 0
}

async function read(d1: D1Database): Promise<void> {
  const before = changes
  try {
    const webhooks = await listWebhooks(d1)
    // A read that began before a change may miss it.
    if (before === changes) {
      copy = { at: clock.now(), webhooks: webhooks.map(({ open }) => open) }
    }
  } catch (error) {
    warn('webhook:list-unreadable', { reason: reasonOf(error) })
  }
}
