import { evictDurableObject, runDurableObjectAlarm } from 'cloudflare:test'
import { createHmac } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import { forgetWebhooks } from '../../src/webhooks/settings.ts'
import { clock, turn } from './clock.ts'
import {
  api,
  enrolled,
  env,
  events,
  listedAs,
  release,
  resetRules,
  rule,
  seen,
  until,
} from './server.ts'
import {
  DAY,
  deadLetter,
  deviceOf,
  newHook,
  passRetries,
  removeHooks,
  rowsOf,
  cursorsOf,
} from './webhook-tools.ts'

afterEach(async () => {
  await resetRules()
  await removeHooks()
})

const mac = (secret: string, text: string): string =>
  createHmac('sha256', Buffer.from(secret.replace('whsec_', ''), 'base64'))
    .update(text)
    .digest('base64')

describe('webhooks beside WEBHOOK_URL', () => {
  it('get the events of their filter in one envelope, signed; posts to WEBHOOK_URL stay as MicroMDM’s', async () => {
    const hook = await newHook({ topics: ['mdm.TokenUpdate'], headers: { 'X-Tenant': 'north' } })
    const device = await enrolled()
    const [event] = await hook.events(device.udid, 1)
    expect(event).toMatchObject({
      topic: 'mdm.TokenUpdate',
      sequence: 2,
      checkin_event: { ids: { id: device.udid } },
    })
    const [post] = await hook.posts()
    const headers: Record<string, string> = post?.headers ?? {}
    const body = post?.body ?? ''
    expect(headers).toMatchObject({
      'x-tenant': 'north',
      'content-type': 'application/json; charset=utf-8',
      'webhook-id': event?.event_id,
      'x-hmac-signature': createHmac('sha256', hook.secret).update(body).digest('base64'),
    })
    const signed = `${event?.event_id}.${headers['webhook-timestamp']}.${body}`
    expect(headers['webhook-signature']).toBe(`v1,${mac(hook.secret, signed)}`)
    await events(device.udid, 2)
    const exact = (await seen(device.udid, 'webhook')).find(({ url }) => url.includes('receiver'))
    expect(Object.keys(exact?.headers ?? {}).join(' ')).not.toMatch(/webhook-|hmac|tenant/)
  })

  it('are signed with two secrets while both hold, and no secret is shown again', async () => {
    const hook = await newHook({ topics: ['mdm.Authenticate'] })
    const { body } = await hook.call('secret', { overlap_seconds: 3600 })
    expect(body).toMatchObject({
      secrets: [{ until: null }, { until: expect.any(String) }],
    })
    const device = await enrolled()
    await hook.events(device.udid, 1)
    const [post] = await hook.posts()
    const text = `${post?.headers['webhook-id']}.${post?.headers['webhook-timestamp']}.${post?.body}`
    expect(post?.headers['webhook-signature']).toBe(
      `v1,${mac(String(body['secret']), text)} v1,${mac(hook.secret, text)}`,
    )
    const shown = JSON.stringify((await api('GET', `/api/webhooks/${hook.id}`)).body)
    const { results } = await env.DB.prepare('SELECT * FROM webhooks WHERE id = ?')
      .bind(hook.id)
      .all()
    for (const secret of [hook.secret, String(body['secret'])]) {
      expect(shown).not.toContain(secret)
      expect(
        new TextDecoder('latin1').decode(new Uint8Array(results[0]?.['sealed'] as ArrayBuffer)),
      ).not.toContain(secret)
    }
  })

  it('get no unlock and bootstrap tokens by default', async () => {
    const [redacted, whole] = await Promise.all([
      newHook({ topics: ['mdm.TokenUpdate'] }),
      newHook({ topics: ['mdm.TokenUpdate'], redact_tokens: false }),
    ])
    const device = await enrolled()
    await device.tokenUpdate({ unlockToken: new Uint8Array(8) })
    const payloads = async (hook: typeof whole): Promise<string[]> =>
      (await hook.events(device.udid, 2)).map((event) =>
        atob(event.checkin_event?.raw_payload ?? ''),
      )
    expect((await payloads(whole)).join('')).toContain('UnlockToken')
    const clean = (await payloads(redacted)).join('')
    expect(clean).not.toContain('UnlockToken')
    expect(clean).toContain('PushMagic')
  })

  it('that do not want an event cost no write for it, and no cursor', async () => {
    const hook = await newHook({ topics: ['mdm.Authenticate', 'mdm.Connect'] })
    const other = await newHook({ topics: ['mdm.CheckOut'] })
    const device = deviceOf({ WEBHOOK_URL: '' })
    await device.enroll()
    await hook.events(device.udid, 1)
    const written = () => rowsOf(device.udid, 'SELECT max(seq) AS seq FROM events')
    const before = await written()
    await device.poll()
    expect(await written()).toEqual(before)
    expect(await cursorsOf(device.udid)).toMatchObject([{ subscriber: hook.id }])
    expect(await other.posts()).toEqual([])
  })

  it('get the events of a time when D1 was down', async () => {
    const bindings: Record<string, unknown> = { WEBHOOK_URL: '' }
    const device = deviceOf(bindings)
    await device.enroll()
    const hook = await newHook({ topics: ['mdm.CheckOut'] })
    await listedAs(device, 'enrolled')
    bindings['DB'] = {
      prepare: () => {
        throw new Error('D1 is down')
      },
    }
    // The queue message of the CheckOut is lost, so that only the alarm announces it.
    bindings['EVENTS'] = { send: async () => undefined }
    forgetWebhooks()
    await device.checkOut()
    const newest = 'SELECT listeners FROM events ORDER BY seq DESC LIMIT 1'
    expect(await rowsOf(device.udid, newest)).toEqual([{ listeners: null }])
    turn(61_000)
    forgetWebhooks()
    await runDurableObjectAlarm(env.DEVICE.getByName(device.udid))
    expect(await hook.events(device.udid, 1)).toMatchObject([{ topic: 'mdm.CheckOut' }])
  })
})

