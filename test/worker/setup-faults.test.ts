/** Devices that do not behave in Setup Assistant: each is released once, last and in time. */
import { evictDurableObject, runDurableObjectAlarm } from 'cloudflare:test'
import { exports } from 'cloudflare:workers'
import { expect, it } from 'vitest'
import type { BlueprintStep } from '../../src/blueprints/blueprint.ts'
import { removeBlueprint } from '../../src/directory/blueprints/blueprints.ts'
import type { AnswerScript } from '../../src/simulator/device/answers/respond.ts'
import type { SimulatedDevice } from '../../src/simulator/device/device.ts'
import { opensAccount } from '../../src/simulator/device/setup.ts'
import type { Fetch } from '../../src/simulator/device/wire.ts'
import { chanceOf, type Chance } from '../attack/fuzz/random.ts'
import { turn } from './clock.ts'
import { api, env, letPush } from './server.ts'
import { blueprint, waiting } from './setup-tools.ts'

const SECOND = 1000
const WEEK = 7 * 86_400_000

interface Run {
  run: number
  state: string
  steps: { do: string; state: string; note: string | null }[]
}

const runs = async ({ udid }: { readonly udid: string }): Promise<Run[]> =>
  (await api<{ items: Run[] }>('GET', `/api/devices/${udid}/setup`)).body.items
const states = async (device: SimulatedDevice): Promise<string[]> =>
  (await runs(device))[0]?.steps.map(({ state }) => state) ?? []
const types = ({ received }: SimulatedDevice): string[] =>
  received.map(({ requestType }) => requestType)
const ring = ({ udid }: SimulatedDevice) => runDurableObjectAlarm(env.DEVICE.getByName(udid))

/** Its memory goes. Before that the push that waits has to leave: its timer keeps the object. */
async function evict({ udid }: SimulatedDevice): Promise<void> {
  await letPush()
  await evictDurableObject(env.DEVICE.getByName(udid))
}

/** A step whose command is of this type, 60 seconds long. */
const command = (request: { request_type: string; [key: string]: unknown }): BlueprintStep => ({
  do: 'command',
  command: request,
  timeout_s: 60,
})
const ASK = command({ request_type: 'DeviceInformation', queries: ['OSVersion'] })
const LIST = command({ request_type: 'ProfileList' })
const SECURITY = command({ request_type: 'SecurityInfo' })
const CERTIFICATES = command({ request_type: 'CertificateList' })
const APPS = command({ request_type: 'InstalledApplicationList' })
const FIVE = [ASK, LIST, SECURITY, CERTIFICATES, APPS]
const FIVE_TYPES = [
  'DeviceInformation',
  'ProfileList',
  'SecurityInfo',
  'CertificateList',
  'InstalledApplicationList',
]

/** Answers the commands of one type so. */
const only =
  (type: string, answer: 'NotNow' | 'silence' | 'Error' | 'CommandFormatError'): AnswerScript =>
  ({ requestType }) =>
    requestType === type ? answer : undefined

/** The alarm rings after so many seconds, and the device calls. */
async function later(device: SimulatedDevice, seconds: number): Promise<void> {
  turn(seconds * SECOND)
  await ring(device)
  await device.poll()
}

it('ten devices get five commands each, and DeviceConfigured last', async () => {
  const { bp } = await blueprint(FIVE)
  const devices = await Promise.all(
    Array.from({ length: 10 }, async () => {
      const device = await waiting(bp)
      await device.poll()
      return device
    }),
  )
  expect(new Set(devices.map((device) => types(device).join()))).toEqual(
    new Set([[...FIVE_TYPES, 'DeviceConfigured'].join()]),
  )
})

