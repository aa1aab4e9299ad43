import { describe, expect, it } from 'vitest'
import { declarationsOfSet, listSets } from '../../src/directory/declarations/sets.ts'
import { readDeclaration } from '../../src/directory/declarations/edit.ts'
import type { SimulatedDevice } from '../../src/simulator/device/device.ts'
import { clock, turn } from './clock.ts'
import { join, tell, view } from './declaration-tools.ts'
import { api, enrolled, env, until } from './server.ts'

const DAY = 86_400_000

interface Problem {
  code: string
  detail: string
  errors: { at: string }[]
}
interface Policy {
  chosen: { platform: string; deadline: string; first_at: string; last_at: string }[]
  declarations: string[]
  warnings: string[]
  progress: {
    devices: number
    ways: Record<string, number>
    states: Record<string, number>
    reasons: object[]
  }
}
interface Devices {
  items: { id: string; way: string; state: string; reason: string | null; failures: number }[]
  next: string | null
}

const dayIn = (days: number) => new Date(clock.now() + days * DAY).toISOString().slice(0, 10)
const DEADLINE = { local: `${dayIn(30)}T19:00:00` }

let count = 0
const newName = () => `policy-${++count}`
const at = (name: string, rest = '') => `/api/software-updates/${name}${rest}`
const put = <Body = Policy>(name: string, body: object) => api<Body>('PUT', at(name), body)

/** A policy for a set of its own, with these devices in it. */
async function newPolicy(body: object, ...devices: readonly SimulatedDevice[]) {
  const name = newName()
  for (const device of devices) {
    await join(device, name)
  }
  const answer = await put(name, { platforms: ['macOS'], set: name, ...body })
  expect(answer.status).toBe(201)
  await tell()
  return { name, body: answer.body }
}

/** A device applies its declarations, tells what it knows, and is asked for the items of updates then. */
async function apply(device: SimulatedDevice): Promise<void> {
  // The server looks for sets every 30 seconds while it knows of none.
  turn(30_000)
  await until(
    async () => {
      await device.poll()
      return view(device)
    },
    ({ items }) => items.some(({ name }) => name === 'softwareupdate.pending-version'),
  )
}

/** The counts of a policy that are not zero. */
async function progress(name: string) {
  const { body } = await api<Policy>('GET', at(name))
  const { devices, ways, states, reasons } = body.progress
  const some = (counts: Record<string, number>) =>
    Object.fromEntries(Object.entries(counts).filter(([, number]) => number > 0))
  return { devices, ways: some(ways), states: some(states), reasons }
}

const devicesOf = (name: string, query = '') =>
  api<Devices>('GET', at(name, `/devices${query}`)).then(({ body }) => body)

