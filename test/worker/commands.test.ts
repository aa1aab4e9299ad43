import { runDurableObjectAlarm } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import type { Answer } from '../../src/simulator/device/answers/respond.ts'
import { clock, fromNow, turn } from './clock.ts'
import {
  api,
  decide,
  enrolled,
  env,
  letPush,
  newIdentity,
  pushes,
  rule,
  seen,
  serve,
  until,
} from './server.ts'

interface Command {
  id: string
  state: string
  command_uuid: string
  request_type: string
  hand_outs: number
  not_nows: number
  not_now_since: string | null
  pushed: { outcome: string; detail: string } | null
  timeline: { what: string; times?: number; detail?: string; at: string }[]
  result: { Status?: string; QueryResponses?: Record<string, unknown> } | null
  errors: { code: number; domain: string; description: string }[]
  command: Record<string, unknown> | null
}
interface Page {
  items: Command[]
  next: string | null
}
interface Events {
  items: { topic: string; status?: string; command_id?: string; sequence: number }[]
  next: string | null
}

const AUTH = { headers: { authorization: `Basic ${btoa('micromdm:test-key')}` } }
/** As in test/worker/project.ts. */
const MAX_QUEUE = 300
const SECOND = 1000
const INFO = { request_type: 'DeviceInformation', queries: ['OSVersion'] }

async function enrolledWithCalls(answer?: () => Answer) {
  const device = await enrolled(answer ? { answer } : {})
  const path = `/api/devices/${device.udid}/commands`
  const queue = (body: object = INFO, query = '') => api<Command>('POST', path + query, body)
  const get = async (id: string) => (await api<Command>('GET', `/api/commands/${id}`)).body
  return { device, path, queue, get }
}

describe('results are read from the API', () => {
  it('a call that waits returns the device’s answer, and no webhook is needed', async () => {
    const { device, path, queue } = await enrolledWithCalls()
    const waiting = queue(INFO, '?wait=30')
    await until(
      () => api<Page>('GET', path),
      ({ body }) => body.items.length === 1,
    )
    await pushes(device)
    await until(
      () => api<Page>('GET', path),
      ({ body }) => body.items[0]?.pushed !== null,
    )
    await device.poll()
    const answer = await waiting
    expect(answer).toMatchObject({
      status: 200,
      body: {
        state: 'acknowledged',
        result: { Status: 'Acknowledged', QueryResponses: { OSVersion: expect.any(String) } },
        pushed: { outcome: 'delivered' },
      },
    })
    expect(answer.body.timeline.map(({ what }) => what)).toEqual([
      'queued',
      'pushed',
      'handed_out',
      'answered',
    ])
  })

  it('the answer is there later too, byte for byte, and the call that did not wait has its id', async () => {
    const { device, queue, get } = await enrolledWithCalls()
    const queued = await queue({ Command: { RequestType: 'DeviceInformation', Queries: ['UDID'] } })
    expect(queued).toMatchObject({ status: 202, body: { state: 'queued', result: null } })
    expect(queued.body.id).toBe(`${device.udid}.1`)
    expect(queued.body.command).toEqual({ RequestType: 'DeviceInformation', Queries: ['UDID'] })
    expect((await serve(`/api/commands/${queued.body.id}/result`, AUTH)).status).toBe(404)
    await device.poll()
    expect(await get(queued.body.id)).toMatchObject({
      state: 'acknowledged',
      command: { Queries: ['UDID'] },
    })
    const raw = await serve(`/api/commands/${queued.body.id}/result`, AUTH)
    expect(new Uint8Array(await raw.arrayBuffer())).toEqual(device.sent.at(-1)?.body)
  })

  it('a wait in vain ends with 202, and a wait for a cancelled command at once', async () => {
    const { queue, path } = await enrolledWithCalls()
    const began = clock.now()
    let status: number | undefined
    void queue(INFO, '?wait=5').then((response) => {
      status = response.status
    })
    await until(
      async () => status,
      (its) => its !== undefined,
      () => turn(SECOND),
    )
    expect(status).toBe(202)
    expect(clock.now() - began).toBeGreaterThanOrEqual(5 * SECOND)
    const waiting = queue(INFO, '?wait=30')
    await until(
      () => api<Page>('GET', path),
      ({ body }) => body.items.length === 2,
    )
    await api('DELETE', path)
    expect((await waiting).body.state).toBe('cancelled')
  })

  it('an error shows its whole chain', async () => {
    const { device, queue, get } = await enrolledWithCalls(() => ({
      Status: 'Error',
      ErrorChain: [
        { ErrorCode: 12_021, ErrorDomain: 'MCMDMErrorDomain', USEnglishDescription: 'outer' },
        { ErrorCode: 4001, ErrorDomain: 'MCInstallationErrorDomain', LocalizedDescription: 'in' },
      ],
    }))
    const { body } = await queue()
    await device.poll()
    expect(await get(body.id)).toMatchObject({
      state: 'error',
      errors: [
        { code: 12_021, domain: 'MCMDMErrorDomain', description: 'outer' },
        { code: 4001, domain: 'MCInstallationErrorDomain', description: 'in' },
      ],
    })
  })
})