it('a device that answers NotNow to all is released at the limit, and the steps are listed', async () => {
  const { bp } = await blueprint(FIVE, { time_limit_s: 120 })
  const answer: AnswerScript = ({ requestType }) =>
    requestType === 'DeviceConfigured' ? undefined : 'NotNow'
  const device = await waiting(bp, { answer })
  await device.poll()
  await later(device, 61)
  expect(types(device)).toEqual(['DeviceInformation', 'ProfileList'])
  await evict(device)
  await later(device, 60)
  expect(types(device).slice(0, 3)).toEqual([
    'DeviceInformation',
    'ProfileList',
    'DeviceConfigured',
  ])
  expect(await runs(device)).toMatchObject([{ state: 'released' }])
  expect(await states(device)).toEqual(FIVE.map(() => 'timed_out'))
})

it.each([
  ['silence', 'timed_out', 'in time'],
  ['NotNow', 'timed_out', 'in time'],
  ['Error', 'failed', 'The command failed'],
  ['CommandFormatError', 'failed', 'error'],
] as const)('%s to one step costs that step only', async (answer, state, note) => {
  const { bp } = await blueprint([ASK, LIST, SECURITY])
  const device = await waiting(bp, { answer: only('ProfileList', answer) })
  await device.poll()
  await evict(device)
  await later(device, 61)
  expect(types(device).filter((type) => type === 'DeviceConfigured')).toHaveLength(1)
  const [run] = await runs(device)
  expect(run).toMatchObject({
    state: 'released',
    steps: [{ state: 'done' }, { state }, { state: 'done' }],
  })
  expect(run?.steps[1]?.note).toContain(note)
})

it('a device that is away past its limit is released by its first call', async () => {
  const { bp } = await blueprint([ASK, LIST], { time_limit_s: 60 })
  const device = await waiting(bp, { answer: only('ProfileList', 'silence') })
  await device.poll()
  await later(device, 7200)
  expect(types(device).slice(0, 3)).toEqual([
    'DeviceInformation',
    'ProfileList',
    'DeviceConfigured',
  ])
})

it('each message may be lost, or its answer, and the object may forget all', async () => {
  const { bp } = await blueprint(FIVE)
  let n = 0
  const fetchLossy: Fetch = async (url, init) => {
    n += 1
    if (n > 2 && n % 3 === 0) {
      throw new Error('lost')
    }
    const response = await exports.default.fetch(new Request(url, init))
    if (n > 2 && n % 3 === 1) {
      await response.arrayBuffer()
      throw new Error('its answer is lost')
    }
    return response
  }
  const device = await waiting(bp, { fetch: fetchLossy })
  for (let polls = 0; polls < 30; polls += 1) {
    await device.poll()
    await runs(device)
    await evict(device)
  }
  const uuids = new Map(device.received.map(({ uuid, requestType }) => [uuid, requestType]))
  expect([...uuids.values()]).toEqual([...FIVE_TYPES, 'DeviceConfigured'])
  expect(await states(device)).toEqual(FIVE.map(() => 'done'))
})

it('TokenUpdates in between change nothing, nor does one a week later', async () => {
  const { bp } = await blueprint([ASK, LIST])
  let device: SimulatedDevice | undefined
  const answer: AnswerScript = async ({ requestType }) => {
    if (requestType !== 'DeviceConfigured') {
      await device?.tokenUpdate({ awaitingConfiguration: true })
    }
    return undefined
  }
  device = await waiting(bp, { answer })
  await device.poll()
  turn(WEEK)
  await device.tokenUpdate({ token: crypto.getRandomValues(new Uint8Array(32)) })
  await device.poll()
  expect(types(device)).toEqual(['DeviceInformation', 'ProfileList', 'DeviceConfigured'])
  expect(await runs(device)).toHaveLength(1)
})

it('a device that is wiped in the middle gets all of it again, with its UDID and with a new one', async () => {
  const { bp } = await blueprint([ASK, LIST])
  const hung = await waiting(bp, { answer: only('DeviceInformation', 'silence') })
  await hung.poll()
  const wiped = await waiting(bp, { udid: hung.udid, serial: hung.serial })
  const twin = await waiting(bp, { serial: hung.serial })
  for (const device of [wiped, twin]) {
    await device.poll()
    expect(types(device)).toEqual(['DeviceInformation', 'ProfileList', 'DeviceConfigured'])
  }
  expect(await runs(wiped)).toMatchObject([{ state: 'released' }, { state: 'superseded' }])
})