describe('a version for some devices', () => {
  it('is installed by declaration, and each step is told and counted', async () => {
    const device = await enrolled({ osVersion: '26.1' })
    const { name, body } = await newPolicy(
      { target: { version: '26.2' }, deadline: DEADLINE },
      device,
    )
    expect(body.progress).toMatchObject({
      devices: 1,
      ways: { declaration: 1 },
      states: { pending: 1 },
    })
    await apply(device)
    expect(device.declarative.states.map(({ identifier }) => identifier)).toEqual(
      expect.arrayContaining(body.declarations),
    )
    const told = []
    for (let step = 0; step < 5; step++) {
      told.push(Object.keys((await progress(name)).states).join())
      await device.declarative.stepUpdate()
    }
    expect(told).toEqual(['scheduled', 'downloading', 'prepared', 'installing', 'reached'])
    // The device reports the declaration as an error now, because its target is not newer.
    expect(await progress(name)).toEqual({
      devices: 1,
      ways: { declaration: 1 },
      states: { reached: 1 },
      reasons: [],
    })
  })

  it('is counted before it is stored, and stored by nothing but PUT', async () => {
    const set = newName()
    for (const osVersion of ['26.1', '26.2', '13.6']) {
      await join(await enrolled({ osVersion }), set)
    }
    const policy = { platforms: ['macOS'], set, target: { version: '26.2' }, deadline: DEADLINE }
    const before = await api('GET', '/api/software-updates')
    const { body } = await api<Policy>('POST', '/api/software-updates/preview', policy)
    expect(body.progress).toMatchObject({
      devices: 3,
      ways: { declaration: 2, command: 1 },
      states: { reached: 1, pending: 2 },
    })
    expect(body.chosen).toMatchObject([{ platform: 'macOS', version: '26.2' }])
    expect(await api('GET', '/api/software-updates')).toEqual(before)
    const wrong = { ...policy, target: { newest: true }, deadline: null }
    const refused = await api<Problem>('POST', '/api/software-updates/preview', wrong)
    expect([refused.status, refused.body.errors[0]?.at]).toEqual([400, 'json.deadline'])
  })

  it('fails with Apple’s reason, and is found by it', async () => {
    const [good, bad] = [
      await enrolled({ osVersion: '26.1' }),
      await enrolled({ osVersion: '26.1' }),
    ]
    const { name } = await newPolicy({ target: { version: '26.2' }, deadline: DEADLINE }, good, bad)
    await apply(good)
    await apply(bad)
    await bad.declarative.stepUpdate('not enough space')
    await bad.declarative.stepUpdate('not enough space')
    expect(await progress(name)).toMatchObject({
      devices: 2,
      states: { scheduled: 1, failed: 1 },
      reasons: [{ state: 'failed', reason: 'not enough space', count: 1 }],
    })
    const { items, next } = await devicesOf(name, '?state=failed,not-applied')
    expect([items, next]).toMatchObject([
      [{ id: bad.udid, way: 'declaration', reason: 'not enough space', failures: 2 }],
      null,
    ])
    const first = await devicesOf(name, '?limit=1')
    const second = await devicesOf(name, `?limit=1&cursor=${first.next}`)
    const ids = [...first.items, ...second.items].map(({ id }) => id)
    expect([ids, second.next]).toEqual([[good.udid, bad.udid].toSorted(), null])
  })

  it('has a local deadline, which comes once in each time zone', async () => {
    const policy = { target: { version: '26.2' }, deadline: { local: '2030-06-01T19:00:00' } }
    const { body } = await newPolicy(policy)
    expect(body.chosen).toMatchObject([
      {
        deadline: '2030-06-01T19:00:00',
        first_at: '2030-06-01T05:00:00.000Z',
        last_at: '2030-06-02T07:00:00.000Z',
      },
    ])
    const past = { ...policy, deadline: { local: '2020-06-01T19:00:00' } }
    expect((await newPolicy(past)).body.warnings).toEqual([
      expect.stringContaining('has passed everywhere'),
    ])
  })

  it('goes to old devices by a command, and to the oldest not at all', async () => {
    const old = await enrolled({ osVersion: '13.6' })
    const vision = await enrolled({ platform: 'visionOS', osVersion: '1.2' })
    const { name } = await newPolicy(
      { platforms: ['macOS', 'visionOS'], target: { version: '26.2' }, deadline: DEADLINE },
      old,
      vision,
      await enrolled({ osVersion: '26.1' }),
    )
    expect(await progress(name)).toMatchObject({
      devices: 3,
      ways: { declaration: 1, command: 1, none: 1 },
      states: { pending: 2, 'not-applied': 1 },
      reasons: [{ reason: expect.stringContaining('came with visionOS 26.0') }],
    })
    const { items } = await devicesOf(name, '?way=command')
    expect(items).toMatchObject([{ id: old.udid, state: 'pending' }])
    const sent = await api('POST', at(name, '/commands'), { platform: 'macOS' })
    expect(sent).toMatchObject({ status: 200, body: { total: 1, failed: 0 } })
    await old.poll()
    expect(old.received.map(({ requestType }) => requestType)).toContain('ScheduleOSUpdate')
    const none = await api<Problem>('POST', at(name, '/commands'), { platform: 'visionOS' })
    expect([none.status, none.body.code]).toEqual([400, 'no_targets'])
  })

  it('leaves the devices when its policy is deleted, or no longer names their platform', async () => {
    const device = await enrolled({ osVersion: '26.1' })
    const target = { target: { version: '26.2' }, deadline: DEADLINE }
    const { name, body } = await newPolicy(target, device)
    await device.poll()
    const narrowed = await put(name, { platforms: ['iOS'], set: name, ...target })
    expect(narrowed.body.progress.devices).toBe(0)
    await tell()
    await device.poll()
    const own = () =>
      device.declarative.states.filter((one) => body.declarations.includes(one.identifier))
    expect(own()).toEqual([])
    await put(name, { platforms: ['macOS'], set: name, ...target })
    await tell()
    await device.poll()
    expect(own()).toHaveLength(2)
    expect((await api('DELETE', at(name))).status).toBe(204)
    await tell()
    await device.poll()
    expect(own()).toEqual([])
    expect((await listSets(env.DB)).filter((set) => set.name.includes(`.${name}.`))).toEqual([])
    expect(await api<Problem>('GET', at(name))).toMatchObject({
      status: 404,
      body: { code: 'software_update_not_found' },
    })
  })
})

