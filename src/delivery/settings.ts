import { requireConfig } from '../config.ts'
import { findWebhook, openWebhook } from '../directory/webhooks.ts'
import { VAR_WEBHOOK, type Webhook } from '../events/webhook.ts'

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
      if (before && Date.now() - before.at < SETTINGS_AGE) {
        return before.webhook
      }
      const asked = changes
      try {
        const stored = await findWebhook(env.DB, id)
        const webhook = stored && openWebhook(stored, config.sealer)
        // What was read before a change is good for once.
        known = asked === changes ? { at: Date.now(), webhook } : known
        return webhook
      } catch (error) {
        if (!before) {
          throw error
        }
        known = { ...before, at: Date.now() }
        return before.webhook
      }
    },
    forget() {
      changes += 1
      known = undefined
    },
  }
}
