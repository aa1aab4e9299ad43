/**
 * I2. Nothing that one device, receiver or admin's typing mistake does delays or stops pushes, deliveries,
 * renewals or answers for others, beyond its fair share.
 */
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { pushIdentity } from '../../src/cli/settings.ts'
import { localhostCertificate, openState } from '../../src/cli/state.ts'
import {
  createSimulatedApns,
  type FailureRule,
  type SimulatedApns,
} from '../../src/simulator/apns/apns.ts'
import { createFleet, type Fleet } from '../../src/simulator/fleet/fleet.ts'
import { joinByProfile } from '../../src/simulator/device/joining.ts'
import {
  fetchAlone,
  newState,
  start,
  startReceiver,
  type ReceivedEvent,
  type Receiver,
  type RunningServer,
} from '../e2e/server.ts'
import { hostileDevice, KEY, newId, newTokenUpdate, type HostileDevice } from './device.ts'
import { IDLE } from '../devices/messages.ts'
import { deviceUrl } from './scene.ts'

const FLEET = 20
const MAX_QUEUE = 30
const running: { close(): Promise<unknown> }[] = []
/** CommandUUIDs of the fleet's answers. */
const answered = new Set<string>()
let server: RunningServer
let apns: SimulatedApns
let hook: Receiver
let fleet: Fleet
/** The same three all the time: five in all would be evidence against the certificate. */
let attackers: readonly HostileDevice[]
/** How much the server had printed before this test. */
let printed = 0

beforeAll(async () => {
  const now = Date.now()
  const state = await newState()
  const { certificate, topic } = pushIdentity(openState(state, now).simulatedPush, now)
  const local = localhostCertificate(now)
  const caFile = join(state, 'apns.pem')
  writeFileSync(caFile, local.certificate)
  const options = { ...local, clientCertificate: certificate, topic, acceptUnknownTokens: true }
  ;[apns, hook] = await Promise.all([createSimulatedApns(options), startReceiver()])
  running.push(apns, hook)
  server = await start(state, ['--apns', apns.url, '--webhook', hook.url], undefined, {
    NODE_EXTRA_CA_CERTS: caFile,
    MAX_QUEUE: String(MAX_QUEUE),
  })
  running.push({ close: () => server.stop() })
  const { url } = server
  fleet = await createFleet({
    count: FLEET,
    key: KEY,
    fetch: fetchAlone,
    server: url,
    scep: { fetch: fetchAlone, server: url },
    join: joinByProfile({ fetch: fetchAlone, server: url, profileUrl: `${url}/mdm/enroll` }),
    register: apns.register,
    observe: ({ uuid }) => answered.add(uuid),
  })
  running.push(fleet)
  attackers = await Promise.all(Array.from({ length: 3 }, () => hostileDevice({ url, token: '' })))
})

afterAll(async () => {
  for (const item of running.toReversed()) {
    await item.close()
  }
})

afterEach(async () => {
  hook.answerTo = undefined
  printed = server.output().length
  // A success that an admin asks for closes whatever is open: no test is red for another's fault.
  await server.api('GET', `/push/${fleet.devices[0]?.udid}`)
})

function first(): HostileDevice {
  return attackers[0] ?? expect.fail('no hostile device')
}

async function queueFor(udid: string): Promise<string> {
  const command_uuid = newId()
  const command = { udid, command_uuid, request_type: 'SecurityInfo' }
  expect((await server.api('POST', '/v1/commands', command)).status).toBe(201)
  return command_uuid
}

/** Pushes that are held back leave after minutes, which is no failure of a test that waits for them. */
const circuitOpened = (): boolean => server.output().slice(printed).includes('push:circuit-open')

/** Each device of the fleet is pushed for a command, comes, and answers it. */
async function expectAllReached(): Promise<string[]> {
  const uuids = await Promise.all(fleet.devices.map(({ udid }) => queueFor(udid)))
  const missing = (): string[] => uuids.filter((uuid) => !answered.has(uuid))
  await expect.poll(() => missing().length === 0 || circuitOpened()).toBe(true)
  expect(circuitOpened()).toBe(false)
  return uuids
}

/** The same, and the webhook is told of each answer. */
async function expectAllTold(): Promise<void> {
  const uuids = await expectAllReached()
  const told = (): Set<string | undefined> =>
    new Set(hook.received.map(({ acknowledge_event: event }) => event?.command_uuid))
  await expect.poll(() => uuids.filter((uuid) => !told().has(uuid))).toEqual([])
}

const isOf =
  (devices: readonly HostileDevice[]) =>
  (event: ReceivedEvent): boolean =>
    devices.some(({ udid }) => udid === (event.checkin_event ?? event.acknowledge_event)?.udid)

it('a token or magic of more than a kilobyte is refused, and the device is pushed with the one before', async () => {
  const attacker = first()
  const ids = { UDID: attacker.udid }
  const send = async (fields: { Token?: Uint8Array; PushMagic?: string }) =>
    (await attacker.send({ ...newTokenUpdate(attacker.topic, fields), ...ids })).status
  const good = new Uint8Array(randomBytes(32))
  expect(await send({ Token: good })).toBe(200)
  const statuses = [
    await send({ Token: new Uint8Array(1025) }),
    await send({ Token: new Uint8Array(20_000) }),
    await send({ Token: new Uint8Array(400_000) }),
    await send({ PushMagic: 'x'.repeat(1025) }),
    await send({ PushMagic: 'x'.repeat(20_000) }),
    await send({ PushMagic: 'é'.repeat(600) }),
  ]
  expect(statuses).toEqual([400, 400, 400, 400, 400, 400])
  await queueFor(attacker.udid)
  const token = Buffer.from(good).toString('hex')
  await expect.poll(() => apns.received.some((push) => push.token === token)).toBe(true)
  await expectAllReached()
})

