import { randomBytes } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import {
  findWebhook,
  openWebhook,
  removeWebhook,
  replaceWebhook,
} from '../../src/directory/webhooks.ts'
import { SERVER_OUTBOX } from '../../src/device/outbox/server.ts'
import { createSealer } from '../../src/pki/seal/seal.ts'
import { clock } from './clock.ts'
import { api, enrolled, env, events, resetRules, until } from './server.ts'
import { deadLetter, newHook, removeHooks, type Hook, deviceOf } from './webhook-tools.ts'
import { requireConfig } from '../../src/config/config.ts'
import { forgetWebhooks, knownWebhooks } from '../../src/webhooks/settings.ts'
import { ring } from './job-tools.ts'

afterEach(async () => {
  await resetRules()
  await removeHooks()
})

type Json = Record<string, unknown>
const patch = (hook: Hook, changes: Json) => api<Json>('PATCH', `/api/webhooks/${hook.id}`, changes)
const shown = async (hook: Hook): Promise<Json> =>
  (await api<Json>('GET', `/api/webhooks/${hook.id}`)).body
const signatures = async (hook: Hook): Promise<number | undefined> => {
  await hook.call('test')
  return (await hook.posts(1)).at(-1)?.headers['webhook-signature']?.split(' ').length
}

describe('a new secret', () => {
  it('without an overlap ends all earlier secrets, also one that had a successor already', async () => {
    const hook = await newHook()
    await hook.call('secret', { overlap_seconds: 3600 })
    expect(await signatures(hook)).toBe(2)
    const { body } = await hook.call('secret', { overlap_seconds: 0 })
    expect(body['secrets']).toHaveLength(1)
    expect(await signatures(hook)).toBe(1)
  })

  it('with a shorter overlap shortens the time of the earlier secrets', async () => {
    const hook = await newHook()
    await hook.call('secret', { overlap_seconds: 3600 })
    await hook.call('secret', { overlap_seconds: 60 })
    const [, before] = (await shown(hook))['secrets'] as { until: string }[]
    expect(Date.parse(before?.until ?? '') - clock.now()).toBeLessThanOrEqual(60_000)
  })
})

describe('changes of a webhook at the same moment', () => {
  it('are all kept', async () => {
    const hook = await newHook()
    const answers = await Promise.all([
      hook.call('secret', {
        overlap_seconds: 0,
        secret: 'a secret of 16 bytes'.replaceAll(' ', '-'),
      }),
      patch(hook, { concurrency: 2 }),
      patch(hook, { headers: { 'X-Tenant': 'north' } }),
      patch(hook, { ramp_up: 7 }),
    ])
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200])
    const now = await shown(hook)
    expect(now).toMatchObject({ concurrency: 2, ramp_up: 7, header_names: ['X-Tenant'] })
    const stored = await findWebhook(env.DB, hook.id)
    const { secrets } = openWebhook(stored ?? expect.fail(), createSealer(env.SEAL_KEYS))
    expect(secrets).toMatchObject([{ secret: 'a-secret-of-16-bytes' }])
  })

  it('do not restore a webhook that was deleted meanwhile', async () => {
    const hook = await newHook()
    const before = (await findWebhook(env.DB, hook.id)) ?? expect.fail()
    const sealer = createSealer(env.SEAL_KEYS)
    const webhook = openWebhook(before, sealer)
    await removeWebhook(env.DB, hook.id)
    expect(await replaceWebhook(env.DB, sealer, before, webhook, clock.now())).toBe(false)
    expect(await findWebhook(env.DB, hook.id)).toBeUndefined()
  })
})