describe('a URL on a private network', () => {
  it('is refused when it is saved, and the text says what to do', async () => {
    for (const url of ['http://127.0.0.1:9999/hook', 'http://localhost/', 'http://[fd00::1]/']) {
      const { status, body } = await api('POST', '/api/webhooks', { url })
      expect(status).toBe(400)
      expect(body['detail']).toMatch(/cloudflared.*ALLOW_PRIVATE_WEBHOOKS/)
    }
    const hook = await newHook()
    const changed = await api('PATCH', `/api/webhooks/${hook.id}`, { url: 'http://10.0.0.1/' })
    expect(changed.status).toBe(400)
  })

  it('is not followed when a receiver redirects to it', async () => {
    const hook = await newHook()
    await hook.answers(307, 1, { location: 'https://169.254.169.254/latest/meta-data' })
    const { body } = await hook.call('test')
    expect(body).toMatchObject({
      state: 'down',
      status: null,
      reason: expect.stringContaining('private'),
    })
    expect(await seen('169.254.169.254', 'webhook')).toEqual([])
  })
})

it('an event does not follow a redirect from https to http', async () => {
  const hook = await newHook({ headers: { 'X-Tenant': 'north' } })
  await hook.answers(307, 1, { location: `http://${hook.host}/in` })
  expect((await hook.call('test')).body).toMatchObject({
    state: 'down',
    reason: expect.stringContaining('in clear'),
  })
  expect(await hook.posts()).toMatchObject([{ url: `https://${hook.host}/in` }])
})

