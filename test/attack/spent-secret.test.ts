/** I4. A spent or expired secret never works again, for anybody. */
import { createHmac } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newKey, type SimulatedIdentity } from '../../src/simulator/device/identity.ts'
import { downloadProfile } from '../../src/simulator/device/enrolment.ts'
import {
  enrolByScep,
  readCertRep,
  ScepRefusedError,
  sendScepRequest,
  writeScepRequest,
} from '../../src/simulator/device/scep.ts'
import { readCertificate } from '../../src/pki/x509/certificate.ts'
import { fetchAlone, start } from '../e2e/server.ts'
import { newAuthenticate, KEY, newId, put, newTokenUpdate } from './device.ts'
import { IDLE } from '../devices/messages.ts'
import {
  apiKeyOf,
  basicAuth,
  deviceUrl,
  openScene,
  queue,
  startRecorder,
  type Recorder,
  type Scene,
} from './scene.ts'
import { writePlist } from '../../src/plist/write.ts'

const OTHER_KEY = newKey('rsa')
let scene: Scene
const hooks: Recorder[] = []

beforeAll(async () => {
  // Challenges of downloaded profiles are too old at once; those of the admin never are.
  scene = await openScene({ SCEP_CHALLENGE_LIFETIME: '0s' })
})
afterAll(async () => {
  await scene.close()
  await Promise.all(hooks.map((hook) => hook.close()))
})

const scepUrl = (): string => `${scene.url}/scep`

async function newChallenge(): Promise<string> {
  return (await scene.server.api<{ string: string }>('POST', '/v1/challenge')).body.string
}

/** Why a challenge got no identity; undefined when it got one. */
async function refused(challenge: string | undefined, key = KEY): Promise<unknown> {
  const options = { fetch: fetchAlone, url: scepUrl(), subject: [['CN', 'A']] as const, key }
  return enrolByScep({ ...options, ...(challenge === undefined ? {} : { challenge }) }).then(
    () => undefined,
    (error: unknown) => error,
  )
}

async function identity(): Promise<SimulatedIdentity> {
  const subject = [['CN', newId()]] as const
  const challenge = await newChallenge()
  return enrolByScep({ fetch: fetchAlone, url: scepUrl(), subject, key: KEY, challenge })
}

describe('a SCEP challenge', () => {
  it('that was used gets no other identity, but the same request gets its own again', async () => {
    const challenge = await newChallenge()
    const ca = readCertificate(
      new Uint8Array(await (await fetchAlone(`${scepUrl()}?operation=GetCACert`)).arrayBuffer()),
    )
    const request = writeScepRequest({ key: KEY, subject: [['CN', 'A']], challenge }, ca)
    const send = async () =>
      readCertRep(
        await sendScepRequest({ fetch: fetchAlone, url: scepUrl() }, request.der),
        request,
      )
    const first = await send()
    expect(await refused(challenge, OTHER_KEY)).toBeInstanceOf(ScepRefusedError)
    expect((await send()).certificate).toEqual(first.certificate)
    expect(await refused(challenge, OTHER_KEY)).toBeInstanceOf(ScepRefusedError)
  })

  it('that two requests use at the same time gets one of them an identity', async () => {
    const challenge = await newChallenge()
    const keys = [KEY, OTHER_KEY, newKey('rsa'), newKey('rsa')]
    const results = await Promise.all(keys.map((key) => refused(challenge, key)))
    expect(results.filter((error) => error === undefined)).toHaveLength(1)
  })

  it('that is too old, wrong, cut, longer, empty or missing gets no identity', async () => {
    const old = (await downloadProfile(fetchAlone, `${scene.url}/mdm/enroll`)).scep.challenge
    const open = await newChallenge()
    expect(old).not.toBe('')
    const wrong = [old, 'micromdm', newId(), open.slice(1), `${open} `, `${open}A`, '', undefined]
    for (const challenge of wrong) {
      expect(await refused(challenge), challenge).toBeInstanceOf(ScepRefusedError)
    }
    expect(await refused(open)).toBeUndefined()
  })
})

