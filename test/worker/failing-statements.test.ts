import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { encodeBase64 } from '../../src/plist/base64.ts'
import { pem } from '../../src/pki/x509/issue.ts'
import { writePlist } from '../../src/plist/write.ts'
import { writeScepRequest } from '../../src/simulator/device/scep.ts'
import { pushCertificate } from './deployment.ts'
import { failAt, failIn, hasFailed, served } from './failing.ts'
import { install, newAuthority, oneTimeChallenge, someKey } from './scep-client.ts'
import { api, env, newDevice } from './server.ts'

/** Bytes that are text, so that one secret is found in every form. */
const secretText = (name: string): string => `${name}-${crypto.randomUUID()}`
const bytesOf = (text: string) => new TextEncoder().encode(text)

const API_KEY = secretText('api-key')
const PASSWORD = secretText('password')
const PIN = 'Pq7xZ9'
const TOKEN = secretText('unlock-token-of-a-device')
const PUSH_TOKEN = secretText('push-token')
const SIGNING = btoa(secretText('signing-secret-that-is-long'))
const authority = newAuthority()
const issuing = newAuthority()
const caKey = String(authority.key.export({ type: 'pkcs8', format: 'pem' }))
const pushKey = pushCertificate().keyAs('pkcs8')
const linesOf = (key: string): string[] => key.split('\n').filter((line) => /^\S{60}/.test(line))
const challenge = await (async () => {
  await install(issuing)
  return oneTimeChallenge()
})()
const SECRETS = [
  API_KEY,
  PASSWORD,
  PIN,
  TOKEN,
  PUSH_TOKEN,
  SIGNING,
  challenge,
  ...linesOf(caKey),
  ...linesOf(atob(pushKey)),
]

/** A text as it is, in hexadecimal, and in base64, which depends on what stands before it. */
function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret)
  const shifted = [0, 1, 2].map((shift) =>
    Buffer.concat([Buffer.alloc(shift), bytes])
      .toString('base64')
      .slice(shift === 0 ? 0 : 4, -4),
  )
  return [secret, bytes.toString('hex'), ...shifted.filter((form) => form.length > 6)]
}

const FORMS = SECRETS.flatMap(formsOf)
const printed: string[] = []

beforeEach(() => {
  for (const method of ['log', 'warn', 'error', 'info', 'debug'] as const) {
    vi.spyOn(console, method).mockImplementation((...values: unknown[]) => {
      printed.push(values.map(textOf).join(' '))
    })
  }
})
afterEach(() => {
  failAt(Infinity)
  vi.restoreAllMocks()
  printed.length = 0
})

/** An error with all that a log of it may show. */
function textOf(value: unknown): string {
  return value instanceof Error
    ? [value.message, value.stack, textOf(value.cause), JSON.stringify(value)].join('\n')
    : String(value)
}

function expectNoSecret(text: string): void {
  expect(FORMS.filter((form) => text.includes(form))).toEqual([])
}

/** Repeats a call until it gets through without a failure, each time with another statement that fails. */
async function withEachFailure(call: () => Promise<Response | undefined>): Promise<number> {
  for (let n = 1; ; n++) {
    failAt(n)
    const answer = await call()
    if (!hasFailed()) {
      return n - 1
    }
    failAt(Infinity)
    const log = printed.join('\n')
    expectNoSecret(log)
    if (answer && answer.status >= 400) {
      expectNoSecret(await answer.text())
      expect(log).toMatch(/D1_ERROR: SQLITE_ERROR/)
    }
    printed.length = 0
  }
}

const basic = { authorization: `Basic ${btoa(`micromdm:${API_KEY}`)}` }
const bearer = { authorization: `Bearer ${API_KEY}` }

const mac = newDevice({ platform: 'iOS' })
await mac.authenticate()
await mac.tokenUpdate({ unlockToken: bytesOf(TOKEN) })
await failIn(env.DEVICE.getByName(mac.udid))

const replayed = `UDID-${crypto.randomUUID()}`
await failIn(env.DEVICE.getByName(replayed))
const tokenUpdate = writePlist({
  MessageType: 'TokenUpdate',
  UDID: replayed,
  Topic: 'com.apple.mgmt.External.test',
  PushMagic: 'magic',
  Token: bytesOf(PUSH_TOKEN),
  UnlockToken: bytesOf(TOKEN),
})

const lock = { request_type: 'DeviceLock', pin: PIN }
const raw = writePlist({
  Command: { RequestType: 'SetRecoveryLock', NewPassword: PASSWORD },
  CommandUUID: 'raw',
})
const profile = writePlist({ PayloadIdentifier: 'wifi', Password: PASSWORD })
const waiting = await api<{ id: string }>('POST', `/api/devices/${mac.udid}/commands`, lock)
const hook = {
  url: `https://user:${PASSWORD}@hooks.example.com/in`,
  headers: { 'x-key': PASSWORD },
  secret: `whsec_${SIGNING}`,
}
const created = await api<{ id: string }>('POST', '/api/webhooks', hook)
const webhook = `/api/webhooks/${created.body.id}`
const reason = { reason: `asked by ${PASSWORD}` }