describe('a webhook', () => {
  it('shows the answer to a test event at once', async () => {
    const hook = await newHook()
    expect((await hook.call('test')).body).toMatchObject({ state: 'delivered', status: 200 })
    await hook.answers(404, 1)
    expect((await hook.call('test')).body).toMatchObject({ state: 'refused', status: 404 })
    expect(await hook.posts()).toMatchObject([
      { body: expect.stringContaining('webhook.test') },
      { status: 404 },
    ])
  })

  it('that is paused holds its events in order, and delays no other webhook', async () => {
    const [paused, other] = await Promise.all([newHook(), newHook()])
    expect((await paused.call('pause')).body).toMatchObject({ state: 'paused' })
    const device = await enrolled()
    await other.events(device.udid, 2)
    const { body } = await api(
      'GET',
      `/api/devices/${device.udid}/deliveries?webhook_id=${paused.id}`,
    )
    expect(body['items']).toMatchObject([
      { sequence: 2, state: 'waiting' },
      { sequence: 1, state: 'waiting' },
    ])
    await until(paused.state, (state) => state['devices_waiting'] === 1)
    expect(await paused.posts()).toEqual([])
    // During a long pause memory loses the devices that have events.
    await evictDurableObject(env.SUBSCRIBER.getByName(paused.id) as never)
    await paused.call('resume')
    const taken = await paused.events(device.udid, 2)
    expect(taken.map(({ sequence }) => sequence)).toEqual([1, 2])
  })

  it('has as many posts in flight as its setting, each with its signature', async () => {
    const count = 9
    const hook = await newHook({ topics: ['mdm.Authenticate'], concurrency: count })
    await rule({ on: 'webhook', match: hook.host, status: 200, times: count, held: true })
    const devices = await Promise.all(Array.from({ length: count + 1 }, () => enrolled()))
    const posts = await hook.posts(count)
    expect(await hook.state()).toMatchObject({ posts_in_flight: count, posts_allowed: count })
    expect(posts.map(({ headers }) => headers['x-hmac-signature'])).toEqual(
      posts.map(({ body }) => createHmac('sha256', hook.secret).update(body).digest('base64')),
    )
    await release()
    for (const { udid } of devices) {
      expect(await hook.events(udid, 1)).toMatchObject([{ sequence: 1 }])
    }
  })

  it('never shows more allowed posts than its setting', async () => {
    const hook = await newHook({ concurrency: 5 })
    expect(await hook.state()).toMatchObject({ posts_allowed: 5 })
    await api('PATCH', `/api/webhooks/${hook.id}`, { concurrency: 2 })
    expect(await hook.state()).toMatchObject({ posts_allowed: 2 })
    for (const verb of ['pause', 'resume']) {
      expect((await hook.call(verb)).body).toMatchObject({ deliveries: { posts_allowed: 2 } })
    }
  })
})

