import { createExecutionContext } from 'cloudflare:test'
import { describe, expect, it, vi } from 'vitest'
import worker from '../../src/index.ts'
import type { PushKeeper } from '../../src/device/push/certificate.ts'
import type { Env } from '../../src/env.ts'
import { deployed, pushCertificate } from './deployment.ts'
import { api, env, TOPIC } from './server.ts'

const PATH = '/v1/config/certificate'

const mine = pushCertificate()

/** A deployment whose vars differ from the tests' own. */
function deployment(vars: Record<string, unknown>) {
  const send = deployed(vars)
  return async (method: string, path: string, body?: unknown) => {
    const response = await send(method, path, body)
    return { status: response.status, body: await response.json<Record<string, unknown>>() }
  }
}

describe('in production, where a deploy binds the certificate', () => {
  const call = deployment({ PUSH_CERTIFICATE: mine.pem })

  it('the certificate in use is shown, as DER and with its end', async () => {
    const cert = Buffer.from(mine.der).toString('base64')
    expect(await call('GET', PATH)).toEqual({ status: 200, body: { cert } })
    expect(await call('GET', '/api/push-certificate')).toMatchObject({
      status: 200,
      body: { topic: TOPIC, days_left: 300, warning: null },
    })
  })

  it('a PUT is 200 only for the certificate that is in use already', async () => {
    const same = { cert: mine.cert, key: mine.keyAs('pkcs8') }
    expect(await call('PUT', PATH, same)).toEqual({ status: 200, body: {} })
    const { cert, keyAs } = pushCertificate()
    const other = await call('PUT', PATH, { cert, key: keyAs('pkcs1') })
    expect(other.status).toBe(409)
    expect(other.body['error']).toContain('npm run push-cert -- install --production')
  })

  it('without the binding no PUT is 200', async () => {
    const unbound = deployment({ PUSH_CERTIFICATE: mine.pem, APNS: undefined })
    const same = { cert: mine.cert, key: mine.keyAs('pkcs8') }
    expect((await unbound('PUT', PATH, same)).status).toBe(409)
  })

  it('a malformed certificate is a configuration error with the reason', async () => {
    const broken = await deployment({ PUSH_CERTIFICATE: 'nothing' })('GET', PATH)
    expect(broken.status).toBe(503)
    expect(broken.body['error']).toContain('PUSH_CERTIFICATE: the push certificate holds no PEM')
  })
})

it('where only the topic is known there is no certificate to show', async () => {
  expect(await api('GET', PATH)).toEqual({
    status: 500,
    body: {
      error: 'get push certificate: none is known here: install one with `npm run push-cert`',
    },
  })
  expect((await api('GET', '/api/push-certificate')).status).toBe(404)
})

describe('a PUT', () => {
  it.each([
    ['garbage', { cert: btoa('garbage'), key: btoa('garbage') }, 400, /no PEM CERTIFICATE/],
    ['nothing', {}, 400, /no PEM CERTIFICATE/],
    ['no base64', { cert: '~', key: '' }, 500, /illegal base64/],
    [
      'another key',
      { cert: mine.cert, key: pushCertificate().keyAs('pkcs1') },
      400,
      /does not belong/,
    ],
    [
      'an expired certificate',
      (({ cert, keyAs }) => ({ cert, key: keyAs('pkcs1') }))(pushCertificate(TOPIC, -3)),
      400,
      /expired on/,
    ],
  ])(
    'of %s is refused with the fault, and never with the key',
    async (_, body, status, message) => {
      const refused = await api('PUT', PATH, body)
      expect(refused.status).toBe(status)
      expect(refused.body['error']).toMatch(message)
      expect(refused.body['error']).not.toContain('PRIVATE KEY-----')
    },
  )

  it('hands the pair to the keeper of a local server, and passes on why the keeper refused', async () => {
    const handed: unknown[] = []
    const answers = [
      new Response(null),
      new Response('not now', { status: 409 }),
      new Response('ENOSPC: no space left on device, write', { status: 500 }),
    ]
    const keeper: PushKeeper = {
      fetch: async (_, init) => {
        if (init?.method !== 'PUT') {
          return new Response(mine.pem)
        }
        handed.push(JSON.parse(init.body as string))
        return answers.shift() ?? new Response(null)
      },
    }
    const call = deployment({ PUSH_KEEPER: keeper })
    const { pem: certificate, cert, keyAs } = pushCertificate()
    expect((await call('PUT', PATH, { cert, key: keyAs('pkcs1') })).status).toBe(200)
    expect(handed).toEqual([{ certificate, key: atob(keyAs('pkcs8')) }])
    expect(await call('PUT', PATH, { cert, key: keyAs('pkcs1') })).toEqual({
      status: 500,
      body: { error: 'not now' },
    })
    expect(await call('PUT', PATH, { cert, key: keyAs('pkcs1') })).toEqual({
      status: 503,
      body: { error: expect.stringContaining('the storage is full') },
    })
  })
})

it.each([
  [300, 'nothing'],
  [59, /expires on .* in 59 days: renew it/],
  [-2, /expired on .*, and Apple takes no push with it: renew it/],
])('%i days before the push certificate’s end the daily round logs %s', async (days, message) => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
  const { pem: certificate } = pushCertificate(TOPIC, days)
  const ending = { ...env, PUSH_CERTIFICATE: certificate } as unknown as Env
  await worker.scheduled({} as ScheduledController, ending, createExecutionContext())
  const lines = warn.mock.calls.map(([line]) => String(line))
  warn.mockRestore()
  const warned = lines.filter((line) => line.includes('push:certificate-expires'))
  expect(warned.map((line) => JSON.parse(line))).toEqual(
    message === 'nothing'
      ? []
      : [
          {
            event: 'push:certificate-expires',
            level: 'warn',
            topic: TOPIC,
            days_left: days,
            reason: expect.stringMatching(message),
          },
        ],
  )
})
