import { runInDurableObject } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import { clock } from './clock.ts'
import { api, env, newDevice, until } from './server.ts'

const REPLAY = { webhook_id: 'webhook', force: true }

interface Refusal {
  detail: string
}

/** The detail of a refusal with 400. */
async function refused(method: string, path: string, body?: unknown): Promise<string> {
  const answer = await api<Refusal>(method, path, body)
  expect(answer, `${method} ${path}`).toMatchObject({ status: 400 })
  return answer.body.detail
}

describe('a time in a request', () => {
  const command = (fields: object) => ({ request_type: 'ProfileList', ...fields })
  const places: Record<string, (time: string) => [string, string, unknown?]> = {
    not_before: (not_before) => ['POST', '/api/devices/D/commands', command({ not_before })],
    expires_at: (expires_at) => ['POST', '/api/devices/D/commands', command({ expires_at })],
    'not_before of many': (not_before) => [
      'POST',
      '/api/commands',
      { ids: ['D'], command: command({ not_before }) },
    ],
    from: (from) => ['POST', '/api/replays', { webhook_id: 'webhook', ids: ['D'], from }],
    to: (to) => ['POST', '/api/replays', { webhook_id: 'webhook', ids: ['D'], to }],
    last_seen_before: (time) => [
      'GET',
      `/api/devices?last_seen_before=${encodeURIComponent(time)}`,
    ],
    last_seen_after: (time) => ['GET', `/api/devices?last_seen_after=${encodeURIComponent(time)}`],
    expires_before: (time) => ['GET', `/api/identities?expires_before=${encodeURIComponent(time)}`],
  }

  it.each(Object.entries(places))(
    'in %s has to be one that there is, with its zone',
    async (name, request) => {
      for (const time of [
        '2099-02-30T00:00:00Z',
        '2099-02-29T00:00:00+02:00',
        '2099-04-31T10:00:00Z',
        '2099-01-01T24:00:00Z',
        '2099-01-01T10:60:00Z',
        '2099-01-01T10:00:00+24:00',
        '2099-01-01T10:00:00',
        '9999-12-31T23:00:00-02:00',
        '2099-01-01T10:00:00 02:00',
        '2099-01-01',
        'tomorrow',
      ]) {
        const detail = await refused(...request(time))
        expect(detail).toContain(`${name.split(' ')[0]}: ${JSON.stringify(time)} is no time`)
        expect(detail).toContain('such as 2026-11-24T22:00:00Z')
      }
    },
  )

  it('may be of a leap day, of another zone, in small letters or without seconds', async () => {
    for (const time of [
      '2096-02-29T23:59:59.999Z',
      '2099-01-01T00:00:00+14:00',
      '2099-12-31t23:59:00z',
      '2099-12-31T23:59Z',
    ]) {
      const fields = { not_before: time, expires_at: '2100-01-01T00:00:00Z' }
      const queued = await api('POST', '/api/devices/TIMES/commands', command(fields))
      expect(queued).toMatchObject({
        status: 202,
        body: { not_before: new Date(time.toUpperCase()).toISOString() },
      })
      const query = encodeURIComponent(time)
      expect((await api('GET', `/api/devices?last_seen_after=${query}`)).status).toBe(200)
      expect((await api('GET', `/api/identities?expires_before=${query}`)).status).toBe(200)
    }
  })

  it('of a replay: `from` must be before `to`', async () => {
    const span = { from: '2026-11-24T10:00:00Z', to: '2026-11-24T10:00:00+01:00' }
    const order = { webhook_id: 'webhook', ids: ['D'], dry_run: true, ...span }
    expect(await refused('POST', '/api/replays', order)).toContain('`from` lies behind `to`')
  })
})

describe('a cursor', () => {
  const lists = [
    '/api/devices',
    '/api/devices/D/commands',
    '/api/devices/D/events',
    '/api/identities',
    '/api/jobs',
    '/api/webhooks/webhook/posts',
    '/api/devices/D/deliveries',
    '/api/dead-letters?webhook_id=webhook',
  ]
  const paged = (list: string, cursor: string) =>
    `${list}${list.includes('?') ? '&' : '?'}cursor=${cursor}`

  it.each(lists)(
    'of %s that is invalid is refused, with a text that says what to do',
    async (list) => {
      for (const cursor of [
        '%ff%00',
        '%00',
        'null',
        'nonsense!',
        'MTI=',
        ...['-1', '0', '1e3', '12 ', '[1]', 'D', 'device ', 'job 1', 'other 1 D'].map((text) =>
          Buffer.from(text).toString('base64url'),
        ),
      ]) {
        expect(await refused('GET', paged(list, cursor))).toContain('or leave it out')
      }
    },
  )

  it('that is empty gives the first page', async () => {
    await api('POST', '/api/devices/D/commands', { request_type: 'ProfileList' })
    for (const list of lists.filter((one) => !one.includes('device_id=D'))) {
      expect((await api('GET', paged(list, ''))).status).toBe(200)
    }
  })

  it('of another list is refused', async () => {
    for (const id of ['CURSOR-1', 'CURSOR-2']) {
      await api('POST', '/api/commands', { ids: [id], command: { request_type: 'ProfileList' } })
    }
    const { next } = (await api<{ next: string }>('GET', '/api/jobs?limit=1')).body
    expect((await api('GET', `/api/jobs?cursor=${next}`)).status).toBe(200)
    for (const list of lists.filter((one) => one !== '/api/jobs')) {
      await refused('GET', paged(list, next))
    }
  })
})

