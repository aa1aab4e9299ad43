import { createExecutionContext } from 'cloudflare:test'
import { describe, expect, it, vi } from 'vitest'
import worker from '../../src/index.ts'
import type { Env } from '../../src/env.ts'
import { RIGHTS, rightOf } from '../../src/http/access/rights/table.ts'
import { allRows } from './audit-tools.ts'
import { keyWith, sendWith } from './key-tools.ts'
import { api, BASIC, enrolled, env, newDevice, serve } from './server.ts'

const WHY = { reason: 'ticket 42', who: 'ada' }

/** The newest rows, oldest first. */
async function newest(count: number) {
  return (await allRows()).slice(0, count).toReversed()
}

/** A request while no row can be written. */
function unaudited(method: string, path: string, body?: unknown): Promise<Response> {
  const broken = {
    getByName: () => ({ append: () => Promise.reject(new Error('the audit is away')) }),
  }
  const request = new Request(`http://mdm.test${path}`, {
    method,
    headers: { authorization: BASIC },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  return Promise.resolve(
    worker.fetch(request, { ...env, AUDIT: broken } as unknown as Env, createExecutionContext()),
  )
}

describe('a change', () => {
  it('leaves one row: who did it, what, to what, and in which request', async () => {
    const key = await keyWith('config')
    const response = await sendWith(key, 'PUT', '/api/sets/mac%20minis', {})
    const [row] = await newest(1)
    expect(response.status).toBe(200)
    expect(row).toMatchObject({
      actor: { type: 'key', id: key.split('_')[1], name: expect.stringMatching(/^key \d+$/) },
      via: 'api',
      action: 'set.put',
      scope: 'config',
      target: { type: 'set', id: 'mac minis' },
      outcome: 'done',
      request_id: response.headers.get('x-request-id'),
    })
  })

  it('of MicroMDM’s API too; the name in X-Actor is kept as a claim', async () => {
    const { udid } = await enrolled()
    await serve('/v1/commands', {
      method: 'POST',
      headers: { authorization: BASIC, 'x-actor': 'night job' },
      body: JSON.stringify({ udid, request_type: 'ProfileList' }),
    })
    expect(await newest(1)).toMatchObject([
      {
        actor: { name: 'bootstrap', who: null },
        via: 'micromdm',
        action: 'command.queue',
        target: { type: 'device', id: udid },
        detail: {
          request_type: 'ProfileList',
          command_id: `${udid}.1`,
          claimed_actor: 'night job',
        },
      },
    ])
  })

  it('to many devices leaves one row, with their number and the job', async () => {
    const devices = await Promise.all([enrolled(), enrolled()])
    const ids = devices.map(({ udid }) => udid)
    const { body } = await api('POST', '/api/commands', {
      ids,
      command: { request_type: 'ProfileList' },
    })
    expect(await newest(1)).toMatchObject([
      {
        action: 'command.queue',
        target: { type: 'job', id: body['id'] },
        detail: { devices: 2 },
      },
    ])
  })

  it('that is refused, only looked at or only tried leaves none, nor does a push', async () => {
    const before = await allRows()
    await api('GET', '/api/devices')
    await api('POST', '/v1/devices', {})
    await api('PUT', '/api/sets/x', { unknown: 1 })
    await api('POST', '/api/webhooks', { url: 'no url' })
    await sendWith(await keyWith('read'), 'DELETE', '/api/sets/x')
    const { udid } = await enrolled()
    await api('POST', `/api/devices/${udid}/push`)
    await api('GET', `/push/${udid}`)
    const declaration = {
      type: 'com.apple.configuration.passcode.settings',
      payload: { RequirePasscode: true },
    }
    const dry = await api('PUT', '/api/declarations/tried?dry_run=true', declaration)
    expect(dry.status).toBe(200)
    expect(await allRows()).toEqual(before)
  })

  it('has its row although the sender leaves before the answer', async () => {
    const open = new Set<Promise<unknown>>()
    const context = {
      ...createExecutionContext(),
      waitUntil(work: Promise<unknown>) {
        open.add(work)
        void work.finally(() => open.delete(work))
      },
    }
    const { promise: isAsked, resolve: ask } = Promise.withResolvers<void>()
    const { promise: written, resolve: write } = Promise.withResolvers<object>()
    const slow = {
      getByName: () => ({
        append() {
          ask()
          return written
        },
      }),
    }
    const request = new Request('http://mdm.test/api/sets/left', {
      method: 'PUT',
      headers: { authorization: BASIC },
      body: '{}',
    })
    const answer = worker.fetch(request, { ...env, AUDIT: slow } as unknown as Env, context)
    await isAsked
    // All other work that the runtime waits for has ended.
    await vi.waitFor(() => expect(open.size).toBe(1))
    write({ kind: 'appended', seq: 1 })
    expect((await answer).status).toBe(200)
  })

  it('is in the audit while its call still waits for the device', async () => {
    const { udid } = await enrolled()
    const body = { request_type: 'ProfileList' }
    const call = api('POST', `/api/devices/${udid}/commands?wait=60`, body)
    await vi.waitFor(async () =>
      expect(await newest(1)).toMatchObject([{ target: { id: udid }, outcome: 'done' }]),
    )
    await api('DELETE', `/api/devices/${udid}/commands`)
    expect((await call).status).toBe(200)
    const rows = (await allRows()).filter(({ action }) => action === 'command.queue')
    expect(rows.filter(({ target }) => target?.id === udid)).toHaveLength(1)
  })

  it('goes on while the audit cannot be written', async () => {
    const response = await unaudited('PUT', '/api/sets/kept', {})
    expect(response.status).toBe(200)
    expect((await api('GET', '/api/sets/kept')).status).toBe(200)
  })
})

describe('what reveals a secret or cannot be undone', () => {
  it('has its row before it happens', async () => {
    const { udid } = await enrolled()
    await api('POST', `/api/devices/${udid}/commands`, {
      request_type: 'DeviceLock',
      pin: '123456',
    })
    const about = { scope: 'destructive', target: { type: 'device', id: udid } }
    const detail = { request_type: 'DeviceLock', command_id: `${udid}.1` }
    expect(await newest(2)).toMatchObject([
      { ...about, outcome: 'asked', detail: { request_type: 'DeviceLock' } },
      { ...about, outcome: 'done', detail },
    ])
    await api('POST', `/api/commands/${udid}.1/secrets`, WHY)
    const [row] = await newest(1)
    expect(row).toMatchObject({ scope: 'secrets', outcome: 'asked', detail: WHY })
    expect(JSON.stringify(await allRows())).not.toContain('123456')
  })

  it('names the command and the job when it is for many devices', async () => {
    const devices = await Promise.all([enrolled(), enrolled()])
    const command = { request_type: 'EraseDevice', pin: '123456' }
    const confirm = { request_type: 'EraseDevice', count: 2 }
    const ids = devices.map(({ udid }) => udid)
    const { status, body } = await api('POST', '/api/commands', { ids, command, confirm })
    expect(status).toBe(200)
    expect(await newest(1)).toMatchObject([
      {
        scope: 'destructive',
        outcome: 'asked',
        target: { type: 'job', id: body['id'] },
        detail: { request_type: 'EraseDevice', devices: 2 },
      },
    ])
  })

  it('has a second row if it did not happen', async () => {
    const { udid } = newDevice()
    await api('POST', `/api/devices/${udid}/escrow/unlock_token`, WHY)
    expect(await newest(2)).toMatchObject([
      { action: 'escrow.reveal', outcome: 'asked' },
      { action: 'escrow.reveal', outcome: 'answered 404' },
    ])
  })

  const FIRST = Object.keys(RIGHTS).flatMap((route) => {
    const [method = '', path = ''] = route.split(' ')
    const needed = rightOf(method, path)?.needed
    return needed === 'destructive' || needed === 'secrets' ? [[method, path] as const] : []
  })

  it.each(FIRST)(
    'does not happen while the audit cannot be written: %s %s',
    async (method, path) => {
      const { udid } = await enrolled()
      await api('POST', `/api/devices/${udid}/commands`, {
        request_type: 'DeviceLock',
        pin: '123456',
      })
      const concrete = path
        .replace(/(commands\/):id/, `$1${udid}.1`)
        .replace(':kind', 'bootstrap_token')
        .replaceAll(/:\w+/g, udid)
      const item = path.startsWith('/api/moves/:') ? { kind: 'profile', item: 'x' } : {}
      const body = method === 'GET' ? undefined : { ...WHY, ...item }
      const response = await unaudited(method, concrete, body)
      expect(response.status).toBe(503)
      expect(await response.text()).toContain('the server did nothing')
    },
  )

  it('so does a command that loses data', async () => {
    const { udid } = await enrolled()
    const command = { request_type: 'EraseDevice', pin: '123456' }
    const all = [
      await unaudited('POST', '/v1/commands', { udid, ...command }),
      await unaudited('POST', `/api/devices/${udid}/commands`, command),
      await unaudited('POST', '/api/commands', { ids: [udid], command }),
    ]
    expect(all.map(({ status }) => status)).toEqual([503, 503, 503])
    const { body } = await api<{ items: unknown[] }>('GET', `/api/devices/${udid}/commands`)
    expect(body.items).toEqual([])
  })
})