describe('queued commands are listed, inspected and deleted', () => {
  it('a page at a time, newest first, by state and type', async () => {
    const { device, path, queue } = await enrolledWithCalls(() => 'silence')
    for (const request_type of ['SecurityInfo', 'ProfileList', 'SecurityInfo', 'CertificateList']) {
      await queue({ request_type })
    }
    await device.poll()
    const first = (await api<Page>('GET', `${path}?limit=3`)).body
    expect(first.items.map(({ id }) => id.split('.').at(-1))).toEqual(['4', '3', '2'])
    const second = (await api<Page>('GET', `${path}?limit=3&cursor=${first.next}`)).body
    expect(second).toMatchObject({ items: [{ state: 'sent', hand_outs: 1 }], next: null })
    const typed = await api<Page>('GET', `${path}?state=queued&request_type=SecurityInfo`)
    expect(typed.body.items.map(({ id }) => id)).toEqual([`${device.udid}.3`])
    const refused = await api('GET', `${path}?state=lost`)
    expect(refused).toMatchObject({ status: 400, body: { status: 400 } })
    expect((await api('GET', `${path}?limit=0`)).body).toMatchObject({
      errors: [{ at: 'query.limit' }],
    })
  })

  it('one is cancelled, and those behind it go out; a finished one cannot be', async () => {
    const { device, queue } = await enrolledWithCalls()
    const [first, second] = [await queue(), await queue({ request_type: 'SecurityInfo' })]
    const cancelled = await api<Command>('DELETE', `/api/commands/${first.body.id}`)
    expect(cancelled).toMatchObject({ status: 200, body: { state: 'cancelled' } })
    await device.poll()
    expect(device.received.map(({ requestType }) => requestType)).toEqual(['SecurityInfo'])
    const late = await api('DELETE', `/api/commands/${second.body.id}`)
    expect(late).toMatchObject({
      status: 409,
      body: { detail: expect.stringMatching('acknowledged') },
    })
    expect((await api('GET', `/api/commands/${device.udid}.99`)).status).toBe(404)
    expect((await api('GET', '/api/commands/nothing')).status).toBe(404)
  })

  it('all are cleared, and each still shows its end', async () => {
    const { device, path, queue, get } = await enrolledWithCalls()
    const { body } = await queue()
    await queue()
    expect((await api('DELETE', path)).body).toEqual({ cancelled: 2 })
    expect((await get(body.id)).state).toBe('cancelled')
    await device.poll()
    expect(device.received).toEqual([])
  })
})

