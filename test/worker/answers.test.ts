import { createExecutionContext } from 'cloudflare:test'
import { expect, it } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }
import worker from '../../src/index.ts'
import type { Env } from '../../src/env.ts'
import { BASIC, env, newDevice, serve } from './server.ts'

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
])('%s (%d) tells that it is ours', async (_, status, path, init) => {
  const response = await serve(path, init)
  expect([response.status, response.headers.get('edgemdm')]).toEqual([status, manifest.version])
})

it.each<[string, number, string, object, HeadersInit?]>([
  ['without its secrets', 503, '/mdm/connect', { SEAL_KEYS: '' }],
  ['under a host that is none', 400, '/mdm/connect', {}, { host: 'a b' }],
  ['whose directory fails', 503, '/mdm/enroll', { DB: undefined }],
  ['whose directory fails an admin', 500, '/v1/devices', { DB: undefined }, KEY],
])('a server %s (%d) tells that it is ours', async (_, status, path, vars, headers = {}) => {
  const its = { ...env, ...vars } as unknown as Env
  const method = path === '/v1/devices' ? 'POST' : 'GET'
  const body = method === 'POST' ? '{}' : null
  const request = new Request(`http://mdm.test${path}`, { method, headers, body })
  const response = await worker.fetch(request, its, createExecutionContext())
  expect([response.status, response.headers.get('edgemdm')]).toEqual([status, manifest.version])
})

it('a device’s answers have no other header that is not for it', async () => {
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