describe('an id in a path', () => {
  const command = { request_type: 'ProfileList' }

  it('that cannot be an id is refused, and no command is queued for it', async () => {
    for (const [id, reason] of [
      ['%E0%A4%A', 'a % that is part of an id is written as %25'],
      ['%', 'written as %25'],
      ['%ff', 'written as %25'],
      ['%20', 'it is empty'],
      ['A%20', 'white space'],
      ['A:', 'no UserID follows the colon'],
      [':A', 'it is empty'],
      ['A:B:C', 'a colon parts a device from its user'],
      ['%C3%A9:B', 'printable ASCII'],
      ['A%E2%80%8BB', 'control characters'],
      ['A%0A', 'white space'],
      ['A%0AB', 'control characters'],
      ['A'.repeat(257), 'longer than 256 characters'],
    ] as const) {
      expect(await refused('POST', `/api/devices/${id}/commands`, command)).toContain(reason)
      for (const path of ['', '/identities', '/escrow', '/commands', '/events']) {
        expect(await refused('GET', `/api/devices/${id}${path}`)).toContain(reason)
      }
    }
  })

  it('may hold an escaped %', async () => {
    const { status, body } = await api('POST', '/api/devices/50%25/commands', command)
    expect([status, body['id']]).toEqual([202, '50%.1'])
    expect((await api('GET', '/api/commands/50%25.1')).status).toBe(200)
  })

  it('of an unknown device is 404, and leaves nothing behind', async () => {
    const id = crypto.randomUUID()
    for (const [method, path, body] of [
      ['GET', ''],
      ['GET', '/identities'],
      ['GET', '/escrow'],
      ['POST', '/escrow/unlock_token', { reason: 'lost' }],
      ['POST', '/identities/00/revoke'],
      ['POST', '/identities/00/reinstate'],
      ['POST', '/retire'],
      ['POST', '/renew'],
    ] as const) {
      expect(await api(method, `/api/devices/${id}${path}`, body)).toMatchObject({
        status: 404,
        body: { detail: `no enrolment has the id ${id}: GET /api/devices lists them` },
      })
    }
    await runInDurableObject(env.DEVICE.getByName(id), (_, state) => {
      const tables = state.storage.sql.exec(
        "SELECT name FROM sqlite_master WHERE name = 'commands'",
      )
      expect(tables.toArray()).toEqual([])
    })
  })

  it('of a user channel leads to its device, which has the certificates and tokens', async () => {
    const device = newDevice()
    await device.enroll()
    const userId = crypto.randomUUID()
    await device.userChannel({ userId, shortName: 'ada' }).tokenUpdate()
    for (const id of [device.udid, `${device.udid}:${userId}`, userId]) {
      const { body } = await api<{ items: object[] }>('GET', `/api/devices/${id}/identities`)
      expect(body.items).toHaveLength(1)
      expect((await api('GET', `/api/devices/${id}/escrow`)).status).toBe(200)
    }
  })

  it('of a command, a job or a dead letter is 404 if it has the wrong form', async () => {
    for (const path of ['commands/%20.1', 'commands/A', 'jobs/%20', 'jobs/1/outcomes']) {
      expect((await api('GET', `/api/${path}`)).status).toBe(404)
    }
    for (const id of ['none.1', `${crypto.randomUUID()}.1`, 'webhook.0', '%20.1']) {
      expect((await api('POST', `/api/dead-letters/${id}/retry`)).status).toBe(404)
      expect((await api('DELETE', `/api/dead-letters/${id}`)).status).toBe(404)
    }
  })
})

