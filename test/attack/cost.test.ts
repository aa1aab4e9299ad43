/**
 * I3. What a stranger can make us compute is bounded: an answer comes, and the server goes on for all
 * others.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { signAttached } from '../../src/pki/cms/sign.ts'
import { element, oid, printableString, sequence, setOf } from '../../src/pki/asn1/der-write.ts'
import { pem } from '../../src/pki/x509/issue.ts'
import { writePlist } from '../../src/plist/write.ts'
import { readCertificate } from '../../src/pki/x509/certificate.ts'
import { writeScepRequest } from '../../src/simulator/device/scep.ts'
import type { SimulatedDevice } from '../../src/simulator/device/device.ts'
import { fetchAlone } from '../e2e/server.ts'
import {
  newAuthenticate,
  enrolled,
  hostileDevice,
  KEY,
  newId,
  put,
  newTokenUpdate,
  type Answer,
  type HostileDevice,
} from './device.ts'
import { IDLE } from '../devices/messages.ts'
import { admin, apiKeyOf, basicAuth, openScene, queue, type Scene } from './scene.ts'
import { stored } from './stored.ts'
import { deepDer, MESSAGES } from './hostile-bytes.ts'
import { xmlOf } from '../devices/xml.ts'
import { callRaw } from './wire.ts'
import { call, LIBRARY_WORDS, selfSigned } from './stranger.ts'
import { signatureOf } from '../devices/signature.ts'

const DEVICE_PATHS = ['/mdm/checkin', '/mdm/connect', '/mdm', '/checkin']
const MAX_BODY = 20_000_000
const MAX_UNSIGNED = 1_000_000
let scene: Scene
let honest: SimulatedDevice
let attacker: HostileDevice

beforeAll(async () => {
  scene = await openScene()
  ;[honest, attacker] = await Promise.all([enrolled(scene), hostileDevice(scene)])
})
afterAll(() => scene.close())

/** Lines of the log that report an unexpected fault. */
const unforeseen = (): string[] =>
  scene.server
    .output()
    .split('\n')
    .filter((line) => /"http:error"|Maximum call stack/.test(line))
let seen = 0

/** Whatever was sent, the server lives, works for others, and met nothing that it had not foreseen. */
afterEach(async () => {
  const answers = honest.received.length
  expect((await queue(scene, honest.udid, 'SecurityInfo')).status).toBe(201)
  await honest.poll()
  expect(honest.received).toHaveLength(answers + 1)
  const fresh = unforeseen().slice(seen)
  seen += fresh.length
  expect(fresh).toEqual([])
})

/** An answer that a server gives on purpose. MicroMDM's routes say 500 of an admin's mistake. */
function expectOnPurpose({ status, text }: Answer, mistakes: readonly number[] = []): void {
  const purposes = status < 500 || status === 503 || mistakes.includes(status)
  expect(purposes ? 'on purpose' : `${status} ${text.slice(0, 200)}`).toBe('on purpose')
  expect(text).not.toMatch(LIBRARY_WORDS)
}

describe('a device’s message', () => {
  it.each(MESSAGES)('of %s is answered', async (_, body) => {
    expectOnPurpose(await attacker.send(body(attacker.udid), '/mdm/connect'))
  })

  it.each(DEVICE_PATHS)('that announces more than 20 MB is 413 on %s', async (path) => {
    expect(await statusOfLong('PUT', path, 'told')).toBe(413)
  })

  it('that has more than an unsigned one may is 413', async () => {
    expect(await statusOfLong('PUT', '/mdm/connect', 'untold', [], MAX_UNSIGNED)).toBe(413)
  })
})

/**
 * The answer to a body that says that it is too long, or to one that turns out to be: with the byte behind
 * `most`. With more on its way, the server would close the connection unread, and the answer might be lost.
 */
async function statusOfLong(
  method: string,
  target: string,
  length: 'told' | 'untold',
  headers: readonly (readonly [string, string])[] = [],
  most = MAX_BODY,
): Promise<number> {
  const size = MAX_BODY + 1
  const chunk = Buffer.concat([Buffer.from(`${size.toString(16)}\r\n`), new Uint8Array(most + 1)])
  const [header, body] =
    length === 'told'
      ? ([['Content-Length', String(size)], new Uint8Array()] as const)
      : ([['Transfer-Encoding', 'chunked'], chunk] as const)
  const request = { method, target, headers: [...headers, header], body, unfinished: true }
  return (await callRaw(scene.url, request)).status
}

const SIGNATURES: readonly (readonly [string, () => Uint8Array | string])[] = [
  ['nothing', () => ''],
  ['no base64', () => '!'.repeat(1000)],
  ['60 KB of zeros', () => new Uint8Array(60_000)],
  ['a length of four gigabytes', () => Uint8Array.of(0x30, 0x84, 0xff, 0xff, 0xff, 0xff)],
  ['a length of 126 bytes', () => new Uint8Array([0x30, 0xfe, ...new Uint8Array(126).fill(0xff)])],
  [
    'a tag of a thousand bytes',
    () => new Uint8Array([0x3f, ...new Uint8Array(1000).fill(0xff), 0]),
  ],
  ['ten thousand levels of indefinite length', () => deepDer(10_000)],
  [
    'ten thousand empty sequences',
    () => sequence(...Array.from({ length: 10_000 }, () => sequence())),
  ],
]