describe('a command that is answered NotNow', () => {
  it('its number and age are seen, and after ten it is an event, once', async () => {
    const { device, queue, get } = await enrolledWithCalls(() => 'NotNow')
    const { body } = await queue()
    for (let n = 0; n < 11; n++) {
      await device.poll()
    }
    const command = await get(body.id)
    expect(command).toMatchObject({ state: 'not_now', not_nows: 11, hand_outs: 11 })
    expect(Date.parse(command.not_now_since ?? '')).toBeGreaterThan(0)
    expect(command.timeline.find(({ what }) => what === 'not_now')).toMatchObject({ times: 11 })
    const events = await api<Events>(
      'GET',
      `/api/devices/${device.udid}/events?topic=command.deferred`,
    )
    expect(events.body.items).toMatchObject([{ command_id: body.id, status: 'NotNow' }])
  })
})

describe('a failing command does not block those behind it', () => {
  it('if the device answers with an error or a format error, or does not answer', async () => {
    const answers: Answer[] = ['silence', 'silence', 'silence', 'Error', 'CommandFormatError']
    const { device, queue, get } = await enrolledWithCalls(() => answers.shift())
    const ids: string[] = []
    for (const request_type of [
      'ProfileList',
      'SecurityInfo',
      'CertificateList',
      'RestartDevice',
    ]) {
      ids.push((await queue({ request_type })).body.id)
    }
    for (let n = 0; n < 5; n++) {
      await device.poll()
    }
    const states = await Promise.all(ids.map(async (id) => (await get(id)).state))
    expect(states).toEqual(['acknowledged', 'error', 'format_error', 'acknowledged'])
    const order = device.received.map(({ requestType }) => requestType)
    expect(order.indexOf('RestartDevice')).toBeGreaterThan(order.indexOf('SecurityInfo'))
  })

  it('one queued before a new enrolment is closed as superseded', async () => {
    const { device, queue, get } = await enrolledWithCalls()
    const { body } = await queue()
    device.useIdentity(newIdentity())
    await device.enroll()
    expect((await get(body.id)).state).toBe('held')
    await decide('new', device)
    expect((await get(body.id)).state).toBe('superseded')
  })
})

describe('a request may be repeated, a loop is stopped', () => {
  const post = async (path: string, body: object, key: string) => {
    const response = await serve(path, {
      method: 'POST',
      headers: { ...AUTH.headers, 'idempotency-key': key },
      body: JSON.stringify(body),
    })
    return { status: response.status, body: await response.json<Command>() }
  }

  it('the same Idempotency-Key queues once, even at the same time; another body is refused', async () => {
    const { device, path } = await enrolledWithCalls()
    const [one, two] = await Promise.all([post(path, INFO, 'k'), post(path, INFO, 'k')])
    expect(one.body.id).toBe(two.body.id)
    await device.poll()
    expect((await post(path, INFO, 'k')).body).toMatchObject({ id: one.body.id, hand_outs: 1 })
    expect((await post(path, { request_type: 'SecurityInfo' }, 'k')).status).toBe(422)
    expect((await post(path, INFO, 'other')).body.id).toBe(`${device.udid}.2`)
  })

  it('more commands than MAX_QUEUE are 429 on both APIs, with the reason', async () => {
    const { device, path, queue } = await enrolledWithCalls()
    await Promise.all(Array.from({ length: MAX_QUEUE }, () => queue()))
    const full = await api('POST', path, INFO)
    expect(full).toMatchObject({ status: 429, body: { status: 429 } })
    expect(full.body['detail']).toContain(`MAX_QUEUE allows ${MAX_QUEUE}`)
    const micromdm = await api('POST', '/v1/commands', { udid: device.udid, ...INFO })
    expect(micromdm.status).toBe(429)
    expect(micromdm.body['error']).toBe(full.body['detail'])
    await device.poll()
    expect((await queue()).status).toBe(202)
  })
})

