import { describe, expect, it } from 'vitest'
import { api } from './server.ts'

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
    from: (from) => ['POST', '/api/replays', { webhook: 'webhook', devices: ['D'], from }],
    to: (to) => ['POST', '/api/replays', { webhook: 'webhook', devices: ['D'], to }],
    seen_before: (time) => ['GET', `/api/devices?seen_before=${encodeURIComponent(time)}`],
    seen_after: (time) => ['GET', `/api/devices?seen_after=${encodeURIComponent(time)}`],
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
      expect((await api('GET', `/api/devices?seen_after=${query}`)).status).toBe(200)
      expect((await api('GET', `/api/identities?expires_before=${query}`)).status).toBe(200)
    }
  })

  it('span of a replay has to begin before it ends', async () => {
    const span = { from: '2026-11-24T10:00:00Z', to: '2026-11-24T10:00:00+01:00' }
    const order = { webhook: 'webhook', devices: ['D'], dry_run: true, ...span }
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
    '/api/deliveries?webhook=webhook',
    '/api/deliveries?device=D',
    '/api/dead-letters?webhook=webhook',
  ]
  const paged = (list: string, cursor: string) =>
    `${list}${list.includes('?') ? '&' : '?'}cursor=${cursor}`

  it.each(lists)('of %s that is none is refused, and the refusal says what to do', async (list) => {
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
  })

  it('that is empty is the first page', async () => {
    for (const list of lists.filter((one) => !one.includes('device=D'))) {
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