describe('a webhook whose seal key is lost', () => {
  /** Seals the secrets of a webhook under a key that is lost. */
  async function lost() {
    const hook = await newHook({ headers: { 'X-Tenant': 'north' } })
    const stranger = createSealer(randomBytes(32).toString('base64'))
    const sealed = stranger.seal(new TextEncoder().encode('{}'), `directory/webhooks/${hook.id}`)
    await env.DB.prepare('UPDATE webhooks SET sealed = ? WHERE id = ?').bind(sealed, hook.id).run()
    const key = Buffer.from(sealed).toString('hex', 1, 5)
    return { hook, missing: expect.stringContaining(`sealed with key ${key}`) }
  }

  it('has the state unreadable, and the others work', async () => {
    const other = await newHook()
    const { hook, missing } = await lost()
    const { body } = await api<{ items: Json[] }>('GET', '/api/webhooks')
    expect(body.items).toContainEqual(
      expect.objectContaining({ id: hook.id, state: 'unreadable', reason: missing, secrets: [] }),
    )
    expect(body.items).toContainEqual(expect.objectContaining({ id: other.id, state: 'active' }))
    expect(await shown(hook)).toMatchObject({ state: 'unreadable', reason: missing })
    for (const answer of [await patch(hook, { concurrency: 2 }), await hook.call('test')]) {
      expect(answer).toMatchObject({ status: 409, body: { detail: missing } })
    }
    expect((await other.call('test')).body).toMatchObject({ state: 'delivered' })
  })

  it('gets the events that have waited when it has a new secret, and can be deleted', async () => {
    const other = await newHook()
    const { hook } = await lost()
    // The object lost its memory, as with every deploy.
    await env.SUBSCRIBER.getByName(hook.id).changed()
    const news = {
      id: crypto.randomUUID(),
      topic: 'expiry.ca',
      facts: {},
      listeners: undefined,
    } as const
    await env.DEVICE.getByName(SERVER_OUTBOX).recordServerNews([news])
    const device = await enrolled()
    await other.events(device.udid, 2)
    // The device, and the object with the events of the server: the topics of such a webhook are not known.
    await until(hook.state, (state) => state['devices_waiting'] === 2)
    expect(await hook.posts()).toEqual([])
    const { status, body } = await hook.call('secret', {})
    expect(status).toBe(200)
    expect(body).toMatchObject({ state: 'active', reason: null, header_names: [] })
    expect(await hook.events(device.udid, 2)).toMatchObject([{ sequence: 1 }, { sequence: 2 }])
    expect(await signatures(hook)).toBe(1)
    const second = await lost()
    expect((await api('DELETE', `/api/webhooks/${second.hook.id}`)).status).toBe(204)
    expect((await api('GET', `/api/webhooks/${second.hook.id}`)).status).toBe(404)
  })
})

describe('a user and password of the URL', () => {
  const sent = async (hook: Hook): Promise<string | undefined> => {
    await hook.call('test')
    return (await hook.posts(1)).at(-1)?.headers['authorization']
  }
  const BASIC = `Basic ${btoa('user:pass')}`
  const withUser = async (): Promise<Hook> => {
    const hook = await newHook()
    await patch(hook, { url: `https://user:pass@${hook.host}/in` })
    return hook
  }

  it('stay when the URL is written as it is shown, and are deleted with another host', async () => {
    const hook = await withUser()
    const { url } = await shown(hook)
    expect(url).not.toContain('pass')
    expect((await patch(hook, { url: `${String(url)}?v=2` })).body).toMatchObject({
      authorization: true,
    })
    expect(await sent(hook)).toBe(BASIC)
    const moved = await patch(hook, { url: `https://other-${hook.host}/in` })
    expect(moved.body).toMatchObject({ authorization: false })
  })

  it('are deleted when the URL changes from https to http', async () => {
    const hook = await withUser()
    const changed = await patch(hook, { url: `http://${hook.host}/in` })
    expect(changed.body).toMatchObject({ authorization: false })
    expect(await sent(hook)).toBeUndefined()
  })

  it('are deleted by "authorization": false', async () => {
    const hook = await withUser()
    const answer = await patch(hook, {
      authorization: false,
      headers: { Authorization: 'Bearer x' },
    })
    expect(answer.body).toMatchObject({ authorization: false })
    expect(await sent(hook)).toBe('Bearer x')
  })

  it('are refused beside a header Authorization, in either order', async () => {
    const hook = await withUser()
    const headers = { authorization: 'Bearer x' }
    const url = `https://user:pass@${hook.host}/in`
    const refusal = { status: 400, body: { detail: expect.stringContaining('Authorization') } }
    expect(await patch(hook, { headers })).toMatchObject(refusal)
    expect(await api('POST', '/api/webhooks', { url, headers })).toMatchObject(refusal)
    const other = await newHook({ headers })
    expect(await patch(other, { url })).toMatchObject(refusal)
    expect(await sent(hook)).toBe(BASIC)
  })
})

it('test events, replays and retries to a disabled webhook are refused, and the answer says what to do', async () => {
  const { hook, device, id } = await deadLetter()
  await patch(hook, { enabled: false })
  const order = { webhook_id: hook.id, ids: [device.udid] }
  for (const answer of [
    await hook.call('test'),
    await api('POST', '/api/replays', order),
    await api('POST', `/api/dead-letters/${id}/retry`),
    await api('POST', '/api/dead-letters/retry', { webhook_id: hook.id }),
  ]) {
    expect(answer).toMatchObject({
      status: 409,
      body: { detail: expect.stringContaining('"enabled": true') },
    })
  }
  expect((await api('POST', '/api/replays', { ...order, dry_run: true })).status).toBe(200)
  await patch(hook, { enabled: true })
  expect((await api('POST', `/api/dead-letters/${id}/retry`)).status).toBe(204)
})

afterEach(removeHooks)

/** A D1 whose answers the test holds and releases. */
function heldDatabase() {
  let held = true
  const holding = <Target extends object>(target: Target): Target =>
    new Proxy(target, {
      get(_, name) {
        const value: unknown = Reflect.get(target, name)
        if (typeof value !== 'function') {
          return value
        }
        return (...given: unknown[]) => {
          const result: unknown = Reflect.apply(value, target, given)
          return result instanceof Promise ? later(result) : holding(Object(result))
        }
      },
    })
  async function later<Answer>(answer: Promise<Answer>): Promise<Answer> {
    const given = await answer
    await until(
      async () => held,
      (still) => !still,
    )
    return given
  }
  return { db: holding(env.DB), letGo: () => (held = false) }
}