describe('deliveries to webhooks', () => {
  it('a receiver that is down gets few posts, is shown as down, is tried again, and delays no other webhook', async () => {
    const [down, other] = await Promise.all([
      newHook({ topics: ['mdm.Authenticate'] }),
      newHook({ topics: ['mdm.Authenticate'] }),
    ])
    await down.answers(503, 3)
    const devices = await Promise.all([enrolled(), enrolled()])
    for (const { udid } of devices) {
      await other.events(udid, 1)
      // No post to WEBHOOK_URL is in flight while the clock is turned.
      await events(udid, 2)
    }
    await until(down.state, ({ state }) => state === 'down')
    expect(await down.state()).toMatchObject({
      next_try_at: expect.any(String),
      last_error: 'status 503',
    })
    for (const { udid } of devices) {
      await down.events(udid, 1, () => passRetries(down.id))
    }
    const recovered = await until(
      down.state,
      ({ state, delivered }) => state === 'active' && Number(delivered) >= 2,
    )
    expect(recovered).toMatchObject({ delivered: 2, failed: 3 })
    const { body } = await api('GET', `/api/webhooks/${down.id}/posts?limit=1000`)
    expect(body['items']).toHaveLength(5)
    expect(body['items']).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ state: 'down', status: 503, attempt: 1 }),
        expect.objectContaining({ state: 'delivered', status: 200 }),
      ]),
    )
  })

  it('the deliveries of a device come in pages, none of them empty, and those of an unknown id are 404', async () => {
    const first = await newHook({ topics: ['mdm.Authenticate'] })
    const both = await newHook({ topics: ['mdm.Authenticate', 'mdm.TokenUpdate'] })
    const device = await enrolled()
    await device.tokenUpdate()
    await Promise.all([first.events(device.udid, 1), both.events(device.udid, 3)])
    const list = async (webhook: string): Promise<string[][]> => {
      const pages: string[][] = []
      let next: string | null = ''
      while (next !== null) {
        const path = `/api/devices/${device.udid}/deliveries?webhook_id=${webhook}&limit=1`
        const page: { body: { items: { topic: string }[]; next: string | null } } = await api(
          'GET',
          `${path}&cursor=${next}`,
        )
        pages.push(page.body.items.map(({ topic }) => topic))
        next = page.body.next
      }
      return pages
    }
    expect(await list(first.id)).toEqual([['mdm.Authenticate']])
    const all = [['mdm.TokenUpdate'], ['mdm.TokenUpdate'], ['mdm.Authenticate']]
    expect(await list(both.id)).toEqual(all)
    for (const path of [
      '/api/devices/nope/deliveries',
      `/api/devices/nope/deliveries?webhook_id=${first.id}`,
      '/api/webhooks/nope/posts',
    ]) {
      expect((await api('GET', path)).status).toBe(404)
    }
    const typo = await api('GET', `/api/devices/${device.udid}/deliveries?webhook_id=nope`)
    expect(typo).toMatchObject({ status: 404, body: { detail: 'no webhook has the id nope' } })
    for (const path of [
      '/api/devices/%20/deliveries',
      `/api/devices/${device.udid}/deliveries?state=down`,
      `/api/webhooks/${first.id}/posts?state=waiting`,
    ]) {
      expect((await api('GET', path)).status).toBe(400)
    }
  })

  it('a dead letter is listed, retried and deleted', async () => {
    const { hook, device, id } = await deadLetter()
    const list = () => api('GET', `/api/dead-letters?webhook_id=${hook.id}`)
    expect((await list()).body['items']).toMatchObject([
      { id, device_id: device.udid, sequence: 1, topic: 'mdm.Authenticate', reason: 'status 500' },
    ])
    expect(await hook.state()).toMatchObject({ dead_letters: 1, given_up: 1 })
    expect((await api('POST', `/api/dead-letters/${id}/retry`)).status).toBe(204)
    const [event] = await hook.events(device.udid, 1)
    expect(event).toMatchObject({ topic: 'mdm.Authenticate', sequence: 1 })
    expect(event).not.toHaveProperty('replay')
    expect((await list()).body['items']).toEqual([])
    expect((await api('POST', `/api/dead-letters/${id}/retry`)).status).toBe(404)

    const other = await deadLetter()
    expect((await api('DELETE', `/api/dead-letters/${other.id}`)).status).toBe(204)
    expect(await rowsOf(other.device.udid, 'SELECT * FROM aside')).toEqual([])
    const { udid } = other.device
    const { body } = await api('GET', `/api/devices/${udid}/deliveries?webhook_id=${other.hook.id}`)
    expect(body['items']).toMatchObject([{ state: 'delivered', sequence: 1 }])
    const third = await deadLetter()
    const retry = await api('POST', '/api/dead-letters/retry', { webhook_id: third.hook.id })
    expect(retry.body).toEqual({ retried: 1, gone: 0, left: 0 })
    await third.hook.events(third.device.udid, 1)
  })
})

it('a push token that APNs reports as dead is an event for webhooks', async () => {
  const hook = await newHook({ topics: ['push.unregistered'] })
  const device = await enrolled()
  const [row] = await rowsOf<{ token: string }>(
    device.udid,
    "SELECT state ->> '$.channel.token' AS token FROM device",
  )
  await rule({
    on: 'apns',
    match: Buffer.from(row?.token ?? '', 'base64').toString('hex'),
    status: 410,
    times: 1,
    headers: { 'apns-id': 'x' },
    body: JSON.stringify({ reason: 'Unregistered', timestamp: clock.now() + DAY }),
  })
  await api('GET', `/push/${device.udid}`)
  expect(await hook.events(device.udid, 1)).toMatchObject([{ topic: 'push.unregistered' }])
})

it('a webhook that is disabled or deleted gets no events', async () => {
  const [off, gone] = await Promise.all([newHook(), newHook()])
  await api('PATCH', `/api/webhooks/${off.id}`, { enabled: false })
  expect((await api('DELETE', `/api/webhooks/${gone.id}`)).status).toBe(204)
  const device = await enrolled()
  await events(device.udid, 2)
  const listeners = JSON.stringify(await rowsOf(device.udid, 'SELECT listeners FROM events'))
  expect(listeners).toContain('webhook')
  expect(listeners).not.toContain(off.id)
  expect(listeners).not.toContain(gone.id)
  expect([...(await off.posts()), ...(await gone.posts())]).toEqual([])
  expect((await api('GET', `/api/webhooks/${gone.id}`)).status).toBe(404)
  expect((await api('DELETE', '/api/webhooks/webhook')).status).toBe(409)
})
