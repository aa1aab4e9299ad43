/** What devices get for an answer, and what their reports do. */
import { runInDurableObject } from 'cloudflare:test'
import { afterEach, expect, it } from 'vitest'
import { writePlist } from '../../src/plist/write.ts'
import { deleteDeclaration } from '../../src/directory/declarations/edit.ts'
import { offerTo } from '../../src/directory/declarations/offer.ts'
import { addToSet, removeFromSet } from '../../src/directory/declarations/sets.ts'
import type { DeviceOptions, SimulatedDevice } from '../../src/simulator/device/device.ts'
import { failAt, failIn, hasFailed, served } from './failing.ts'
import {
  declared,
  listed,
  names,
  now,
  put,
  report,
  request,
  settle,
  tell,
  TEST,
  view,
} from './declaration-tools.ts'
import { env, serve, until } from './server.ts'

afterEach(() => failAt(Infinity))

const lost = async (): Promise<never> => {
  throw new Error('D1_ERROR: Network connection lost.')
}
const statement = { bind: () => statement, run: lost, all: lost, first: lost, raw: lost }
const LOST = { prepare: () => statement, batch: lost }

/** A device whose requests a test may route. */
async function routed() {
  const route: { now?: (path: string, init: RequestInit) => Promise<Response> } = {}
  const fetch: DeviceOptions['fetch'] = (url, init) =>
    (route.now ?? serve)(new URL(url).pathname, init as RequestInit)
  return { ...(await declared({ fetch })), route }
}

/** What a device has, and whether that is valid. */
const held = ({ declarative }: SimulatedDevice) =>
  declarative.states.map(({ identifier, valid }) => `${identifier} ${valid}`).toSorted()

const answersSince = ({ sent }: SimulatedDevice, place: number) =>
  sent.slice(place).map(({ status }) => status)

it('while D1 is down, devices sync what needs no payload, get 503 for the rest, and keep all', async () => {
  const { device, config, activation, route } = await routed()
  const before = held(device)
  await put(config, TEST, { Echo: 'new' })
  await tell()
  const place = device.sent.length
  route.now = (path, init) => served({ DB: LOST }, path, init)
  expect((await request(device, 'tokens')).status).toBe(200)
  expect((await request(device, 'declaration-items')).status).toBe(200)
  expect((await request(device, `declaration/configuration/${config}`)).status).toBe(503)
  const StatusItems = { test: { value: 'while it was down' } }
  expect(await report(device, { StatusItems })).toBe(200)
  expect(await device.poll()).toMatchObject({ ended: 'failed' })
  expect(answersSince(device, place)).not.toContain(404)
  expect(held(device)).toEqual(before)
  delete route.now
  await settle(device)
  expect(device.declarative.token).toBe((await view(device)).token)
  expect(await listed(device)).toEqual({ [config]: 'applied', [activation]: 'applied' })
  expect((await view(device)).items).toContainEqual(
    expect.objectContaining({ name: 'test.value', value: 'while it was down' }),
  )
})

it('whichever statement fails in a synchronisation, the device loses nothing, and gets all later', async () => {
  const { device, config, activation, route } = await routed()
  await failIn(env.DEVICE.getByName(device.udid))
  const before = held(device)
  let failures = 0
  for (let n = 1; ; n++) {
    await put(config, TEST, { Echo: `try ${n}` })
    await offerTo(env, [device.udid])
    const place = device.sent.length
    failAt(n)
    route.now = (path, init) => served({}, path, init)
    await device.poll()
    const isOver = !hasFailed()
    failAt(Infinity)
    expect(answersSince(device, place), `statement ${n}`).not.toContain(404)
    expect(answersSince(device, place), `statement ${n}`).not.toContain(401)
    expect(held(device)).toEqual(before)
    delete route.now
    await settle(device)
    expect(device.declarative.token).toBe((await view(device)).token)
    if (isOver) {
      break
    }
    failures += 1
  }
  expect(failures).toBeGreaterThan(5)
  await until(
    () => listed(device),
    (found) => found[config] === 'applied' && found[activation] === 'applied',
    () => device.tokenUpdate(),
  )
})

