import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { clock } from '../../../../src/clock.ts'
import {
  createApnsTransport,
  type ApnsTransport,
} from '../../../../src/cli/start/apns-transport.ts'
import {
  localhostCertificate,
  type PemPair,
  simulatedPushCertificate,
} from '../../../../src/cli/state.ts'
import { pushIdentity } from '../../../../src/cli/settings.ts'
import { pushRequest } from '../../../../src/push/request.ts'
import { judge, readAnswer, type Verdict } from '../../../../src/push/verdict.ts'
import { createSimulatedApns, type SimulatedApns } from '../../../../src/simulator/apns/apns.ts'

const NOW = Date.now()
const TOKEN = 'ab'.repeat(32)
const ID = '6F3C1F5A-0000-4000-8000-000000000001'
const server = localhostCertificate(NOW)
const push = pushIdentity(simulatedPushCertificate(NOW), NOW)
const foreign = simulatedPushCertificate(NOW)

let apns: SimulatedApns
let transport: ApnsTransport
let wakes = 0
/** Lets the time pass in which the newest push was to be answered. */
let timeOut: () => void
const cancelled = vi.fn()

beforeEach(async () => {
  wakes = 0
  cancelled.mockClear()
  apns = await createSimulatedApns({
    ...server,
    clientCertificate: push.certificate,
    topic: push.topic,
  })
  apns.register(TOKEN, 'magic', () => {
    wakes += 1
  })
  transport = transportWith(push)
  vi.spyOn(clock, 'after').mockImplementation((ms, callback) => {
    expect(ms).toBe(10_000)
    timeOut = callback
    return cancelled
  })
})

afterEach(async () => {
  vi.restoreAllMocks()
  await apns.close()
})

function transportWith({ certificate, key }: PemPair, url = apns.url): ApnsTransport {
  const made = createApnsTransport({ url, certificate, key, ca: server.certificate })
  onTestFinished(() => made.close())
  return made
}

interface Change {
  token?: string
  magic?: string
  topic?: string
  headers?: Record<string, string>
  body?: string
}

async function send(change: Change = {}, via = transport): Promise<Verdict> {
  const request = pushRequest({
    token: change.token ?? TOKEN,
    magic: change.magic ?? 'magic',
    topic: change.topic ?? push.topic,
    expiration: 1_900_000_000,
    id: ID,
  })
  const response = await via.fetch(
    new Request(`https://api.push.apple.com${request.path}`, {
      method: 'POST',
      headers: { ...request.headers, ...change.headers },
      body: change.body ?? request.body,
    }),
  )
  return judge(readAnswer(response.status, response.headers, await response.text()))
}

test('a push arrives over HTTP/2 with the client certificate and wakes the owner of the token', async () => {
  expect(await send()).toEqual({ kind: 'delivered', id: ID })
  expect(wakes).toBe(1)
  expect(cancelled).toHaveBeenCalledOnce()
  expect(apns.received).toHaveLength(1)
  expect(apns.received[0]).toMatchObject({ token: TOKEN, magic: 'magic', woke: true })
})

test('the body is exactly the magic', async () => {
  await send({ magic: 'a "b"' })
  expect(apns.received[0]?.headers['apns-push-type']).toBe('mdm')
  expect(apns.received[0]?.magic).toBe('a "b"')
})

test('a wrong magic is delivered and wakes no device, as with Apple', async () => {
  expect((await send({ magic: 'other' })).kind).toBe('delivered')
  expect(wakes).toBe(0)
})

test('a certificate that is not the push certificate is refused with 403', async () => {
  const stranger = transportWith(foreign)
  expect(await send({}, stranger)).toEqual({ kind: 'configuration', reason: 'BadCertificate' })
})

