import { createExecutionContext } from 'cloudflare:test'
import { expect, it, vi } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }
import worker from '../../src/index.ts'
import type { Env } from '../../src/env.ts'
import { turnTimers } from './clock.ts'
import { BASIC, env, newDevice, serve, until } from './server.ts'

const KEY = { authorization: BASIC }

it.each<[string, number, string, RequestInit?]>([
  ['a device’s message that cannot be read', 400, '/mdm/checkin', { method: 'PUT', body: 'x' }],
  ['a device route by another method', 405, '/mdm/connect'],
  ['SCEP', 200, '/scep?operation=GetCACaps'],
  ['SCEP by another method', 405, '/scep', { method: 'PUT' }],
  ['the page', 200, '/'],
  ['a profile', 200, '/mdm/enroll'],
  ['MicroMDM’s API', 200, '/version'],
  ['MicroMDM’s API without the key', 401, '/v1/commands/A'],
  ['an error of MicroMDM’s API', 500, '/v1/devices/A/unblock', { method: 'POST', headers: KEY }],
  ['our API', 200, '/api/devices', { headers: KEY }],
  ['our API without the key', 401, '/api/devices'],
  [
    'our API to another site’s page',
    403,
    '/api/devices',
    { headers: { origin: 'https://a.test' } },
  ],
  ['our API by another method', 405, '/api/devices', { method: 'PUT', headers: KEY }],
  ['a description', 200, '/api/docs'],
  ['HEAD', 200, '/api/docs', { method: 'HEAD' }],
  ['a path that is not there', 404, '/nothing'],
])('%s (%d) names the server', async (_, status, path, init) => {
  const response = await serve(path, init)
  expect([response.status, response.headers.get('edgemdm')]).toEqual([status, manifest.version])
})

it.each<[string, number, string, object, HeadersInit?]>([
  ['without its secrets', 503, '/mdm/connect', { SEAL_KEYS: '' }],
  ['under a host that is none', 400, '/mdm/connect', {}, { host: 'a b' }],
  ['whose directory fails', 503, '/mdm/enroll', { DB: undefined }],
  ['whose directory fails an admin', 500, '/v1/devices', { DB: undefined }, KEY],
])('a server %s (%d) names itself', async (_, status, path, vars, headers = {}) => {
  const its = { ...env, ...vars } as unknown as Env
  const method = path === '/v1/devices' ? 'POST' : 'GET'
  const body = method === 'POST' ? '{}' : null
  const request = new Request(`http://mdm.test${path}`, { method, headers, body })
  const response = await worker.fetch(request, its, createExecutionContext())
  expect([response.status, response.headers.get('edgemdm')]).toEqual([status, manifest.version])
})

it('answers to a device have no header that is not for it', async () => {
  const answers: Response[] = []
  const device = newDevice({
    fetch: async (url, init) => {
      const response = await serve(new URL(url).pathname, init as RequestInit)
      answers.push(response)
      return response
    },
  })
  await device.enroll()
  await device.poll()
  answers.push(await serve('/mdm/connect', { method: 'PUT', body: 'no plist' }))
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 400])
  for (const { headers } of answers) {
    expect([...headers.keys()]).toEqual(['edgemdm'])
  }
})

const sent = (authorization: string, path = '/api/devices'): Promise<Response> =>
  serve(path, { headers: { authorization, 'cf-connecting-ip': '192.0.2.77' } })

it('the key opens each admin route as a Bearer token too', async () => {
  for (const path of ['/api/devices', '/v1/commands/A']) {
    for (const scheme of ['Bearer', 'bearer']) {
      expect((await sent(`${scheme} test-key`, path)).status, `${path} ${scheme}`).toBe(200)
    }
  }
})

it('a header without a token is 401, and does not count as a wrong key', async () => {
  const warned = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
  const two = new Headers([
    ['authorization', 'Bearer test-key'],
    ['authorization', 'Bearer test-key'],
  ])
  const answers = [
    await serve('/api/devices', { headers: two }),
    ...(await Promise.all(
      [
        'Bearer',
        'Bearer ',
        'Bearer test-key test-key',
        'Bearer test-key, Basic bWljcm9tZG06dGVzdC1rZXk=',
        'Bearer\ttest-key',
        'Bearertest-key',
        `Bearer ${' '.repeat(8000)}`,
        'secret',
      ].map((text) => sent(text)),
    )),
  ]
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 401))
  expect(warned).not.toHaveBeenCalled()
  vi.restoreAllMocks()
})

it('a wrong token is 401 and counts, as a wrong password does', async () => {
  const tokens = [
    'wrong',
    'Test-key',
    'test-ke',
    'bWljcm9tZG06dGVzdC1rZXk=',
    '"test-key"',
    'x'.repeat(8000),
  ]
  expect(
    await Promise.all(tokens.map(async (token) => (await sent(`Bearer ${token}`)).status)),
  ).toEqual(tokens.map(() => 401))
  const more = Array.from({ length: 20 }, () => sent('Bearer wrong'))
  const statuses: number[] = []
  for (const one of more) {
    void one.then(({ status }) => statuses.push(status))
  }
  await until(
    async () => statuses.length,
    (length) => length >= 16,
  )
  expect((await sent('Bearer test-key')).status).toBe(200)
  await turnTimers(1000)
})