describe('ids in a body', () => {
  it('are distinguished by their type, and no command is queued for a blank id', async () => {
    const id = String(clock.now())
    const ids = [id, Number(id), ` ${id}`, ' ', `${id}:`, null, [id], id]
    const command = { request_type: 'ProfileList' }
    const { body } = await api<{
      outcomes: { id: string; state: string; error: string | null }[]
    }>('POST', '/api/commands', { ids, command })
    expect(body).toMatchObject({ total: 7, done: 1, failed: 6 })
    expect(body.outcomes.map((one) => [one.id, one.error])).toEqual([
      [id, null],
      [id, 'not an enrolment id: of type number, where text in quotes is due'],
      [` ${id}`, 'not an enrolment id: there is white space at an end'],
      [' ', 'not an enrolment id: it is empty'],
      [`${id}:`, 'not an enrolment id: no UserID follows the colon'],
      ['null', 'not an enrolment id: null, where text in quotes is due'],
      [`["${id}"]`, 'not an enrolment id: a list, where text in quotes is due'],
    ])
    const { body: queue } = await api<{ items: object[] }>('GET', `/api/devices/${id}/commands`)
    expect(queue.items).toHaveLength(1)
  })

  it('of a replay may be repeated or invalid without harm to the others', async () => {
    const device = newDevice()
    await device.enroll()
    const ids = [device.udid, ' ', device.udid]
    const { body } = await api('POST', '/api/replays', { ...REPLAY, ids, dry_run: true })
    expect(body['outcomes']).toMatchObject([
      { id: device.udid, events: expect.any(Number), error: null },
      { id: ' ', events: null, error: 'not an enrolment id: it is empty' },
    ])
  })
})

describe('a replay by filter', () => {
  it('goes to the enrolled devices that match, and reports serial numbers without a device', async () => {
    const device = newDevice({ serial: `R${crypto.randomUUID()}` })
    await device.enroll()
    await until(
      () =>
        api<{ items: object[] }>(
          'GET',
          `/api/devices?serial_number=${device.serial}&state=enrolled`,
        ),
      ({ body }) => body.items.length === 1,
    )
    const filter = {
      serial_number: [device.serial, ` ${device.serial} `, 'UNKNOWN'],
      platform: ['macOS'],
    }
    const { body } = await api('POST', '/api/replays', { ...REPLAY, filter, dry_run: true })
    expect(body['outcomes']).toMatchObject([
      { id: device.udid, events: expect.any(Number) },
      { id: 'UNKNOWN', error: 'no device of the filter has this serial number' },
    ])
    const paced = await api('POST', '/api/replays', { ...REPLAY, filter, pace: 60 })
    expect(paced.body).toMatchObject({ kind: 'replay', total: 2, failed: 1, pace: 60 })
  })

  it.each([
    [{}, 'in one way: `ids`, `filter` or `all`'],
    [{ ids: ['A'], filter: { os_version: '15' } }, 'in one way'],
    [{ filter: {} }, 'name at least one word'],
    [{ filter: { serial_number: [' '] } }, 'filter.serial_number.0: has to hold something'],
    [{ filter: { serial_number: [] } }, 'an empty list finds no device'],
    [{ filter: { os_version: '' } }, 'filter.os_version: has to hold something'],
    [{ filter: { os_version: '999' } }, 'no enrolled device fits'],
  ])('refuses %j', async (order, reason) => {
    expect(await refused('POST', '/api/replays', { ...REPLAY, ...order })).toContain(reason)
  })

  it('that is too long to store is refused, and no job is listed', async () => {
    const listed = () => api('GET', '/api/jobs?limit=1')
    const { body } = await listed()
    const order = { ...REPLAY, ids: ['A'], topics: Array(100_000).fill('mdm.Connect') }
    expect(await refused('POST', '/api/replays', order)).toContain('too long')
    expect((await listed()).body['total']).toBe(body['total'])
  })
})