test.each<[string, Change, string]>([
  ['another topic', { topic: 'com.apple.mgmt.External.other' }, 'TopicDisallowed'],
  ['a topic of no MDM', { topic: 'com.example.app' }, 'BadTopic'],
  ['another push type', { headers: { 'apns-push-type': 'alert' } }, 'InvalidPushType'],
  ['a priority that does not exist', { headers: { 'apns-priority': '7' } }, 'BadPriority'],
  ['an expiration that is no number', { headers: { 'apns-expiration': 'x' } }, 'BadExpirationDate'],
  ['an id that is no UUID', { headers: { 'apns-id': 'x' } }, 'BadMessageId'],
  ['a token that no device has', { token: 'cd'.repeat(32) }, 'BadDeviceToken'],
  ['a token too short', { token: 'abcd' }, 'BadDeviceToken'],
  ['a body without magic', { body: '{"aps":{}}' }, 'PayloadEmpty'],
  ['a body beyond 4 KB', { magic: 'x'.repeat(5000) }, 'PayloadTooLarge'],
])('%s is refused as Apple refuses it', async (_, change, reason) => {
  expect(await send(change)).toMatchObject({ reason })
  expect(wakes).toBe(0)
})

test('a device that has left is 410 with the moment since when', async () => {
  apns.unregister(TOKEN, 1_700_000_000_000)
  expect(await send()).toEqual({
    kind: 'token_dead',
    reason: 'Unregistered',
    since: 1_700_000_000_000,
  })
})

test('the simulated APNs fails as often as its rule says, for one token or for all', async () => {
  apns.fail({ status: 429, reason: 'TooManyRequests', retryAfter: 7, token: TOKEN, times: 1 })
  const end = apns.fail({ status: 403, reason: 'BadCertificate' })
  expect(await send()).toMatchObject({ kind: 'later', after: 7000 })
  expect(await send()).toMatchObject({ kind: 'configuration' })
  expect(await send({ token: 'cd'.repeat(32) })).toMatchObject({ kind: 'configuration' })
  end()
  expect(await send()).toMatchObject({ kind: 'delivered' })
})

test('an answer without apns-id is a transport failure', async () => {
  apns.fail({ fault: 'no-apns-id', status: 520, times: 1 })
  expect((await send()).kind).toBe('transport')
})

test('no answer is a transport failure, and the next push opens a new connection', async () => {
  apns.fail({ fault: 'silence', times: 1 })
  const unanswered = send()
  await expect.poll(() => apns.received.length).toBe(1)
  timeOut()
  expect((await unanswered).kind).toBe('transport')
  expect((await send()).kind).toBe('delivered')
})

test('a push that gets no answer does not fail the others on its connection', async () => {
  const other = 'cd'.repeat(32)
  apns.register(other, 'magic', () => undefined)
  apns.fail({ fault: 'silence', times: 2 })
  const first = send()
  await expect.poll(() => apns.received.length).toBe(1)
  const timeOutFirst = timeOut
  const second = send()
  await expect.poll(() => apns.received.length).toBe(2)
  let isOver = false
  void second.then(() => (isOver = true))
  timeOutFirst()
  expect((await first).kind).toBe('transport')
  expect((await send({ token: other })).kind).toBe('delivered')
  expect(isOver).toBe(false)
})

test.each(['reset', 'goaway'] as const)(
  '%s is a transport failure, and the next push opens a new connection',
  async (fault) => {
    apns.fail({ fault, times: 1 })
    expect((await send()).kind).toBe('transport')
    expect((await send()).kind).toBe('delivered')
  },
)

test('an APNs that cannot be reached is a transport failure', async () => {
  const nowhere = transportWith(push, 'https://127.0.0.1:9')
  expect((await send({}, nowhere)).kind).toBe('transport')
})

test('a server whose certificate cannot be trusted is a transport failure', async () => {
  const strict = createApnsTransport({ url: apns.url, ...push })
  expect((await send({}, strict)).kind).toBe('transport')
  expect(apns.received).toHaveLength(0)
})

test('a hundred pushes at once share one connection and all arrive', async () => {
  const verdicts = await Promise.all(Array.from({ length: 100 }, () => send()))
  expect(verdicts.every(({ kind }) => kind === 'delivered')).toBe(true)
  expect(wakes).toBe(100)
})

test('unknown tokens are accepted where devices are simulated elsewhere', async () => {
  const open = await createSimulatedApns({
    ...server,
    clientCertificate: push.certificate,
    topic: push.topic,
    acceptUnknownTokens: true,
  })
  const there = transportWith(push, open.url)
  expect((await send({ token: 'ef'.repeat(32) }, there)).kind).toBe('delivered')
  await open.close()
})