it('a blueprint that is deleted in the middle changes no run', async () => {
  const { bp, uuid } = await blueprint([ASK, LIST])
  const device = await waiting(bp)
  await removeBlueprint(env.DB, uuid)
  await evict(device)
  await device.poll()
  expect(types(device)).toEqual(['DeviceInformation', 'ProfileList', 'DeviceConfigured'])
})

it('an admin’s DeviceConfigured in the middle is the only one', async () => {
  const { bp } = await blueprint([ASK, LIST])
  const device = await waiting(bp, { answer: only('DeviceInformation', 'NotNow') })
  await device.poll()
  const released = { udid: device.udid, request_type: 'DeviceConfigured' }
  expect((await api('POST', '/v1/commands', released)).status).toBe(201)
  await device.poll()
  expect(types(device).filter((type) => type === 'DeviceConfigured')).toHaveLength(1)
  expect(await runs(device)).toMatchObject([{ state: 'released' }])
})

it('the escrow has the password of the account that a Mac got, also after a wipe', async () => {
  await api('PUT', '/api/setup-users/faults', { short_name: 'it', generate_password: true })
  const { bp } = await blueprint([ASK, { do: 'account', admin: 'faults' }])
  const hung = await waiting(bp, { answer: only('DeviceInformation', 'silence') })
  await hung.poll()
  const { udid, serial } = hung
  const setup = { phase: 'awaiting', accounts: [] } as const
  const wiped = await waiting(bp, { udid, serial, identity: hung.identity(), setup })
  await wiped.poll()
  const [account] = wiped.setup().accounts
  const path = `/api/devices/${udid}/escrow/admin_password`
  const { body } = await api<{ value: string }>('POST', path, { reason: 'test' })
  expect(account && opensAccount(account, atob(body.value))).toBe(true)
})

/** A device whose habits, losses and pauses a seed makes. */
async function stumble(bp: string, chance: Chance): Promise<SimulatedDevice> {
  const habits = new Map<
    string,
    'NotNow' | 'silence' | 'Error' | 'CommandFormatError' | undefined
  >()
  const answer: AnswerScript = ({ requestType, uuid }) => {
    const bad = chance.pick(['NotNow', 'silence', 'Error', 'CommandFormatError'] as const)
    const isBad = requestType !== 'DeviceConfigured' && chance.often(0.4)
    habits.set(uuid, habits.has(uuid) ? habits.get(uuid) : isBad ? bad : undefined)
    return habits.get(uuid)
  }
  const device = await waiting(bp, { answer })
  for (let polls = 0; polls < 8; polls += 1) {
    await device.poll()
    if (chance.often(0.3)) {
      await evict(device)
    }
    if (chance.often(0.2)) {
      await device.tokenUpdate({
        awaitingConfiguration: !types(device).includes('DeviceConfigured'),
      })
    }
    turn((5 + chance.int(20)) * SECOND)
    if (chance.often(0.7)) {
      await ring(device)
    }
  }
  return device
}

it('devices that stumble at random are all released once, at the limit at the latest', async () => {
  const steps = FIVE.map((step) => ({ ...step, timeout_s: 15 }))
  for (let seed = 0; seed < 10; seed += 1) {
    const { bp } = await blueprint(steps.slice(0, 1 + (seed % 5)), { time_limit_s: 60 })
    const device = await stumble(bp, chanceOf(seed, 0))
    turn(60 * SECOND)
    await device.poll()
    const configured = device.received.filter(
      ({ requestType }) => requestType === 'DeviceConfigured',
    )
    const uuids = new Set(configured.map(({ uuid }) => uuid))
    const place = types(device).indexOf('DeviceConfigured')
    const [run] = await runs(device)
    const given = types(device).slice(0, place)
    const order = given.map((type) => FIVE_TYPES.indexOf(type))
    expect([seed, uuids.size, run?.state]).toEqual([seed, 1, 'released'])
    expect([seed, order]).toEqual([seed, order.toSorted((one, other) => one - other)])
  }
})