describe('a signature', () => {
  it.each(SIGNATURES)('of %s is refused', async (_, bytes) => {
    const value = bytes()
    const header = typeof value === 'string' ? value : Buffer.from(value).toString('base64')
    const body = writePlist({ UDID: attacker.udid, Status: 'Idle' })
    const answer = await call(`${scene.url}/mdm/connect`, {
      method: 'PUT',
      headers: { 'mdm-signature': header },
      body: new Uint8Array(body),
    })
    expectOnPurpose(answer)
    expect([400, 413, 431]).toContain(answer.status)
  })

  it.each([10, 1000, 40_000, 80_000])(
    'by a stranger with a name of %i characters is refused',
    async (length) => {
      const body = writePlist({ UDID: attacker.udid, Status: 'Idle' })
      const answer = await call(`${scene.url}/mdm/connect`, {
        method: 'PUT',
        headers: signatureOf(selfSigned(length), body),
        body: new Uint8Array(body),
      })
      expectOnPurpose(answer)
      expect([400, 431]).toContain(answer.status)
    },
  )
})

describe('a certificate with a name of 200,000 characters', () => {
  const huge = selfSigned(200_000)
  const certificate = pem('CERTIFICATE', huge.certificate)

  it('is refused by the enrolment routes, which take signed bodies', async () => {
    const body = signAttached({ ...huge, body: writePlist({ UDID: 'A' }), digest: 'sha256' })
    for (const path of ['/mdm/enroll', '/ota/phase23']) {
      const answer = await call(scene.url + path, { method: 'POST', body: new Uint8Array(body) })
      expectOnPurpose(answer)
      expect([400, 413]).toContain(answer.status)
    }
  })

  it.each<[string, string, () => BodyInit]>([
    ['POST', '/api/ca', () => JSON.stringify({ certificate, private_key: 'x', imported: false })],
    [
      'PUT',
      '/v1/config/certificate',
      () => JSON.stringify({ cert: btoa(certificate), key: btoa('x') }),
    ],
    [
      'PUT',
      '/v1/profiles',
      () => {
        const profile = signAttached({ ...huge, body: xmlOf(''), digest: 'sha256' })
        const Mobileconfig = Buffer.from(profile).toString('base64')
        return JSON.stringify({ profile: { Identifier: 'com.example.huge', Mobileconfig } })
      },
    ],
  ])('is answered at %s %s, where an admin sends it', async (method, path, body) => {
    const response = await admin(scene.server, path, { method, body: body() })
    expectOnPurpose({ status: response.status, text: await response.text() }, [500])
    await admin(scene.server, '/v1/profiles', {
      method: 'DELETE',
      body: JSON.stringify({ ids: ['com.example.huge'] }),
    })
  })
})

describe('a stranger', () => {
  it('leaves neither an object nor a row, with any number of messages', async () => {
    const before = stored(scene)
    for (const message of [newAuthenticate(attacker.topic), newTokenUpdate(attacker.topic), IDLE]) {
      for (let n = 0; n < 34; n += 1) {
        const answer = await put(
          `${scene.url}/mdm`,
          selfSigned(),
          writePlist({ ...message, UDID: newId() }),
        )
        expect(answer.status).toBe(400)
      }
    }
    expect(stored(scene)).toEqual(before)
  })

  it('with an identity that belongs to a device leaves no other object', async () => {
    const before = stored(scene)
    for (let n = 0; n < 30; n += 1) {
      const message = n % 2 === 0 ? newAuthenticate(attacker.topic) : IDLE
      expect((await attacker.send({ ...message, UDID: newId() })).status).toBe(400)
    }
    expect(stored(scene)).toEqual(before)
  })

  it.each<[string, string, string, number, () => Record<string, string>]>([
    ['19 MB without a signature', '/mdm/connect', 'PUT', 19_000_000, () => ({})],
    [
      '19 MB that it signs itself',
      '/mdm/connect',
      'PUT',
      19_000_000,
      () => signatureOf(selfSigned(), new Uint8Array()),
    ],
    ['101 KB', '/mdm/enroll', 'POST', 101_000, () => ({})],
    ['101 KB', '/ota/phase23', 'POST', 101_000, () => ({})],
    ['66 KB', '/scep?operation=PKIOperation', 'POST', 66_000, () => ({})],
    [
      '19 MB with a wrong key',
      '/api/commands',
      'POST',
      19_000_000,
      () => ({ Authorization: basicAuth('wrong') }),
    ],
  ])('that announces %s at %s is answered before it sends any of it', async (...request) => {
    const [, target, method, length, headers] = request
    const head = [...Object.entries(headers()), ['Content-Length', String(length)] as const]
    const empty = { method, target, headers: head, body: new Uint8Array(), unfinished: true }
    const answers = await Promise.all(Array.from({ length: 8 }, () => callRaw(scene.url, empty)))
    for (const { status } of answers) {
      expect([400, 401, 413]).toContain(status)
    }
  })

  it('that tries keys is logged once, under any address that it claims, and the right key passes', async () => {
    const lines = () => scene.server.output().split('"auth:wrong-key"').length - 1
    const before = lines()
    const tries = Array.from({ length: 30 }, async (_, n) => {
      const headers = { authorization: basicAuth(`${n}`), 'cf-connecting-ip': `192.0.2.${n}` }
      return (await fetchAlone(`${scene.url}/api/devices`, { headers })).status
    })
    expect((await admin(scene.server, '/api/devices')).status).toBe(200)
    for (const status of await Promise.all(tries)) {
      expect([401, 429]).toContain(status)
    }
    expect(lines()).toBeGreaterThan(0)
    // One a minute, and one of the test before.
    expect(lines() - before).toBeLessThanOrEqual(1)
  })
})