it('404 means that the channel is not offered it: another device’s declarations stay unknown', async () => {
  const [one, other] = [await declared(), await declared()]
  for (const endpoint of [
    `declaration/configuration/${other.config}`,
    `declaration/activation/${one.config}`,
    'declaration/configuration/ex.unknown',
    `declaration/configuration/${one.config}/`,
  ]) {
    expect(await request(one.device, endpoint), endpoint).toEqual({ status: 404, text: '' })
  }
  expect(await request(one.device, `declaration/configuration/${one.config}`)).toMatchObject({
    status: 200,
    text: expect.stringContaining('"Echo":"one"'),
  })
  for (const endpoint of ['', 'token', 'declaration/', 'declaration/other/x', '../tokens']) {
    expect((await request(one.device, endpoint)).status, endpoint).toBe(400)
  }
})

it.each([true, false])(
  'a declaration that is deleted between list and fetch ends well (devices told: %s)',
  async (isTold) => {
    const { device, set, config, activation, route } = await routed()
    await put(config, TEST, { Echo: 'two' })
    await tell()
    const statuses: number[] = []
    route.now = async (path, init) => {
      const isFetch = String(new TextDecoder().decode(init.body as Uint8Array)).includes(
        `declaration/configuration/${config}<`,
      )
      if (isFetch && statuses.length === 0) {
        await removeFromSet(env.DB, set, config, now())
        await removeFromSet(env.DB, set, activation, now())
        expect(await deleteDeclaration(env.DB, config, 0)).toEqual({ kind: 'deleted' })
        if (isTold) {
          await tell()
        }
      }
      const response = await serve(path, init)
      if (isFetch) {
        statuses.push(response.status)
      }
      return response
    }
    await device.poll()
    expect(statuses).toEqual([isTold ? 404 : 200])
    await tell()
    await settle(device)
    expect(held(device)).toEqual([])
    expect(await listed(device)).toEqual({})
  },
)

/** The JSON of a report of some configurations, with these tokens. */
function about(
  entries: readonly { identifier: string; token: string; valid?: string }[],
  more: object = {},
): object {
  const configurations = entries.map(({ identifier, token, valid = 'valid' }) => ({
    identifier,
    'server-token': token,
    active: true,
    valid,
    ...(valid === 'invalid' && { reasons: [{ code: 'Error.ConfigurationFailed' }] }),
  }))
  return { StatusItems: { management: { declarations: { configurations } } }, Errors: [], ...more }
}

const tokensOf = async (device: SimulatedDevice): Promise<Record<string, string>> =>
  Object.fromEntries(
    (await view(device)).declarations.map(({ identifier, serverToken }) => [
      identifier,
      serverToken,
    ]),
  )

it('declarations of equal content do not share a state, and a report of one leaves the others', async () => {
  const { device, set, config } = await declared()
  const others = Array.from({ length: 19 }, () => names().config)
  for (const identifier of others) {
    await put(identifier, TEST, { Echo: 'one' })
    await addToSet(env.DB, set, identifier, now())
  }
  await tell()
  const tokens = await tokensOf(device)
  expect(new Set([config, ...others].map((identifier) => tokens[identifier])).size).toBe(1)
  const token = tokens[config] ?? ''
  const [first = ''] = others
  await report(device, about(others.map((identifier) => ({ identifier, token }))))
  await report(device, about([{ identifier: first, token, valid: 'invalid' }]))
  const states = await listed(device)
  expect(states).toMatchObject({ [config]: 'applied', [first]: 'failed' })
  expect(Object.values(states).filter((state) => state === 'applied')).toHaveLength(20)
  // A full report replaces everything.
  const items = { device: { model: { family: 'Mac' } } }
  await report(device, { StatusItems: items, FullReport: true })
  const after = await listed(device)
  expect(new Set(Object.values(after))).toEqual(new Set(['pending']))
  expect((await view(device)).items.map(({ name }) => name)).toEqual(['device.model.family'])
})