describe('a push that APNs refuses', () => {
  it('is in the command’s timeline and on the device’s page', async () => {
    const { device, queue, get } = await enrolledWithCalls()
    await rule({
      on: 'apns',
      match: device.magic,
      status: 410,
      times: 1,
      headers: { 'apns-id': 'x' },
      body: JSON.stringify({ reason: 'Unregistered', timestamp: clock.now() + 60_000 }),
    })
    const { body } = await queue()
    await pushes(device)
    const command = await until(
      () => get(body.id),
      ({ pushed }) => pushed !== null,
    )
    expect(command.pushed).toMatchObject({ outcome: 'token_dead', detail: 'Unregistered' })
    const page = await api<{ channels: object[] }>('GET', `/api/devices/${device.udid}`)
    expect(page.body.channels).toMatchObject([
      { push_state: 'failing', push_reason: 'Unregistered' },
    ])
    const failing = () =>
      api<{ items: object[] }>('GET', `/api/devices?push_state=failing&q=${device.udid}`)
    await until(failing, ({ body: list }) => list.items.length === 1)
    await device.tokenUpdate()
    await until(failing, ({ body: list }) => list.items.length === 0)
  })
})

describe('a command with a time', () => {
  it('is held until not_before, and pushed then', async () => {
    const { device, queue, get } = await enrolledWithCalls()
    const not_before = fromNow(10 * SECOND)
    const { body } = await queue({ ...INFO, not_before })
    expect(body.state).toBe('held')
    await device.poll()
    expect(device.received).toEqual([])
    await letPush()
    expect(await seen(device.magic, 'apns')).toEqual([])
    turn(10 * SECOND)
    expect(await runDurableObjectAlarm(env.DEVICE.getByName(device.udid))).toBe(true)
    await pushes(device)
    await device.poll()
    expect(await get(body.id)).toMatchObject({ state: 'acknowledged' })
  })

  it('expires at the hand-out or by the alarm, and its late answer still finds a home', async () => {
    const { device, queue, get } = await enrolledWithCalls(() => 'silence')
    const expires_at = fromNow(SECOND)
    const out = await queue({ ...INFO, expires_at })
    const waiting = await queue({ request_type: 'EraseDevice', expires_at })
    await device.poll()
    turn(SECOND)
    await runDurableObjectAlarm(env.DEVICE.getByName(device.udid))
    expect(await get(waiting.body.id)).toMatchObject({ state: 'expired', hand_outs: 0 })
    expect((await device.connect({ Status: 'Idle' })).body).toEqual(new Uint8Array())
    await device.connect({ Status: 'Acknowledged', CommandUUID: out.body.command_uuid })
    expect(await get(out.body.id)).toMatchObject({
      state: 'expired',
      result: { Status: 'Acknowledged' },
    })
  })

  it.each([
    [{ expires_at: '2020-01-01T00:00:00Z' }, 'has to lie ahead'],
    [{ expires_at: '1969-01-01T00:00:00Z' }, 'has to lie ahead'],
    [{ not_before: 'tomorrow' }, 'not_before: "tomorrow" is no time'],
    [{ not_before: '2026-11-24T22:00:00' }, 'is no time'],
    [{ request_type: 'Nope' }, 'no request_type Nope'],
    [{ request_type: undefined, Command: {} }, 'RequestType is missing'],
  ])('%j is refused: %s', async (body, detail) => {
    const { queue } = await enrolledWithCalls()
    expect(await queue({ ...INFO, ...body })).toMatchObject({
      status: 400,
      body: { detail: expect.stringContaining(detail) },
    })
  })
})

it('a report of an unknown CommandUUID is 200 and an event', async () => {
  const { device } = await enrolledWithCalls()
  const told = await device.connect({ Status: 'Acknowledged', CommandUUID: 'unknown-uuid' })
  expect(told.status).toBe(200)
  const { body } = await api<Events>(
    'GET',
    `/api/devices/${device.udid}/events?status=Acknowledged`,
  )
  expect(body.items).toMatchObject([{ topic: 'mdm.Connect', command_uuid: 'unknown-uuid' }])
})