it.each<[string, readonly FailureRule[]]>([
  [
    'refusals',
    [
      { status: 400, reason: 'BadDeviceToken' },
      { status: 400, reason: 'DeviceTokenNotForTopic' },
      { status: 410, reason: 'Unregistered', timestamp: Date.now() },
      { status: 413, reason: 'PayloadTooLarge' },
    ],
  ],
  [
    'waits of an hour',
    [
      { status: 429, reason: 'TooManyRequests', retryAfter: 3600 },
      { status: 500, reason: 'InternalServerError' },
      { status: 503, reason: 'ServiceUnavailable', retryAfter: 3600 },
    ],
  ],
  ['no answers of Apple’s', [{ fault: 'no-apns-id', status: 502 }]],
  ['broken connections', [{ fault: 'reset' }, { fault: 'goaway' }]],
])('three devices whose pushes end in %s delay no other’s', async (_, rules) => {
  for (const rule of rules) {
    const ends = await Promise.all(attackers.map((attacker) => failPushesOf(attacker, rule)))
    // Each of these waits for APNs, and tells what it said.
    for (const [index, { udid }] of attackers.entries()) {
      for (let push = 0; push < (index === 0 ? 12 : 3); push++) {
        expect((await server.api('GET', `/push/${udid}`)).status).not.toBe(200)
      }
    }
    ends.forEach((end) => end())
  }
  await expectAllReached()
})

it('three devices whose pushes are never answered delay no other’s', async () => {
  const rules = await Promise.all(
    attackers.map((attacker) => failPushesOf(attacker, { fault: 'silence' })),
  )
  const silent = (): number => apns.received.filter(({ answer }) => answer === undefined).length
  await expect.poll(silent).toBeGreaterThanOrEqual(attackers.length)
  await expectAllReached()
  rules.forEach((end) => end())
})

/** A new token, for which a command waits. @returns what ends the failure. */
async function failPushesOf(attacker: HostileDevice, rule: FailureRule): Promise<() => void> {
  const bytes = new Uint8Array(randomBytes(32))
  const end = apns.fail({ ...rule, token: Buffer.from(bytes).toString('hex') })
  const message = { ...newTokenUpdate(attacker.topic, { Token: bytes }), UDID: attacker.udid }
  expect((await attacker.send(message)).status).toBe(200)
  await queueFor(attacker.udid)
  return end
}

it('a device with events of 19 MB delays no other’s events', async () => {
  const attacker = first()
  const blob = Buffer.alloc(19_000_000, 'A').toString()
  const report = `<plist version="1.0"><dict><key>UDID</key><string>${attacker.udid}</string><key>Status</key><string>Acknowledged</string><key>CommandUUID</key><string>x</string><key>Blob</key><data>${blob}</data></dict></plist>`
  const bytes = new TextEncoder().encode(report)
  for (let event = 0; event < 2; event++) {
    expect((await attacker.send(bytes, '/mdm/connect')).status).toBe(200)
  }
  await expectAllTold()
})

it.each<[string, number | 'silence']>([
  ['refuses', 400],
  ['is down for', 503],
  ['never answers', 'silence'],
])('a receiver that %s three devices’ events gets all others', async (_, answer) => {
  const isTheirs = isOf(attackers)
  const tried = new Set<string>()
  hook.answerTo = (event) => {
    if (!isTheirs(event)) {
      return undefined
    }
    tried.add(event.event_id)
    return answer
  }
  for (const { send, udid } of attackers) {
    await send({ Status: 'Acknowledged', CommandUUID: newId(), UDID: udid })
  }
  await expect.poll(() => tried.size).toBeGreaterThan(0)
  await expectAllTold()
})

it('a device that floods the server delays no other’s commands', async () => {
  const attacker = first()
  const idle = { ...IDLE, UDID: attacker.udid }
  const reached = new AbortController()
  const flood = async (): Promise<void> => {
    while (!reached.signal.aborted) {
      expect((await attacker.send(idle)).status).toBe(200)
    }
  }
  const floods = Promise.all(Array.from({ length: 8 }, flood))
  await expectAllReached().finally(() => reached.abort())
  await floods
})

it('a device whose queue is full costs no other its commands', async () => {
  const { udid } = first()
  await server.api('DELETE', `/v1/commands/${udid}`)
  for (let n = 0; n < MAX_QUEUE; n++) {
    await queueFor(udid)
  }
  const command = { request_type: 'SecurityInfo' }
  const refused = [
    await server.api('POST', '/v1/commands', { udid, ...command }),
    await server.api('POST', `${deviceUrl(udid)}/commands`, command),
  ]
  expect(refused.map(({ status }) => status)).toEqual([429, 429])
  const [other] = fleet.devices
  const uuid = newId()
  const { status } = await server.api('POST', '/api/commands', {
    ids: [udid, other?.udid],
    command: { ...command, command_uuid: uuid },
  })
  expect(status).toBe(200)
  await expect.poll(() => answered.has(uuid)).toBe(true)
  await expectAllReached()
})
