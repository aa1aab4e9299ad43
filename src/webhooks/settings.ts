import { clock } from '../clock.ts'
import { requireConfig } from '../config/config.ts'
import { findWebhook, readWebhook, type StoredWebhook } from '../directory/webhooks.ts'
import { VAR_WEBHOOK, type Webhook } from '../events/webhook.ts'
import { warn } from '../log.ts'
import type { Sealer } from '../pki/seal/seal.ts'

/** How long settings are used before they are read again. A change by an admin ends this at once. */
const SETTINGS_AGE = 30_000

export interface WebhookSource {
  /** The webhook as it is now; as it was, while D1 does not answer. */
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
      if (before && clock.now() - before.at < SETTINGS_AGE) {
        return before.webhook
      }
      const changesBefore = changes
      try {
        const stored = await findWebhook(env.DB, id)
        const webhook = stored && usable(stored, config.sealer)
        // A read that began before a change may miss it, so it is used only once.
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
