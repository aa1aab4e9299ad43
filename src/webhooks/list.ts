import { clock, wait } from '../clock.ts'
import type { Config } from '../config/config.ts'
import type { Filter, Webhook } from '../events/webhook.ts'
import { reasonOf, warn } from '../log.ts'
import { listWebhooks } from '../directory/webhooks.ts'

/** Who hears of what; the list is a copy of D1's. */
export type KnownWebhook = Pick<Webhook, 'id' | 'enabled' | keyof Filter>

/** So long the copy is taken for the truth, and so long it is used while a newer one is on its way. */
const FRESH = 30_000
const USABLE = 5 * 60_000
/** A request that has no copy waits so long for one, and the next ask again after so long. */
const PATIENCE = 2000
const PAUSE = 5000

/** The isolate's copy: requests share what was read, never a read that is under way. */
let copy: { readonly at: number; readonly webhooks: readonly KnownWebhook[] } | undefined
let askAgainAt = 0
let changes = 0

/**
 * The enabled webhooks, without waiting for D1 but for the first request of an isolate or after a long silence; `undefined` when
 * D1 does not tell, and events are written for whoever may want them (design.md 4).
 */
export async function knownWebhooks(
  env: { readonly DB: D1Database },
  config: Config,
  background: (work: Promise<void>) => void,
): Promise<readonly KnownWebhook[] | undefined> {
  const now = clock.now()
  const age = now - (copy?.at ?? 0)
  if (age >= FRESH && now >= askAgainAt) {
    const reading = read(env.DB)
    background(reading)
    if (age < USABLE) {
      askAgainAt = now + PAUSE
    } else {
      const asked = changes
      await Promise.race([reading, wait(PATIENCE)])
      if (asked === changes) {
        askAgainAt = clock.now() - (copy?.at ?? 0) < USABLE ? 0 : clock.now() + PAUSE
      }
    }
  }
  return copy && clock.now() - copy.at < USABLE
    ? [...config.webhooks, ...copy.webhooks.filter(({ enabled }) => enabled)]
    : undefined
}

/** The next request reads the list anew: it was changed here. */
export function forgetWebhooks(): void {
  changes += 1
  copy = undefined
  askAgainAt = 0
}

async function read(d1: D1Database): Promise<void> {
  const asked = changes
  try {
    const webhooks = await listWebhooks(d1)
    // A read that began before a change may miss it.
    if (asked === changes) {
      copy = { at: clock.now(), webhooks: webhooks.map(({ open }) => open) }
    }
  } catch (error) {
    warn('webhook:list-unreadable', { reason: reasonOf(error) })
  }
}
