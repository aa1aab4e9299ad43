import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { once } from 'node:events'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { post, type PostOutcome } from '../../../src/delivery/post.ts'

type Answer = (request: IncomingMessage, response: ServerResponse) => void

const seen: { method: string; url: string; authorization: string; body: string }[] = []
let answer: Answer
let port = 0

const server = createServer((request, response) => {
  let body = ''
  request.on('data', (chunk: Buffer) => (body += chunk.toString()))
  request.on('end', () => {
    const { method = '', url = '', headers } = request
    seen.push({ method, url, authorization: headers.authorization ?? '', body })
    answer(request, response)
  })
})

beforeEach(async () => {
  seen.length = 0
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  port = typeof address === 'object' && address ? address.port : 0
})

afterEach(async () => {
  server.closeAllConnections()
  server.close()
  await once(server, 'close')
})

function send(asGo = true): Promise<PostOutcome> {
  const url = `http://127.0.0.1:${port}/hook`
  const receiver = { url, authorization: 'Basic x', headers: {}, asGo, allowPrivate: true }
  return post(receiver, { text: 'event', signature: {} }, 0)
}

const redirect =
  (status: number, location: string): Answer =>
  ({ url }, response) => {
    response.writeHead(url === '/hook' ? status : 200, { location }).end()
  }

it.each([
  [301, 'GET', ''],
  [302, 'GET', ''],
  [303, 'GET', ''],
  [307, 'POST', 'event'],
  [308, 'POST', 'event'],
])('%i is followed by a %s', async (status, method, body) => {
  answer = redirect(status, '/moved')
  expect(await send()).toMatchObject({ kind: 'delivered' })
  expect(seen[1]).toEqual({ method, url: '/moved', authorization: 'Basic x', body })
})

it.each([301, 302, 303])(
  '%i is a refusal for a webhook of our own, because the GET would bring no event',
  async (status) => {
    answer = redirect(status, '/moved')
    expect(await send(false)).toMatchObject({
      kind: 'refused',
      reason: expect.stringContaining('/moved'),
    })
    expect(seen).toHaveLength(1)
  },
)

it('credentials do not follow a redirect to another host', async () => {
  answer = redirect(307, `http://localhost:${port}/moved`)
  await send()
  expect(seen[1]).toMatchObject({ url: '/moved', authorization: '' })
})

it('a circle ends after ten requests, as a receiver that is down', async () => {
  answer = (_, response) => response.writeHead(307, { location: '/hook' }).end()
  expect(await send()).toMatchObject({ kind: 'down', reason: 'stopped after 10 redirects' })
  expect(seen).toHaveLength(10)
})

it('a redirect to nowhere and 304 are success, as any status below 400', async () => {
  for (const status of [302, 304]) {
    answer = (_, response) => response.writeHead(status).end()
    expect(await send()).toMatchObject({ kind: 'delivered' })
  }
})

it.each([
  [429, 'down'],
  [502, 'down'],
  [503, 'down'],
  [504, 'down'],
  [400, 'refused'],
  [500, 'refused'],
])('%i means %s', async (status, kind) => {
  answer = (_, response) => response.writeHead(status, { 'retry-after': '7' }).end()
  expect(await send()).toMatchObject({ kind, ...(kind === 'down' ? { retryAfter: 7000 } : {}) })
})