it.each<[string, string, unknown]>([
  ['PUT', '/v1/profiles', { profile: { Identifier: 'wifi', Mobileconfig: encodeBase64(profile) } }],
  ['POST', '/v1/profiles', {}],
  ['POST', '/v1/challenge', undefined],
  ['POST', '/v1/commands', { ...lock, udid: mac.udid }],
  ['PUT', `/v1/commands/${mac.udid}`, raw],
  ['GET', `/v1/commands/${mac.udid}`, undefined],
  ['POST', '/v1/devices', {}],
  ['PUT', '/v1/config/certificate', { cert: pushCertificate().cert, key: pushKey }],
  ['POST', `/api/devices/${mac.udid}/commands`, lock],
  ['GET', `/api/devices/${mac.udid}/commands`, undefined],
  ['GET', `/api/commands/${waiting.body.id}`, undefined],
  ['POST', `/api/commands/${waiting.body.id}/secrets`, reason],
  ['POST', '/api/commands', { ids: [mac.udid], command: lock }],
  ['POST', `/api/devices/${mac.udid}/escrow/unlock_token`, reason],
  ['POST', '/api/moves/export', { ...reason, ids: [mac.udid] }],
  ['PUT', '/migration', tokenUpdate],
  ['GET', `/api/devices/${mac.udid}`, undefined],
  ['GET', `/api/devices/${mac.udid}/events`, undefined],
  ['POST', '/api/webhooks', hook],
  ['GET', webhook, undefined],
  ['PATCH', webhook, { url: hook.url, headers: hook.headers }],
  ['POST', `${webhook}/secret`, { secret: hook.secret }],
  [
    'POST',
    '/api/ca',
    {
      certificate: pem('CERTIFICATE', authority.certificate.der),
      private_key: caKey,
      imported: false,
    },
  ],
])('no statement of %s %s fails with a secret in log or answer', async (method, path, body) => {
  const text = body instanceof Uint8Array || body === undefined ? body : JSON.stringify(body)
  const headers = path === '/migration' ? bearer : basic
  const init = { method, headers, ...(text === undefined ? {} : { body: text }) }
  const failures = await withEachFailure(() => served({ API_KEY }, path, init as RequestInit))
  expect(failures, 'statements that have failed').toBeGreaterThan(
    path.includes('certificate') ? -1 : 0,
  )
})

it('no statement that a device causes fails with a secret in the log', async () => {
  const answers: Response[] = []
  const phone = newDevice({
    platform: 'macOS',
    fetch: async (url, init) => {
      const answer = await served({ API_KEY }, new URL(url).pathname, init as RequestInit)
      answers.push(answer.clone() as Response)
      return answer
    },
  })
  await failIn(env.DEVICE.getByName(phone.udid))
  const said = (call: () => Promise<unknown>) =>
    withEachFailure(async () => {
      await call()
      return answers.pop()
    })
  await said(() => phone.authenticate())
  const tokens = { unlockToken: bytesOf(TOKEN), token: bytesOf(PUSH_TOKEN) }
  await said(() => phone.tokenUpdate(tokens))
  await said(() => phone.setBootstrapToken(bytesOf(TOKEN)))
  await said(() => phone.getBootstrapToken())
  await api('POST', `/api/devices/${phone.udid}/commands`, lock)
  await said(() => phone.connect({ Status: 'Idle' }))
  await said(() =>
    phone.connect({ Status: 'Acknowledged', CommandUUID: 'x', UnlockToken: bytesOf(TOKEN) }),
  )
})

it('no statement of SCEP fails with a challenge in log or answer', async () => {
  const options = { subject: [['CN', 'Mac']] as const, challenge, key: someKey }
  const { der } = writeScepRequest(options, issuing.certificate)
  const body = der as Uint8Array<ArrayBuffer>
  const failures = await withEachFailure(() =>
    served({ API_KEY }, '/scep?operation=PKIOperation', { method: 'POST', body }),
  )
  expect(failures).toBeGreaterThan(0)
})

it('an error of an object reaches its caller and the runtime’s log only as its reason', async () => {
  const device = newDevice()
  await device.enroll()
  const stub = env.DEVICE.getByName(device.udid)
  await failIn(stub)
  const order = {
    uuid: PASSWORD,
    requestType: 'X',
    payload: bytesOf(PIN),
    secret: false,
    source: '',
  }
  for (let n = 1; ; n++) {
    failAt(n)
    const error: unknown = await stub.enqueue({ user: '', bare: false }, order).then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    if (error === undefined) {
      expect(n).toBeGreaterThan(1)
      return
    }
    expectNoSecret(textOf(error))
    expect(textOf(error)).toContain('D1_ERROR: SQLITE_ERROR')
  }
})
