import { clock } from '../../../clock.ts'
import type { Config } from '../../../config/config.ts'
import { readReceiver } from '../../../config/values.ts'
import { forgetWebhooks } from '../../../webhooks/settings.ts'
import {
  addWebhook,
  findWebhook,
  readWebhook,
  replaceWebhook,
  type ReadWebhook,
} from '../../../directory/webhooks.ts'
import { isDowngrade, refuseTarget } from '../../../events/target.ts'
import type { Webhook } from '../../../events/webhook.ts'
import type { Env } from '../../../env.ts'
import { reasonOf } from '../../../reason.ts'
import { requireScope } from '../../access/require-scope.ts'
import type { AppContext } from '../../app-env.ts'
import { RequestError, faultAt } from '../../request-error.ts'
import type { WebhookChanges } from './schema.ts'

export const NO_WEBHOOK = { 404: 'no such webhook' } as const
export const INACTIVE = {
  409: 'the webhook is disabled, or the key of its secrets is missing',
} as const

/** A change is repeated when another request changed the webhook at the same moment. */
const CHANGE_TRIES = 8

/** @throws RequestError 404 */
export async function webhookOf(env: Env, config: Config, id: string): Promise<ReadWebhook> {
  const ofVars = config.webhooks.find((webhook) => webhook.id === id)
  const stored = ofVars ? undefined : await findWebhook(env.DB, id)
  const webhook = ofVars ?? (stored && readWebhook(stored, config.sealer))
  return webhook ?? noWebhook(id)
}

/** A webhook that is enabled and has its secrets. @throws RequestError */
export async function activeWebhook(env: Env, config: Config, id: string): Promise<Webhook> {
  const { unreadable, ...webhook } = await webhookOf(env, config, id)
  if (unreadable !== undefined) {
    refuseUnreadable(unreadable)
  }
  if (!webhook.enabled) {
    throw new RequestError(
      'this webhook is disabled, and nothing is posted to it: ' +
        `PATCH /api/webhooks/${id} {"enabled": true} first`,
      'webhook_disabled',
    )
  }
  return webhook
}

/** A webhook that the API may change. @throws RequestError */
export async function ownWebhook(env: Env, config: Config, id: string): Promise<ReadWebhook> {
  refuseVars(config, id)
  return webhookOf(env, config, id)
}

function refuseVars(config: Config, id: string): void {
  if (config.webhooks.some((webhook) => webhook.id === id)) {
    throw new RequestError(
      'this webhook is set by WEBHOOK_URL and the vars beside it: change them there',
      'set_by_vars',
    )
  }
}

function refuseUnreadable(unreadable: string): never {
  throw new RequestError(
    `${unreadable}; or give the webhook a new secret, which deletes its headers, user and password; ` +
      'or delete the webhook',
    'webhook_unreadable',
  )
}

export function noWebhook(id: string): never {
  throw new RequestError(`no webhook has the id ${id}`, 'webhook_not_found')
}

/** The webhook with an admin's changes. @throws RequestError for a URL or headers that are not allowed */
export function changedBy(
  webhook: Webhook,
  changes: WebhookChanges,
  config: Config,
  unreadable?: string,
): Webhook {
  if (unreadable !== undefined) {
    refuseUnreadable(unreadable)
  }
  const { posts_per_minute: rate, max_idle_age_seconds: idleAge } = changes
  const headers = changes.headers ?? webhook.headers
  const receiver = receiverBy(webhook, changes, config)
  if (receiver.authorization !== '' && namesAuthorization(headers)) {
    throw faultAt(
      'json.headers',
      'the user and password of the URL become Authorization already: leave out the header, or the user ' +
        'and password (`"authorization": false` deletes the earlier ones)',
      400,
    )
  }
  return {
    ...webhook,
    ...receiver,
    enabled: changes.enabled ?? webhook.enabled,
    topics: changes.topics ?? webhook.topics,
    statuses: changes.statuses === undefined ? webhook.statuses : changes.statuses,
    headers,
    redact: changes.redact_tokens ?? webhook.redact,
    concurrency: changes.concurrency ?? webhook.concurrency,
    rate: rate === undefined ? webhook.rate : (rate ?? 0),
    rampUp: changes.ramp_up ?? webhook.rampUp,
    maxIdleAge: idleAge === undefined ? webhook.maxIdleAge : (idleAge ?? 0) * 1000,
  }
}

/**
 * Unlock and bootstrap tokens go only to a receiver that a key with `secrets` has named.
 * @throws RequestError
 */
export function permitReceiver(c: AppContext, before: Webhook, after: Webhook): void {
  if (!after.redact && (before.redact || before.url !== after.url)) {
    requireScope(c, 'secrets')
  }
}

type Receiver = Pick<Webhook, 'url' | 'authorization'>

/**
 * A URL is shown without its user and password. A new URL without them keeps the earlier ones, unless its
 * host is another or https becomes http.
 */
function receiverBy(
  before: Receiver,
  changes: Pick<WebhookChanges, 'url' | 'authorization'>,
  config: Config,
): Receiver {
  const authorization = changes.authorization === false ? '' : before.authorization
  if (changes.url === undefined) {
    return { url: before.url, authorization }
  }
  const named = receiverOf(changes.url, config)
  if (named.authorization !== '' || authorization === '') {
    return named
  }
  const [from, to] = [new URL(before.url), new URL(named.url)]
  return from.host === to.host && !isDowngrade(from, to) ? { ...named, authorization } : named
}

function namesAuthorization(headers: Webhook['headers']): boolean {
  return Object.keys(headers).some((name) => name.toLowerCase() === 'authorization')
}

function receiverOf(url: string, config: Config): Receiver {
  const refusal = config.allowPrivateWebhooks ? undefined : refuseTarget(url)
  if (refusal !== undefined) {
    throw faultAt('json.url', refusal)
  }
  try {
    return readReceiver(url)
  } catch (error) {
    throw faultAt('json.url', reasonOf(error))
  }
}

/** Stores a new webhook. It gets the next event of this isolate, and within 30 s those of all isolates. */
export async function createWebhook(
  env: Env,
  config: Config,
  webhook: Webhook,
  now: number,
): Promise<void> {
  await addWebhook(env.DB, config.sealer, webhook, now)
  await useChange(env, webhook.id)
}

/** Changes a webhook as it is at the moment of the write: no other change is lost. @throws RequestError */
export async function changeWebhook(
  env: Env,
  config: Config,
  id: string,
  changed: (before: Webhook, unreadable: string | undefined) => Webhook,
): Promise<Webhook> {
  refuseVars(config, id)
  for (let tries = 0; tries < CHANGE_TRIES; tries++) {
    const stored = (await findWebhook(env.DB, id)) ?? noWebhook(id)
    const { unreadable, ...before } = readWebhook(stored, config.sealer)
    const webhook = changed(before, unreadable)
    if (await replaceWebhook(env.DB, config.sealer, stored, webhook, clock.now())) {
      await useChange(env, id)
      return webhook
    }
  }
  throw new RequestError('other requests change this webhook at the same time: try again', 409)
}

async function useChange(env: Env, id: string): Promise<void> {
  forgetWebhooks()
  await env.SUBSCRIBER.getByName(id).changed()
}
