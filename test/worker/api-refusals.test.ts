import { describe, expect, it } from 'vitest'
import { fromNow, turn } from './clock.ts'
import { ring } from './job-tools.ts'
import { api, listedAs, newDevice, serve, until } from './server.ts'

const SECOND = 1000

describe('a destructive command', () => {
  it('is refused for all devices, with no device enrolled and with one', async () => {
    const order = { all: true, command: { request_type: 'EraseDevice' } }
    const refused = {
      status: 409,
      body: { detail: 'EraseDevice cannot go to all: name the devices by ids or filter' },
    }
    expect(await api('POST', '/api/commands', order)).toMatchObject(refused)
    const device = newDevice()
    await device.enroll()
    await until(
      () => api<{ items: object[] }>('GET', '/api/devices?state=enrolled'),
      ({ body }) => body.items.length === 1,
    )
    const confirm = { request_type: 'EraseDevice', count: 1 }
    expect(await api('POST', '/api/commands', { ...order, confirm })).toMatchObject(refused)
    await device.poll()
    expect(device.received).toEqual([])
  })
})

describe('a job', () => {
  it('is 404 if it does not exist, and 400 with a cursor of another list', async () => {
    for (const [method, path] of [
      ['GET', '/api/jobs/none'],
      ['GET', '/api/jobs/none/outcomes'],
      ['POST', '/api/jobs/none/cancel'],
    ] as const) {
      expect((await api(method, path)).status).toBe(404)
    }
    expect((await api('GET', '/api/jobs?cursor=WzFd')).status).toBe(400)
  })
})

it('a profile whose identifier differs from its path is 400, and is not stored', async () => {
  const plist =
    '<plist version="1.0"><dict><key>PayloadIdentifier</key><string>other</string></dict></plist>'
  expect(await api('PUT', '/api/profiles/one', { mobileconfig: btoa(plist) })).toMatchObject({
    status: 400,
    body: { detail: expect.stringMatching(/^json\.mobileconfig: /) },
  })
  expect((await api('GET', '/api/profiles/one')).status).toBe(404)
  expect((await api('GET', '/api/profiles/other')).status).toBe(404)
})

it('a filter with states also finds devices that are not enrolled', async () => {
  const device = newDevice({})
  await device.enroll()
  await device.checkOut()
  await listedAs(device, 'checked_out')
  const order = { command: { request_type: 'ProfileList' } }
  const serial_number = [device.serial]
  const queue = (filter: object) =>
    api<{ outcomes: unknown }>('POST', '/api/commands', { ...order, filter })
  expect((await queue({ serial_number })).body).toMatchObject({ outcomes: [{ state: 'failed' }] })
  expect((await queue({ serial_number, state: ['checked_out'] })).body).toMatchObject({
    outcomes: [{ id: device.udid, state: 'done' }],
  })
})

describe('a path', () => {
  it('refuses unknown parameters in each of its operations, and names its methods', async () => {
    const { body } = await api<{ paths: Record<string, object> }>('GET', '/api/openapi.json')
    for (const [path, operations] of Object.entries(body.paths)) {
      const methods = Object.keys(operations).map((method) => method.toUpperCase())
      const url = path.replaceAll(/\{\w+\}/g, 'X')
      for (const method of methods) {
        // oxlint-disable-next-line no-await-in-loop -- one after the other, for a clear message
        expect(await api(method, `${url}?nope=1`), `${method} ${path}`).toMatchObject({
          status: 400,
          body: { detail: expect.stringContaining('Unrecognized key: "nope"') },
        })
      }
      const authorization = `Basic ${btoa('micromdm:test-key')}`
      const other = await serve(url, { method: 'OPTIONS', headers: { authorization } })
      expect([other.status, other.headers.get('allow')], path).toEqual([405, methods.join(', ')])
    }
    expect((await api('PUT', '/api/nothing')).status).toBe(404)
  })

  it('that clears a queue leaves it unchanged if the request has a filter', async () => {
    await api('POST', '/api/devices/CLEAR/commands', { request_type: 'ProfileList' })
    expect((await api('DELETE', '/api/devices/CLEAR/commands?state=queued')).status).toBe(400)
    const { body } = await api<{ items: object[] }>('GET', '/api/devices/CLEAR/commands')
    expect(body.items).toMatchObject([{ state: 'queued' }])
  })
})

