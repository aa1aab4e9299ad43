import { describe, expect, it } from 'vitest'
import { serve } from './server.ts'

const AUTH = { authorization: `Basic ${btoa('micromdm:secret')}` }

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

  it('is a problem document: no credentials, before anything is told', async () => {
    for (const path of ['/api/nothing', '/api/devices', '/api']) {
      const { status, headers } = await asked(path, {})
      expect(status).toBe(401)
      expect(headers.get('www-authenticate')).toBe('Basic realm="micromdm"')
    }
  })

  it('is a problem document: a path or method that is not there, a device that is not there', async () => {
    expect((await asked('/api/nothing')).status).toBe(404)
    expect((await asked('/api')).status).toBe(404)
    expect((await asked('/api/openapi.json', { method: 'DELETE', headers: AUTH })).status).toBe(405)
    const retire = await asked('/api/devices/NOBODY/retire', { method: 'POST', headers: AUTH })
    expect(retire).toMatchObject({
      status: 404,
      body: { detail: 'nothing is known of a device with the id NOBODY' },
    })
  })
})
