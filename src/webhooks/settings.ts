import { clock, wait } from '../clock.ts'
import { requireConfig, type Config } from '../config/config.ts'
import {
  findWebhook,
  listAudience,
  readWebhook,
  type StoredWebhook,
} from '../directory/webhooks.ts'
import { VAR_WEBHOOK, type Filter, type Webhook } from '../events/webhook.ts'
import { noteWatched } from '../live/watched.ts'
import { reasonOf } from '../reason.ts'
import { warn } from '../log.ts'
import type { Sealer } from '../pki/seal/seal.ts'

/** The part of a webhook that decides which events it gets. */
export type KnownWebhook = Pick<Webhook, 'id' | 'enabled' | keyof Filter>

/** How long a copy counts as current. A change by an admin ends this at once, where it was made. */
const FRESH = 30_000
/** How long an old copy of the list is used while a newer one is read. */
const USABLE = 5 * 60_000
/** How long a request without a copy waits for one. */
const PATIENCE = 2000
/** The time until the next read after a slow or failed one. */
const PAUSE = 5000

/** The copy of this isolate. Requests share it, but no read: a read belongs to the request that began it. */
let copy: { readonly at: number; readonly webhooks: readonly KnownWebhook[] } | undefined
let readAgainAt = 0
let listChanges = 0

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
    const reading = readList(env.DB)
    background(reading)
    if (age < USABLE) {
      readAgainAt = now + PAUSE
    } else {
      const before = listChanges
      await Promise.race([reading, wait(PATIENCE)])
      if (before === listChanges) {
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
  listChanges += 1
  copy = undefined
  readAgainAt = 0
}

async function readList(d1: D1Database): Promise<void> {
  const before = listChanges
  try {
    const { webhooks, watchedUntil } = await listAudience(d1)
    noteWatched(watchedUntil)
    // A read that began before a change may not contain it.
    if (before === listChanges) {
      copy = { at: clock.now(), webhooks: webhooks.map(({ open }) => open) }
    }
  } catch (error) {
    warn('webhook:list-unreadable', { reason: reasonOf(error) })
  }
}

export interface WebhookSource {
  /** The webhook as it is now. While D1 does not answer, the last known settings. */
  current(): Promise<Webhook | undefined>
  /** The webhook was changed: the next call of `current` reads it again. */
  forget(): void
}

/** The settings of a webhook, from vars or from D1. */
export function webhookSource(env: { readonly DB: D1Database }, id: string): WebhookSource {
  let known: { readonly at: number; readonly webhook: Webhook | undefined } | undefined
  let changes = 0
  return {
    async current() {
      const config = requireConfig(env)
      if (id === VAR_WEBHOOK) {
        return config.webhooks.find((webhook) => webhook.id === id)
      }
      const before = known
      if (before && clock.now() - before.at < FRESH) {
        return before.webhook
      }
      const changesBefore = changes
      try {
        const stored = await findWebhook(env.DB, id)
        const webhook = stored && usable(stored, config.sealer)
        // A read that began before a change may not contain it, so its result is used only once.
        known = changesBefore === changes ? { at: clock.now(), webhook } : known
        return webhook
      } catch (error) {
        if (!before) {
          throw error
        }
        known = { ...before, at: clock.now() }
        return before.webhook
      }
    },
    forget() {
      changes += 1
      known = undefined
    },
  }
}

/** Without the seal key nothing is posted. A new secret, or a deploy with the key, changes that. */
function usable(stored: StoredWebhook, sealer: Sealer): Webhook | undefined {
  const { unreadable, ...webhook } = readWebhook(stored, sealer)
  if (unreadable === undefined) {
    return webhook
  }
  warn('webhook:unreadable', { webhook: webhook.id, reason: unreadable })
  return undefined
}