describe('a list', () => {
  it('has no next on a full last page, and refuses a cursor of another list', async () => {
    const order = { ids: ['PAGE-1', 'PAGE-2'], command: { request_type: 'ProfileList' } }
    await api('POST', '/api/commands', order)
    await api('POST', '/api/commands', order)
    const next = async (path: string) => (await api<{ next: string | null }>('GET', path)).body.next
    const { body } = await api<{ items: { id: string }[] }>('GET', '/api/jobs')
    expect(await next(`/api/jobs?limit=${body.items.length}`)).toBeNull()
    const lists = ['/api/devices/PAGE-1/commands', `/api/jobs/${body.items[0]?.id}/outcomes`]
    const cursors = await Promise.all(lists.map((list) => next(`${list}?limit=1`)))
    expect((await api('GET', `${lists[0]}?cursor=${cursors[0]}`)).status).toBe(200)
    expect((await api('GET', `${lists[0]}?cursor=${cursors[1]}`)).status).toBe(400)
    expect((await api('GET', `${lists[1]}?cursor=${cursors[0]}`)).status).toBe(400)
  })
})

describe('expires_at', () => {
  const authorization = `Basic ${btoa('micromdm:test-key')}`

  it('may have passed in a repeated request with its Idempotency-Key', async () => {
    const expires_at = fromNow(SECOND)
    const again = () =>
      serve('/api/devices/AGAIN/commands', {
        method: 'POST',
        headers: { authorization, 'idempotency-key': 'again' },
        body: JSON.stringify({ request_type: 'ProfileList', expires_at }),
      })
    expect((await again()).status).toBe(202)
    turn(SECOND)
    const second = await again()
    expect([second.status, await second.json()]).toMatchObject([200, { id: 'AGAIN.1' }])
  })

  it('that passes during a job fails the devices that are left', async () => {
    const ids = Array.from({ length: 12 }, (_, n) => `LATE-${n}`)
    const command = { request_type: 'ProfileList', expires_at: fromNow(SECOND) }
    const { body } = await api<{ id: string }>('POST', '/api/commands', {
      ids,
      command,
      pace: 60,
    })
    const { id } = body
    expect(await ring(id)).toMatchObject({ state: 'running', done: 10 })
    turn(SECOND)
    expect(await ring(id)).toMatchObject({ state: 'finished', done: 10, failed: 2 })
    const path = `/api/jobs/${id}/outcomes?state=failed`
    expect((await api('GET', path)).body['items']).toMatchObject([
      { id: 'LATE-10', error: 'expires_at had passed before its turn came' },
      { id: 'LATE-11' },
    ])
    expect((await api('GET', '/api/devices/LATE-11/commands')).status).toBe(404)
  })
})

it('a repeated replay with one Idempotency-Key is one job', async () => {
  const ask = async (ids: string[]) => {
    const response = await serve('/api/replays', {
      method: 'POST',
      headers: { authorization: `Basic ${btoa('micromdm:test-key')}`, 'idempotency-key': 'k' },
      body: JSON.stringify({ webhook_id: 'webhook', ids, dry_run: true }),
    })
    return { status: response.status, body: await response.json<{ id: string }>() }
  }
  const first = await ask(['D'])
  expect(await ask(['D'])).toEqual(first)
  expect(await ask(['E'])).toMatchObject({ status: 422, body: { code: 'idempotency_key_reused' } })
})

const AUTH = { authorization: `Basic ${btoa('micromdm:test-key')}` }

describe('an error of the API', () => {
  const asked = async (path: string, init: RequestInit = { headers: AUTH }) => {
    const response = await serve(path, init)
    expect(response.headers.get('content-type')).toBe('application/problem+json')
    const body = await response.json<Record<string, unknown>>()
    expect(body).toMatchObject({
      type: expect.any(String),
      title: expect.any(String),
      status: response.status,
      detail: expect.any(String),
    })
    return { status: response.status, headers: response.headers, body }
  }

  it('is a problem document, without credentials too, and reveals nothing', async () => {
    for (const path of ['/api/nothing', '/api/devices', '/api/jobs']) {
      const { status, headers } = await asked(path, {})
      expect(status).toBe(401)
      expect(headers.get('www-authenticate')).toBe(
        'Basic realm="micromdm", Bearer realm="micromdm"',
      )
    }
  })

  it('is a problem document for an unknown path, method or device', async () => {
    expect((await asked('/api/nothing')).status).toBe(404)
    expect((await asked('/api/openapi.json', { method: 'DELETE', headers: AUTH })).status).toBe(405)
    const retire = await asked('/api/devices/UNKNOWN/retire', { method: 'POST', headers: AUTH })
    expect(retire).toMatchObject({
      status: 404,
      body: { detail: 'no enrolment has the id UNKNOWN: GET /api/devices lists them' },
    })
  })
})
