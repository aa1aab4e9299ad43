import { createExecutionContext, runInDurableObject } from 'cloudflare:test'
import worker from '../../src/index.ts'
import type { Env } from '../../src/env.ts'
import type { SimulatedDevice } from '../../src/simulator/device/device.ts'
import { clock, turn } from './clock.ts'
import { enrolled, api, env, newDevice, rule, seen, until, type WebhookBody } from './server.ts'
import type { Seen } from './outside.ts'

export const DAY = 86_400_000

export interface Hook {
  readonly id: string
  readonly host: string
  readonly secret: string
  /** Posts so far with any answer, as soon as there are `least`. */
  posts(least?: number): Promise<Seen[]>
  /** Events of a device that were accepted, as soon as there are `least`. */
  events(udid: string, least: number, between?: () => unknown): Promise<WebhookBody[]>
  /** Makes its receiver answer so to the next `times` posts. */
  answers(status: number, times: number, headers?: Record<string, string>): Promise<void>
  state(): Promise<Record<string, unknown>>
  call(verb: string, body?: unknown): Promise<{ status: number; body: Record<string, unknown> }>
}

const made: string[] = []

/** Removes all webhooks: no test gets events for those of another. */
export async function removeHooks(): Promise<void> {
  for (const id of made.splice(0)) {
    await api('DELETE', `/api/webhooks/${id}`)
  }
}

/** A webhook of its own, with a receiver of its own. */
export async function newHook(settings: Record<string, unknown> = {}): Promise<Hook> {
  const host = `hook-${crypto.randomUUID()}.example.com`
  const created = await api<{ id: string; secret: string }>('POST', '/api/webhooks', {
    url: `https://${host}/in`,
    ...settings,
  })
  if (created.status !== 201) {
    throw new Error(JSON.stringify(created.body))
  }
  const { id } = created.body
  made.push(id)
  return {
    id,
    host,
    secret: created.body.secret,
    posts: (least = 0) =>
      until(
        () => seen(host, 'webhook'),
        (found) => found.length >= least,
      ),
    events: (udid, least, between) =>
      until(
        async () =>
          (await seen(host, 'webhook'))
            .filter(({ status, body }) => status < 400 && body.includes(udid))
            .map(({ body }) => JSON.parse(body) as WebhookBody),
        (found) => found.length >= least,
        between,
      ),
    answers: (status, times, headers) =>
      rule({ on: 'webhook', match: host, status, times, ...(headers ? { headers } : {}) }),
    state: async () => {
      const { body } = await api<{ state: string; deliveries: Record<string, unknown> }>(
        'GET',
        `/api/webhooks/${id}`,
      )
      return { ...body.deliveries, state: body.state }
    },
    call: (verb, body) => api('POST', `/api/webhooks/${id}/${verb}`, body),
  }
}

/** Turns the clock by one second, unless a post to the webhook is under way. Its retries become due. */
export async function passRetries(webhook: string): Promise<void> {
  const { body } = await api<{ deliveries: { posts_in_flight: number } }>(
    'GET',
    `/api/webhooks/${webhook}`,
  )
  if (body.deliveries.posts_in_flight === 0) {
    turn(1000)
  }
}

/** A device of a deployment with other bindings than those of the tests. A test may change them. */
export function deviceOf(
  bindings: Record<string, unknown>,
  options: Parameters<typeof newDevice>[0] = {},
): SimulatedDevice {
  return newDevice({
    ...options,
    fetch: (url, init) =>
      worker.fetch(
        new Request(url, init as RequestInit),
        { ...env, ...bindings } as unknown as Env,
        createExecutionContext(),
      ) as Promise<Response>,
  })
}

/** A query of a device object's own rows. */
export async function rowsOf<Row>(udid: string, query: string): Promise<Row[]> {
  return runInDurableObject(
    env.DEVICE.getByName(udid),
    (_, state) => state.storage.sql.exec(query).toArray() as Row[],
  )
}

/** How far a subscriber is through the events of a device. */
export async function cursorsOf(udid: string): Promise<{ subscriber: string; seq: number }[]> {
  return rowsOf(
    udid,
    `SELECT one.value ->> 0 AS subscriber, one.value ->> 1 AS seq
      FROM device, json_each(device.state, '$.cursors') AS one`,
  )
}

/** A webhook with a dead letter: an event that was refused and retried for 3 days. */
export async function deadLetter(): Promise<{ hook: Hook; device: SimulatedDevice; id: string }> {
  const hook = await newHook({ topics: ['mdm.Authenticate'] })
  await hook.call('pause')
  const device = await enrolled()
  await rowsOf(device.udid, `UPDATE events SET at = at - ${4 * DAY}`)
  await env.DEVICE.getByName(device.udid).pull({
    subscriber: hook.id,
    topics: [],
    passed: 1,
    aside: [{ seq: 1, tries: 9, nextAt: clock.now(), since: 1 }],
    read: false,
  })
  await hook.answers(500, 1)
  await hook.call('resume')
  const { body } = await until(
    () => api<{ items: { id: string }[] }>('GET', `/api/dead-letters?webhook_id=${hook.id}`),
    (found) => found.body.items.length > 0,
  )
  return { hook, device, id: body.items[0]?.id ?? '' }
}