describe('a refusal', () => {
  const command = (fields: object) => ({ request_type: 'Settings', settings: [fields] })
  const commands: [unknown, string][] = [
    ['', 'the body has to be a JSON object'],
    ['[]', 'the body has to be a JSON object'],
    ['{"a"', 'the body is no JSON: it ends too early'],
    ['{"a" 1}', 'the body is no JSON: "1", its character 6, is out of place'],
    [{}, 'request_type is missing'],
    [{ request_type: 'Nope' }, 'there is no request_type Nope: send a newer one in Apple’s keys'],
    [{ request_type: 'DeviceInfo' }, 'did you mean DeviceInformation?'],
    [{ request_type: 5 }, 'request_type has to be a string, not a number'],
    [
      { request_type: 'DeviceInformation', queries: 'OSVersion' },
      'queries has to be a list of strings, not a string',
    ],
    [
      { request_type: 'DeviceInformation', queries: [5] },
      'each of queries has to be a string, not a number',
    ],
    [
      { request_type: 'InstallProfile', payload: 'A%' },
      'payload has to be padded base64: character 2 is out of place',
    ],
    [
      { request_type: 'InstallProfile', payload: [300] },
      'each of payload has to be a number from 0 to 255, not 300',
    ],
    [command({ item: 'X', enabled: 5 }), 'settings.enabled has to be true or false, not a number'],
    [command({ mdm_options: { a: 1 } }), 'mdm_options.a has to be true or false'],
    [command({ configuration: 'AAAA' }), 'configuration has to be the base64 of a property list'],
    [{ Command: { RequestType: 5 } }, 'Command.RequestType has to be a string, not a number'],
    [
      { Command: { RequestType: 'X' }, CommandUUID: 5 },
      'CommandUUID has to be a string, not a number',
    ],
    [{ Command: { RequestType: 'X', Keys: [null] } }, 'Command.Keys holds a list with a null'],
    [
      { Command: { RequestType: 'X', A: [{ B: { $data: '%' } }] } },
      'Command.A.0.B.$data has to be padded base64',
    ],
    [
      { Command: { RequestType: 'X' }, request_type: 'ProfileList' },
      'both `request_type` and `Command`: send MicroMDM’s JSON or Apple’s keys',
    ],
    [{ request_type: 'ProfileList', udid: 'E' }, 'udid is E, and the command would go to D'],
    [{ request_type: 'ProfileList', not_before: 5 }, 'not_before has to be a string'],
  ]

  it.each(commands)('of the command %j names the request, and not Go', async (body, reason) => {
    const detail = await refused('POST', '/api/devices/D/commands', body)
    expect(detail).toContain(reason)
    if (typeof body === 'object') {
      const many = await refused('POST', '/api/commands', { ids: ['A'], command: body })
      expect(`${detail}${many}`).not.toMatch(/EOF|Go struct|unmarshal|mdm: |undefined|NaN/)
    }
  })

  it.each([
    ['GET', '/api/devices?limit=x', 'query.limit: has to be a whole number from 1 to 1000'],
    ['GET', '/api/devices?limit=0', 'query.limit: has to be a whole number from 1 to 1000'],
    ['GET', '/api/devices?limit=1e2', 'query.limit: has to be a whole number from 1 to 1000'],
    ['GET', '/api/commands/D.1?wait=0x1', 'query.wait: has to be a number of seconds'],
    ['GET', '/api/commands/D.1?wait=', 'query.wait: has to be a number of seconds'],
    ['GET', '/api/devices/D/events?topic=Foo', 'query.topic.0: "Foo" is not one of: mdm.'],
    ['GET', '/api/devices/D/events?status=Foo', 'query.status.0: "Foo" is not one of: Ack'],
    ['GET', '/api/jobs?limit=41', 'query.limit: has to be a whole number from 1 to 40'],
    ['GET', '/api/devices?plaform=macOS', 'Unrecognized key: "plaform"'],
    [
      'GET',
      '/api/devices?push_state=dead',
      'query.push_state.0: "dead" is not one of: none, ready, failing',
    ],
    ['GET', '/api/commands/D.1?wait=61', 'query.wait: has to be a number of seconds, at most 60'],
    ['GET', '/api/dead-letters', 'query.webhook_id: is missing'],
    ['POST', '/api/commands', 'json.command: is missing'],
    ['POST', '/api/commands', 'all: has to be true', { all: false, command: {} }],
    ['POST', '/api/webhooks', 'has to be an http or https URL', { url: 'ftp://x' }],
    ['POST', '/api/webhooks', 'has to be written as %25', { url: 'https://a%zz:b@x.example.com' }],
    [
      'POST',
      '/api/webhooks',
      'json.headers.a b: cannot be a name here',
      { url: 'https://x.example.com', headers: { 'a b': 'c' } },
    ],
    ['PATCH', '/api/renewals', 'Unrecognized key: "perhour"', { perhour: 1 }],
  ])('of %s %s is “%s”', async (method, path, reason, body?: object) => {
    expect(await refused(method, path, body)).toContain(reason)
  })

  it('of MicroMDM’s API keeps Go’s words', async () => {
    const field = 'Go struct field CommandRequest.request_type of type string'
    for (const [body, error] of [
      ['', 'EOF'],
      ['{"a"', 'unexpected EOF'],
      ['{}', 'mdm: unknown RequestType: '],
      ['{"request_type":5}', `json: cannot unmarshal number into ${field}`],
    ]) {
      const answer = await api('POST', '/v1/commands', body)
      expect(answer).toEqual({ status: 500, body: { error } })
    }
  })
})
