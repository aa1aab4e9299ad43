import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { once } from 'node:events'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { setDefaultAutoSelectFamilyAttemptTimeout } from 'node:net'
import { clock } from '../../../src/clock.ts'
import { post, type PostOutcome } from '../../../src/webhooks/post.ts'

// Node tries the first address of `localhost` this long before the second.
setDefaultAutoSelectFamilyAttemptTimeout(90_000)

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

// The server closes no idle connection: fetch may be about to use it.
server.keepAliveTimeout = 0

/** Lets the time pass in which the newest post was to be answered. */
let timeOut: () => void
const cancelled = vi.fn()

beforeEach(async () => {
  cancelled.mockClear()
  vi.spyOn(clock, 'after').mockImplementation((ms, callback) => {
    expect(ms).toBe(30_000)
    timeOut = callback
    return cancelled
  })
  seen.length = 0
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  port = typeof address === 'object' && address ? address.port : 0
})

afterEach(async () => {
  vi.restoreAllMocks()
  server.closeAllConnections()
  server.close()
  await once(server, 'close')
})

function send(asGo = true, now = 0): Promise<PostOutcome> {
  const url = `http://127.0.0.1:${port}/hook`
  const receiver = { url, authorization: 'Basic x', headers: {}, asGo, allowPrivate: true }
  return post(receiver, { text: 'event', signature: {} }, now)
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
])('a redirect with status %i is followed with %s', async (status, method, body) => {
  answer = redirect(status, '/moved')
  expect(await send()).toMatchObject({ kind: 'delivered' })
  expect(seen[1]).toEqual({ method, url: '/moved', authorization: 'Basic x', body })
  expect(cancelled).toHaveBeenCalledOnce()
})

it.each([301, 302, 303])(
  '%i is a refusal for a webhook of our own, because the GET would bring no event',
  async (status) => {
    answer = redirect(status, `http://user:secret@127.0.0.1:${port}/moved?token=secret`)
    const outcome = await send(false)
    expect(outcome).toMatchObject({ kind: 'refused', reason: expect.stringContaining('/moved') })
    expect(JSON.stringify(outcome)).not.toContain('secret')
    expect(seen).toHaveLength(1)
  },
)

it('a redirect loop ends after ten requests, as a receiver that is down', async () => {
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
  [522, 'down'],
  [530, 'down'],
  [400, 'refused'],
  [500, 'refused'],
])('status %i means %s for a post', async (status, kind) => {
  answer = (_, response) => response.writeHead(status, { 'retry-after': '7' }).end()
  expect(await send()).toMatchObject({ kind, ...(kind === 'down' ? { retryAfter: 7000 } : {}) })
})

it.each([
  ['seconds', '7200', 7_200_000],
  ['an HTTP date', 'Tue, 24 Nov 2026 11:00:00 GMT', 7_200_000],
  ['a date that has been', 'Tue, 24 Nov 2026 08:00:00 GMT', undefined],
  ['no time at all', '0', undefined],
  ['a text that is no date', 'soon', undefined],
  ['an endless number', '9'.repeat(400), undefined],
])('Retry-After may be %s', async (_, header, retryAfter) => {
  answer = (__, response) => response.writeHead(503, { 'retry-after': header }).end()
  const now = Date.parse('2026-11-24T09:00:00Z')
  expect(await send(true, now)).toMatchObject({ kind: 'down', retryAfter })
})

it('a receiver that does not answer in time is down', async () => {
  answer = () => timeOut()
  expect(await send()).toMatchObject({ kind: 'down', reason: 'no answer within 30 s' })
})

it('a body that breaks off does not undo the status before it', async () => {
  answer = ({ socket }) => {
    socket.end('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nnot a chunk\r\n')
  }
  expect(await send()).toEqual({ kind: 'delivered', status: 200 })
})

it('the reason for a host that cannot be reached says what to check, with the reference of the runtime', async () => {
  const fetching = vi.spyOn(globalThis, 'fetch')
  fetching.mockRejectedValue(new Error('internal error; reference = abc123'))
  const outcome = await send()
  expect(outcome).toMatchObject({
    kind: 'down',
    reason: expect.stringMatching(/^could not connect: .*resolve.*reference = abc123/),
  })
})