describe('settings', () => {
  it('go to each platform with the keys that it has', async () => {
    const settings = {
      notifications: false,
      minor_deferral_days: 14,
      combined_deferral_days: 7,
      automatic_install: 'AlwaysOn',
      rapid_security_response: true,
    }
    const { name, body } = await newPolicy({ platforms: ['macOS', 'tvOS'], settings })
    const payloads = await Promise.all(
      ['macOS', 'tvOS'].map(async (platform) => {
        const stored = await readDeclaration(env.DB, `edgemdm.update.${name}.${platform}.settings`)
        return JSON.parse(stored?.payload ?? '')
      }),
    )
    expect(payloads).toEqual([
      {
        Notifications: false,
        Deferrals: { MinorPeriodInDays: 14 },
        AutomaticActions: { InstallOSUpdates: 'AlwaysOn' },
        RapidSecurityResponse: { Enable: true },
      },
      {
        Notifications: false,
        Deferrals: { CombinedPeriodInDays: 7 },
        AutomaticActions: { InstallOSUpdates: 'AlwaysOn' },
      },
    ])
    expect(body).toMatchObject({ settings, progress: null, chosen: [] })
    expect((await api('GET', at(name, '/devices'))).status).toBe(409)
  })

  it('stand in sets that name their owner, so that no other call changes them', async () => {
    const { name } = await newPolicy({ settings: { notifications: false } })
    const set = `edgemdm.update.${name}.macOS`
    const owner = (await listSets(env.DB)).find((one) => one.name === set)?.owner
    expect(owner).toBe('software-updates')
    const { status, body } = await api<Problem>('PUT', `/api/sets/${set}`, { rule: null })
    expect([status, body.detail]).toEqual([409, expect.stringContaining('software-updates')])
  })

  it('leave when the policy no longer has them, and the target stays', async () => {
    const target = { target: { version: '26.2' }, deadline: DEADLINE }
    const { name } = await newPolicy({ ...target, settings: { notifications: false } })
    const set = `edgemdm.update.${name}.macOS`
    await put(name, { platforms: ['macOS'], set: name, ...target })
    expect(await declarationsOfSet(env.DB, set)).toEqual([
      `${set}.activation`,
      `${set}.enforcement`,
    ])
    expect(await readDeclaration(env.DB, `${set}.settings`)).toBeUndefined()
  })
})

describe('a policy is refused', () => {
  const good = { platforms: ['macOS'], target: { version: '26.2' }, deadline: DEADLINE }
  it.each([
    [
      'with a zone in its deadline',
      { deadline: { local: '2030-06-01T19:00:00Z' } },
      'local',
      'zone',
    ],
    ['with a fraction', { deadline: { local: '2030-06-01T19:00:00.5' } }, 'local', 'fraction'],
    [
      'for a day that does not exist',
      { deadline: { local: '2030-02-30T19:00:00' } },
      'local',
      'local',
    ],
    ['without a deadline', { deadline: null }, 'json.deadline', 'days_after_release'],
    [
      'with two deadlines',
      { deadline: { ...DEADLINE, days_after_release: 1, time: '19:00' } },
      'json.deadline',
      'either',
    ],
    [
      'with a release’s deadline without a time',
      { deadline: { days_after_release: 1 } },
      'json.deadline',
      'time',
    ],
    ['with two targets', { target: { version: '26.2', newest: true } }, 'json.target', 'either'],
    [
      'with a build of the newest',
      { target: { newest: true, build: '25A1' } },
      'json.target',
      'build',
    ],
    [
      'with one deadline for each newest version',
      { target: { newest: true } },
      'deadline.local',
      'its own',
    ],
    ['with nothing in it', { target: null, deadline: null }, 'json', 'a target'],
    [
      'with a setting of other platforms',
      { settings: { combined_deferral_days: 7 } },
      'combined',
      'iOS',
    ],
    ['for watches', { platforms: ['watchOS'] }, 'platforms', 'macOS'],
  ])('%s', async (_, part, place, words) => {
    const { status, body } = await put<Problem>(newName(), { ...good, ...part })
    expect([status, body.errors.length]).toEqual([400, 1])
    expect(body.errors[0]?.at).toContain(place)
    expect(body.detail).toContain(words)
  })

  it.each(['versions', 'feed', 'Big', 'a'.repeat(29)])('with the name %s', async (name) => {
    const { status } = await put(name, { ...good })
    expect(status).toBe(400)
  })
})