describe('a SCEP request', () => {
  const MESSAGE = { 'content-type': 'application/x-pki-message' }

  it.each<[string, number]>([
    ['a name of 10,000 characters', 10_000],
    ['a name of 30,000 characters', 30_000],
  ])('for %s is answered', async (_, length) => {
    const url = `${scene.url}/scep`
    const ca = await fetchAlone(`${url}?operation=GetCACert`)
    const { der } = writeScepRequest(
      { key: KEY, subject: [['CN', 'A'.repeat(length)]], challenge: 'wrong' },
      readCertificate(new Uint8Array(await ca.arrayBuffer())),
    )
    const answer = await call(`${url}?operation=PKIOperation`, {
      method: 'POST',
      headers: MESSAGE,
      body: new Uint8Array(der),
    })
    expectOnPurpose(answer)
  })

  it.each<[string, () => Uint8Array]>([
    ['nothing', () => new Uint8Array()],
    ['60 KB of zeros', () => new Uint8Array(60_000)],
    ['64 KB and one byte', () => new Uint8Array(65_537)],
    ['thirty thousand levels', () => deepDer(16_000)],
    ['four gigabytes, it says', () => Uint8Array.of(0x30, 0x84, 0xff, 0xff, 0xff, 0xff)],
    ['a set of 60 KB', () => setOf(element(0x04, new Uint8Array(60_000)))],
    [
      'a PrintableString of 60 KB',
      () => sequence(oid('1.2.3'), printableString('A'.repeat(60_000))),
    ],
  ])('of %s is refused', async (_, body) => {
    const bytes = body()
    const message = encodeURIComponent(Buffer.from(bytes).toString('base64').slice(0, 8000))
    const answers = [
      await call(`${scene.url}/scep?operation=PKIOperation`, {
        method: 'POST',
        headers: MESSAGE,
        body: new Uint8Array(bytes),
      }),
      await call(`${scene.url}/scep?operation=PKIOperation&message=${message}`, { method: 'GET' }),
    ]
    for (const answer of answers) {
      expectOnPurpose(answer)
      expect([400, 413]).toContain(answer.status)
    }
  })
})

describe('an admin’s request', () => {
  const ROUTES = [
    ['POST', '/api/commands'],
    ['POST', '/api/webhooks'],
    ['POST', '/v1/commands'],
    ['POST', '/v1/devices'],
    ['PUT', '/v1/profiles'],
  ] as const

  const key = () => [['Authorization', basicAuth(apiKeyOf(scene.server))]] as const

  it.each(ROUTES)('%s %s of more than 20 MB is 413, or 401 without the key', async (...route) => {
    expect(await statusOfLong(...route, 'told', key())).toBe(413)
    expect(await statusOfLong(...route, 'told')).toBe(401)
  })

  it.each(['/api/commands', '/v1/commands'])(
    'that has more than 20 MB without announcing it is 413 on %s',
    async (path) => {
      expect(await statusOfLong('POST', path, 'untold', key())).toBe(413)
    },
  )

  it.each(ROUTES)('%s %s is answered, with JSON of any depth and width', async (method, path) => {
    const bodies = [
      '['.repeat(100_000),
      `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`,
      `{${Array.from({ length: 50_000 }, (_, n) => `"${n}":1`).join(',')}}`,
      `{"ids":[${'"x",'.repeat(50_000)}"x"],"command":{"request_type":"ProfileList"}}`,
      `{"udid":"${'x'.repeat(1_000_000)}","request_type":"ProfileList"}`,
      `{"udid":1e999,"request_type":${'9'.repeat(100_000)}}`,
    ]
    for (const body of bodies) {
      const response = await admin(scene.server, path, { method, body })
      expectOnPurpose({ status: response.status, text: await response.text() }, [500])
    }
  })
})