it('list elements are removed by name, and a report of earlier content says nothing of the new one', async () => {
  const { device, config } = await declared()
  const list = (...elements: object[]) => ({ StatusItems: { package: { list: elements } } })
  await report(device, list({ identifier: 'a', state: 'installed' }, { identifier: 'b' }))
  await report(device, list({ identifier: 'b', _removed: true }))
  expect((await view(device)).items).toContainEqual(
    expect.objectContaining({
      name: 'package.list',
      value: [{ identifier: 'a', state: 'installed' }],
    }),
  )
  const { [config]: old = '' } = await tokensOf(device)
  await put(config, TEST, { Echo: 'two' })
  await tell()
  await report(device, about([{ identifier: config, token: old, valid: 'invalid' }]))
  expect(await listed(device)).toMatchObject({ [config]: 'pending' })
  // One report, two tokens: that of the list counts.
  const { [config]: present = '' } = await tokensOf(device)
  const both = [present, old].map((token) => ({ identifier: config, token }))
  await report(device, about(both))
  expect(await listed(device)).toMatchObject({ [config]: 'applied' })
})

const text = (length: number): string => 'x'.repeat(length)
const MEGABYTE = 1_000_000

it.each<[string, string, number, object]>([
  ['of 5 MB', JSON.stringify({ StatusItems: { big: { item: text(5 * MEGABYTE) } } }), 200, {}],
  ['of 20 MB, more than a message may have,', text(20 * MEGABYTE), 413, {}],
  ['of millions of values', `[${'0,'.repeat(4 * MEGABYTE)}0]`, 200, { malformed: true }],
  ['that is not JSON', '{"StatusItems":', 200, { malformed: true, bytes: 15 }],
  ['that is a text', '"no"', 200, { malformed: true }],
  ['that is empty', '', 200, { malformed: true, bytes: 0 }],
  ['of 10,000 levels', `{"StatusItems":${'{"a":'.repeat(9999)}1${'}'.repeat(10_000)}`, 200, {}],
])('a report %s is bounded, and the device is served on', async (_, body, status, kept) => {
  const { device, config, activation } = await declared()
  const before = await view(device)
  expect(await report(device, body)).toBe(status)
  const { declarations, reports } = await view(device)
  expect(declarations).toEqual(before.declarations)
  if (status === 200) {
    expect(reports[0]).toMatchObject({ bytes: body.length, malformed: false, ...kept })
    expect(reports[0]?.id).toBe((before.reports[0]?.id ?? 0) + 1)
  }
  const stored = await storedIn(device)
  expect(stored.bytes).toBeLessThan(2 * MEGABYTE)
  await put(config, TEST, { Echo: 'after it' })
  await tell()
  await settle(device)
  expect(await listed(device)).toEqual({ [config]: 'applied', [activation]: 'applied' })
})

/** What the object keeps of a device's declarations. */
async function storedIn({ udid }: SimulatedDevice): Promise<{ rows: number; bytes: number }> {
  return runInDurableObject(env.DEVICE.getByName(udid), (_, { storage }) =>
    storage.sql
      .exec<{ rows: number; bytes: number }>(
        'SELECT count(*) AS rows, sum(length(value)) AS bytes FROM declarations',
      )
      .one(),
  )
}

it('a report with the ids of another device is refused, and changes nothing there', async () => {
  const [one, other] = [await declared(), await declared()]
  const before = await view(one.device)
  const StatusItems = { device: { 'operating-system': { version: '1.0' } } }
  const Data = new TextEncoder().encode(JSON.stringify({ StatusItems, FullReport: true }))
  const fields = { MessageType: 'DeclarativeManagement', Endpoint: 'status', Data }
  const body = writePlist({ UDID: one.device.udid, ...fields })
  expect((await other.device.send(body, 'checkIn')).status).toBe(400)
  expect(await view(one.device)).toEqual(before)
})

it('what is stored of reports does not grow with their number', async () => {
  const { device } = await declared()
  const say = async (from: number): Promise<void> => {
    for (let n = from; n < from + 50; n++) {
      const many = Object.fromEntries(
        Array.from({ length: 20 }, (__, k) => [`v${n * 20 + k}`, text(100)]),
      )
      expect(await report(device, { StatusItems: { own: many } })).toBe(200)
    }
  }
  await say(0)
  const before = await storedIn(device)
  await say(50)
  const after = await storedIn(device)
  expect(after.rows).toBe(before.rows)
  expect(Math.abs(after.bytes - before.bytes)).toBeLessThan(2000)
})