it('a revoked identity is refused with every message, and gets no successor', async () => {
  const own = await identity()
  const UDID = newId()
  const topic = 'com.apple.mgmt.External.test'
  const messages = [
    { ...newAuthenticate(topic), UDID },
    { ...newTokenUpdate(topic), UDID },
    { ...IDLE, UDID },
    { MessageType: 'GetBootstrapToken', UDID },
    { MessageType: 'CheckOut', UDID },
  ]
  const send = async (): Promise<number[]> => {
    const statuses: number[] = []
    for (const message of messages) {
      const { status } = await put(`${scene.url}/mdm/connect`, own, writePlist(message))
      statuses.push(status)
    }
    return statuses
  }
  expect(await send()).toEqual([200, 200, 200, 200, 200])
  const { fingerprint } = readCertificate(own.certificate)
  const revoke = `${deviceUrl(UDID)}/identities/${fingerprint}/revoke`
  expect((await scene.server.api('POST', revoke)).status).toBe(200)
  expect((await queue(scene, UDID, 'ProfileList')).status).toBe(201)
  expect(await send()).toEqual([400, 400, 400, 400, 400])
  const renewal = enrolByScep({
    fetch: fetchAlone,
    url: scepUrl(),
    subject: [['CN', 'A']],
    key: OTHER_KEY,
    renew: own,
  })
  await expect(renewal).rejects.toBeInstanceOf(ScepRefusedError)
  const other = await put(
    `${scene.url}/mdm/checkin`,
    own,
    writePlist({ ...messages[0], UDID: newId() }),
  )
  expect(other.status).toBe(400)
})

it('the secret of a removed webhook signs no more posts, and its receiver gets none', async () => {
  const first = await startRecorder()
  const next = await startRecorder()
  hooks.push(first, next)
  const add = async ({ url }: Recorder) =>
    (
      await scene.server.api<{ id: string; secret: string }>('POST', '/api/webhooks', {
        url,
      })
    ).body
  const gone = await add(first)
  expect((await scene.server.api('DELETE', `/api/webhooks/${gone.id}`)).status).toBe(204)
  const present = await add(next)
  expect(present.secret).not.toBe(gone.secret)
  const topic = 'com.apple.mgmt.External.test'
  const message = writePlist({ ...newAuthenticate(topic), UDID: newId() })
  expect((await put(`${scene.url}/mdm/checkin`, await identity(), message)).status).toBe(200)
  await expect.poll(() => next.asked).toHaveLength(1)
  const [event] = next.asked
  const mac = (secret: string): string =>
    createHmac('sha256', secret)
      .update(event?.body ?? '')
      .digest('base64')
  expect(event?.headers['x-hmac-signature']).toBe(mac(present.secret))
  expect(event?.headers['x-hmac-signature']).not.toBe(mac(gone.secret))
  expect(first.asked).toEqual([])
})

it('an API key that was replaced is no longer accepted', async () => {
  const { server } = scene
  const old = apiKeyOf(server)
  const calls = [
    '/v1/devices',
    '/v1/commands/A',
    '/api/devices',
    '/api/webhooks',
    '/push/A',
    '/boltbackup',
  ]
  const statuses = (origin: string, key: string): Promise<number[]> =>
    Promise.all(
      calls.map(async (path) => {
        const headers = { authorization: basicAuth(key) }
        return (await fetchAlone(origin + path, { headers })).status
      }),
    )
  expect(await statuses(server.url, old)).not.toContain(401)
  await server.stop()
  const again = await start(server.state, ['--api-key', 'a new one'])
  expect(await statuses(again.url, 'a new one')).not.toContain(401)
  for (const key of [old, '', 'a new', 'a new one ', 'A new one', `a new one:${old}`]) {
    for (const status of await statuses(again.url, key)) {
      expect([401, 429], key).toContain(status)
    }
  }
  await again.stop()
})
