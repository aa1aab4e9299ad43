import { describe, expect, it } from 'vitest'
import type { ChannelStates } from '../../src/ddm/states.ts'
import { offerTo } from '../../src/directory/declarations/offer.ts'
import { storeStates } from '../../src/directory/declarations/states.ts'
import type { SimulatedChannel } from '../../src/simulator/device/channel.ts'
import { turn } from './clock.ts'
import { join, listed, newSet, tell, view } from './declaration-tools.ts'
import { KMFDDM, send } from './kmfddm-tools.ts'
import { api, enrolled, env, until } from './server.ts'
import { newUserId, withUser } from './user-tools.ts'

type Channel = Pick<SimulatedChannel, 'checkIn'>

const say = (channel: Channel, Endpoint: string, text?: string) =>
  channel.checkIn('DeclarativeManagement', {
    Endpoint,
    ...(text !== undefined && { Data: new TextEncoder().encode(text) }),
  })
const report = (channel: Channel, items: object, more: object = {}) =>
  say(channel, 'status', JSON.stringify({ StatusItems: items, ...more }))

/** A device that has fetched and applied a declaration of its own. */
async function declared() {
  const device = await enrolled()
  const made = await newSet()
  await join(device, made.set)
  await tell()
  await device.poll()
  return { device, ...made }
}

const os = (version: string, build = '25A1') => ({
  device: { 'operating-system': { version, 'build-version': build } },
})

describe('a status report', () => {
  const long = 'x'.repeat(200_000)
  const control = '\u0000\u0001\u001f'.repeat(20)
  const reports: Record<string, string> = {
    nothing: '',
    'another JSON': '"text"',
    'half a text': '{"StatusItems":{"a":"',
    'deep lists': `{"StatusItems":{"a":${'['.repeat(60_000)}${']'.repeat(60_000)}}}`,
    'deep dictionaries': `{"StatusItems":${'{"a":'.repeat(60_000)}1${'}'.repeat(60_000)}}`,
    prototypes:
      '{"__proto__":{"a":1},"StatusItems":{"__proto__":{"x":1},"constructor":{"prototype":1}}}',
    'half surrogates':
      '{"StatusItems":{"\\ud800":"\\udfff","a":["\\ud800"]},"Errors":[{"StatusItem":"\\ud800"}]}',
    'control characters': JSON.stringify({ StatusItems: { [control]: control, a: control } }),
    'a long name with many below it': JSON.stringify({
      StatusItems: { [long]: Object.fromEntries(Array.from({ length: 50 }, (_, n) => [n, n])) },
    }),
    'ten thousand items': JSON.stringify({
      StatusItems: Object.fromEntries(Array.from({ length: 10_000 }, (_, n) => [`i${n}`, n])),
    }),
    'capabilities of another shape':
      '{"StatusItems":{"management":{"client-capabilities":{"supported-payloads":{"declarations":"x","status-items":{"length":1}}}}}}',
    'declarations of another shape':
      '{"StatusItems":{"management":{"declarations":{"configurations":[null,1,[],{},{"identifier":{}}]}}}}',
  }

  it.each(Object.entries(reports))('of %s is taken, and pages go on', async (_, text) => {
    const { device, config } = await declared()
    expect((await say(device, 'status', text)).status).toBe(200)
    const pages = ['status', 'declarations'].map((page) => `/api/devices/${device.udid}/${page}`)
    for (const page of [...pages, '/api/declaration-states?limit=5', '/api/declaration-failures']) {
      expect((await api('GET', page)).status, page).toBe(200)
    }
    for (const page of ['declaration-status', 'status-values', 'status-errors']) {
      expect((await send('GET', `/v1/${page}/${device.udid}`)).status, page).toBe(200)
    }
    expect((await say(device, `declaration/configuration/${config}`)).status).toBe(200)
  })

  it('says nothing about declarations of others', async () => {
    const [one, other] = [await declared(), await declared()]
    const before = await view(other.device)
    const entry = { identifier: other.config, 'server-token': 'x', active: false, valid: 'invalid' }
    await report(one.device, { management: { declarations: { configurations: [entry] } } })
    expect(await view(other.device)).toEqual(before)
    expect(await listed(one.device)).toEqual({
      [one.config]: 'applied',
      [one.activation]: 'applied',
    })
    expect(await listed(other.device)).toMatchObject({ [other.config]: 'applied' })
  })

  it('puts short versions into the list of devices, and nothing if they are long again', async () => {
    const { device } = await declared()
    const text = `${'9'.repeat(63)}\ud83d\ude00${'b'.repeat(50_000)}`
    await report(device, os(text, text))
    const page = () => api<{ os_version: string }>('GET', `/api/devices/${device.udid}`)
    const row = await until(page, ({ body }) => body.os_version.startsWith('9'))
    expect(JSON.stringify(row.body).length).toBeLessThan(5000)
    const version = () => env.DEVICE.getByName(device.udid).directoryRow()
    await report(device, { ...os(text, text), a: 1 })
    expect(await version()).toBeUndefined()
  })
})