it('a list of webhooks that was read before a change is not used, and the next request reads a new one', async () => {
  const config = requireConfig(env)
  const ids = async (db: D1Database) =>
    (await knownWebhooks({ DB: db }, config, () => undefined))?.map(({ id }) => id)
  forgetWebhooks()
  const { db, letGo } = heldDatabase()
  const reading = ids(db)
  const hook = await newHook()
  letGo()
  // Another request may have read the list meanwhile.
  expect((await reading) ?? [hook.id]).toContain(hook.id)
  expect(await ids(env.DB)).toContain(hook.id)
})

afterEach(async () => {
  await resetRules()
  await removeHooks()
})

const HOUR = 3_600_000

/** A receiver gets an event a moment before the cursor in the device moves. It can be replayed only then. */
async function replayable(asked: object, count: number): Promise<void> {
  await until(
    () =>
      api<{ outcomes: { events: number }[] | null }>('POST', '/api/replays', {
        ...asked,
        dry_run: true,
      }),
    ({ body }) => body.outcomes?.[0]?.events === count,
  )
}

it('a replay posts delivered events again, marked, in order, with the same ids', async () => {
  const hook = await newHook()
  const device = await enrolled()
  const first = await hook.events(device.udid, 2)
  const asked = { webhook_id: hook.id, ids: [device.udid] }
  await replayable(asked, 2)
  expect((await api('POST', '/api/replays', asked)).body).toMatchObject({
    outcomes: [{ events: 2 }],
  })
  const all = await hook.events(device.udid, 4)
  expect(all.slice(2)).toEqual(first.map((event) => ({ ...event, replay: true })))
  const [one] = first
  await replayable(asked, 2)
  await api('POST', '/api/replays', { ...asked, events: [one?.event_id] })
  expect((await hook.events(device.udid, 5))[4]).toMatchObject({ event_id: one?.event_id })
  const none = { ...asked, from: new Date(clock.now() + HOUR).toISOString() }
  expect((await api('POST', '/api/replays', none)).body).toMatchObject({
    outcomes: [{ events: 0 }],
  })
  const connects = { ...asked, topics: ['mdm.Connect'], dry_run: true }
  expect((await api('POST', '/api/replays', connects)).body).toMatchObject({
    outcomes: [{ events: 0 }],
  })
})

it('a replay of many devices is a job, whose outcomes count the events of each device', async () => {
  const hook = await newHook()
  const device = await enrolled()
  await hook.events(device.udid, 2)
  await replayable({ webhook_id: hook.id, ids: [device.udid] }, 2)
  const ids = [...Array.from({ length: 30 }, () => crypto.randomUUID()), device.udid]
  const { body } = await api<{ id: string }>('POST', '/api/replays', {
    webhook_id: hook.id,
    ids,
  })
  await ring(body.id)
  const job = await api('GET', `/api/jobs/${body.id}`)
  expect(job.body).toMatchObject({
    kind: 'replay',
    state: 'finished',
    replay: { webhook_id: hook.id },
    done: 1,
    failed: 30,
  })
  const outcomes = await api<{ items: unknown[] }>('GET', `/api/jobs/${body.id}/outcomes`)
  expect(outcomes.body.items.at(-1)).toMatchObject({ id: device.udid, events: 2 })
  expect((await hook.events(device.udid, 4)).slice(2)).toMatchObject([
    { sequence: 1, replay: true },
    { sequence: 2, replay: true },
  ])
})

it('a replay to the webhook of WEBHOOK_URL needs force', async () => {
  const device = await enrolled()
  await events(device.udid, 2)
  const asked = { webhook_id: 'webhook', ids: [device.udid] }
  const refused = await api('POST', '/api/replays', asked)
  expect(refused).toMatchObject({
    status: 409,
    body: { detail: expect.stringContaining('force') },
  })
  await replayable(asked, 2)
  await api('POST', '/api/replays', { ...asked, force: true })
  expect((await events(device.udid, 4)).slice(2)).toMatchObject([
    { replay: true },
    { replay: true },
  ])
})

it('a webhook that is added later gets earlier events by a replay', async () => {
  const device = deviceOf({ WEBHOOK_URL: '' })
  await device.enroll()
  const queued = { udid: device.udid, request_type: 'ProfileList' }
  await api('POST', '/v1/commands', queued)
  await device.poll()
  const hook = await newHook({ topics: ['mdm.Connect'] })
  const asked = { webhook_id: hook.id, ids: [device.udid] }
  expect((await api('POST', '/api/replays', asked)).body).toMatchObject({
    outcomes: [{ events: 1 }],
  })
  expect(await hook.events(device.udid, 1)).toMatchObject([
    { acknowledge_event: { status: 'Acknowledged' }, replay: true },
  ])
})
