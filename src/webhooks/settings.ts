import { clock } from '../clock.ts'
import { requireConfig } from '../config/config.ts'
import { findWebhook, readWebhook, type StoredWebhook } from '../directory/webhooks.ts'
import { VAR_WEBHOOK, type Webhook } from '../events/webhook.ts'
import { warn } from '../log.ts'
import type { Sealer } from '../pki/seal/seal.ts'

/** How long settings are believed; a change by an admin is told at once. */
const SETTINGS_AGE = 30_000

export interface WebhookSource {
  /** The webhook as it is now, or, while D1 does not answer, as it was. */
  current(): Promise<Webhook | undefined>
  /** It was changed: the next look reads it anew. */
  forget(): void
}

/** Where a Subscriber object has its settings from: vars or D1. */
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
      if (before && clock.now() - before.at < SETTINGS_AGE) {
        return before.webhook
      }
      const asked = changes
      try {
        const stored = await findWebhook(env.DB, id)
        const webhook = stored && usable(stored, config.sealer)
        // What was read before a change is good for once.
        known = asked === changes ? { at: clock.now(), webhook } : known
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

/** Without its key nothing can be posted, however often it is tried: a new secret, or a deploy with the key, begins anew. */
function usable(stored: StoredWebhook, sealer: Sealer): Webhook | undefined {
  const { unreadable, ...webhook } = readWebhook(stored, sealer)
  if (unreadable === undefined) {
    return webhook
  }
  warn('webhook:unreadable', { webhook: webhook.id, reason: unreadable })
  return undefined
}