describe('the declarations of a device', () => {
  it('are not given to others, by any Endpoint', async () => {
    const { device, config } = await declared()
    const stranger = await enrolled()
    const user = stranger.userChannel({ userId: device.udid, shortName: 'eve' })
    await user.tokenUpdate()
    const ids = [config, `../${config}`, `${config}/`, `${config}\t`, encodeURIComponent(config)]
    for (const channel of [stranger, user]) {
      for (const id of ids) {
        expect((await say(channel, `declaration/configuration/${id}`)).status, id).toBe(404)
      }
      for (const Endpoint of [
        'declaration',
        'declaration/',
        'declaration/__proto__/x',
        '/',
        'TOKENS',
      ]) {
        expect((await say(channel, Endpoint)).status, Endpoint).toBe(400)
      }
      const { body } = await say(channel, 'declaration-items')
      expect(new TextDecoder().decode(body)).not.toContain(config)
    }
    const headers = { authorization: KMFDDM, 'x-enrollment-id': device.udid }
    expect(await (await send('GET', '/declaration-items', undefined, headers)).text()).toContain(
      config,
    )
  })
})

describe('the directory', () => {
  const entry = { identifier: 'ex.one', state: 'withheld', code: 'x', content: '' } as const
  const states = (enrollment: string, since: number): ChannelStates => ({
    enrollment,
    version: 1,
    revision: 1,
    synced: false,
    reportedAt: 0,
    states: [{ ...entry, since }],
  })

  it('has the states of all devices but the one whose states it cannot take', async () => {
    const names = ['A', 'B', 'C'].map((name) => `${name}-${crypto.randomUUID()}`)
    const [first = '', poisoned = '', last = ''] = names
    const DEVICE = {
      getByName: (name: string) => ({
        offerDeclarations: async () => ({
          kind: 'offered' as const,
          // A column that may not be empty: JSON has no NaN.
          channels: [states(name, name === poisoned ? NaN : 1)],
        }),
      }),
    }
    expect(await offerTo({ DB: env.DB, DEVICE }, names)).toEqual([poisoned])
    for (const name of [first, last]) {
      expect(await listed({ enrollmentId: name })).toEqual({ 'ex.one': 'withheld' })
    }
  })

  it('gets no value of 2 MB, however long the ids of users are', async () => {
    const sizes: number[] = []
    const bind = (...values: string[]) => sizes.push(...values.map((one) => Buffer.byteLength(one)))
    const d1 = { prepare: () => ({ bind }), batch: async () => [] } as unknown as D1Database
    const names = Array.from({ length: 500 }, (_, n) => `U:${`${n}`.padEnd(256, '\u6f22')}`)
    const channels = names.map((name) => {
      const { states: some, ...channel } = states(name, 1)
      return { ...channel, states: Array.from({ length: 8 }, () => some).flat() }
    })
    await storeStates(d1, channels)
    expect(sizes.length).toBeGreaterThan(3)
    expect(Math.max(...sizes)).toBeLessThan(2_000_000)
  })

  it('forgets the declarations of a user who has left', async () => {
    const { device, user, id } = await withUser()
    const { set, config } = await newSet()
    // An isolate that saw no sets looks again after a while.
    turn(60_000)
    await join({ enrollmentId: id }, set)
    await tell()
    expect(await listed({ enrollmentId: id })).toHaveProperty([config])
    await user.checkOut()
    await until(
      () => listed({ enrollmentId: id }),
      (found) => Object.keys(found).length === 0,
    )
    const again = device.userChannel({ userId: newUserId(), shortName: 'bob' })
    await join(again, set)
    await again.tokenUpdate()
    await until(
      () => listed(again),
      (found) => config in found,
    )
  })
})
