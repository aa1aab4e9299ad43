/** How changes reach all devices, what each of them takes, and what that costs. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { afterEach, expect, it, vi } from 'vitest'
import { shortContent } from '../../src/ddm/states.ts'
import { Device } from '../../src/device/object.ts'
import { readDeclaration } from '../../src/directory/declarations/edit.ts'
import { offerTo } from '../../src/directory/declarations/offer.ts'
import { addToSet } from '../../src/directory/declarations/sets.ts'
import { searchStates } from '../../src/directory/declarations/states.ts'
import { beginOffers, DECLARATIONS } from '../../src/jobs/declarations/begin.ts'
import { beginRollout, rolloutJob } from '../../src/jobs/declarations/rollout.ts'
import { declarationsKind } from '../../src/jobs/declarations/round.ts'
import { clock, turn } from './clock.ts'
import { countedDatabase, countedWorker } from './counting.ts'
import {
  ACTIVATION,
  asked,
  declared,
  join,
  listed,
  names,
  newSet,
  now,
  put,
  request,
  send,
  settle,
  tell,
  TEST,
  view,
  waiting,
} from './declaration-tools.ts'
import { dyingAfter } from './dying.ts'
import { enrolled, env, until } from './server.ts'
import { newUserId } from './user-tools.ts'

afterEach(() => vi.restoreAllMocks())

const MINUTE = 60_000
const DAY = 1440 * MINUTE
const round = env.JOB.getByName(DECLARATIONS)

/** Devices with a set of their own, which have all that it offers. */
async function fleet(count: number, prefix = `FLEET-${crypto.randomUUID()}`) {
  const made = await newSet()
  const udids = Array.from({ length: count }, (_, n) => `${prefix}-${n}`)
  const devices = await Promise.all(udids.map((udid) => enrolled({ udid })))
  await Promise.all(devices.map((device) => join(device, made.set)))
  await tell()
  await Promise.all(devices.map(settle))
  return { devices, ...made }
}

/** Lets the round do so many calls; then its process dies. @returns whether it got so far */
async function killRoundAfter(calls: number): Promise<boolean> {
  const { step } = declarationsKind
  let isDead = false
  const spy = vi.spyOn(declarationsKind, 'step').mockImplementation(async (its, work) => {
    const dying = dyingAfter(calls, its)
    try {
      return await step(dying.env, work)
    } finally {
      isDead = dying.isDead()
    }
  })
  await runDurableObjectAlarm(round).catch(() => undefined)
  spy.mockRestore()
  await evictDurableObject(round)
  return isDead
}

/** Lets the round end by its own alarms. */
const roundEnds = () =>
  until(
    async () => {
      await runDurableObjectAlarm(round)
      return round.view()
    },
    (job) => job?.state === 'finished',
  )

it('a round that is killed between any two calls ends with one command for each device', async () => {
  const { devices, config } = await fleet(3)
  let kills = 0
  for (let calls = 0; ; calls++) {
    await put(config, TEST, { Echo: `round ${calls}` })
    await beginOffers(env)
    const before = devices.map(asked)
    const isKilled = await killRoundAfter(calls)
    // Some devices have heard of it already, and are through before the round goes on.
    await Promise.all(devices.map((device) => device.poll()))
    await roundEnds()
    await Promise.all(devices.map((device) => device.poll()))
    expect(
      devices.map(asked).map((count, n) => count - (before[n] ?? 0)),
      `${calls} calls`,
    ).toEqual([1, 1, 1])
    for (const device of devices) {
      expect(device.declarative.token).toBe((await view(device)).token)
      expect(Object.values(await listed(device))).toEqual(['applied', 'applied'])
    }
    if (!isKilled) {
      break
    }
    kills += 1
  }
  expect(kills).toBeGreaterThan(5)
})

it('a round goes on with the page where it was killed, and asks a silent device again later', async () => {
  const { devices, config } = await fleet(50)
  await put(config, TEST, { Echo: 'two' })
  await beginOffers(env)
  const told = async () => (await Promise.all(devices.map(waiting))).flat().length
  expect(await killRoundAfter(20)).toBe(true)
  expect(await told()).toBeLessThan(20)
  await runDurableObjectAlarm(round)
  expect(await told()).toBe(40)
  const offer = vi.spyOn(Device.prototype, 'offerDeclarations')
  offer.mockRejectedValueOnce(new Error('it does not answer'))
  await runDurableObjectAlarm(round)
  await runDurableObjectAlarm(round)
  expect(await told()).toBe(49)
  const alarm = await runInDurableObject(round, (_, { storage }) => storage.getAlarm())
  expect(alarm).toBe(clock.now() + MINUTE)
  await roundEnds()
  expect(await told()).toBe(50)
  expect(offer).toHaveBeenCalledTimes(11)
})

/** The devices that are offered the present content of a declaration. */
async function withPresent(identifier: string): Promise<Set<string>> {
  const row = await readDeclaration(env.DB, identifier)
  const content = shortContent(JSON.parse(row?.item ?? '{}').token)
  const all = await searchStates(env.DB, { identifier, states: [], after: ['', ''], limit: 1000 })
  return new Set(all.filter((one) => one.content === content).map((one) => one.enrollment))
}

/** Begins a roll-out in steps of 30 and 60 percent. The content and the UDIDs decide about shares. */
async function rollOut(prefix: string, payload: object, stopAt: number) {
  const made = await fleet(12, prefix)
  const { devices, config: identifier } = made
  const stored = await send(identifier, TEST, payload, { percent: 0 })
  if (stored.kind === 'refused') {
    throw new Error('the content is refused')
  }
  const { version } = stored
  const plan = { steps: [30, 60], waitMinutes: 10, stopAt }
  await beginRollout(env, { identifier, version }, plan)
  const job = env.JOB.getByName(rolloutJob(identifier))
  const step = async (): Promise<Set<string>> => {
    // Each step may be the first of a process.
    await evictDurableObject(job)
    await runDurableObjectAlarm(job)
    await tell()
    await Promise.all(devices.map((device) => device.poll()))
    return withPresent(identifier)
  }
  return { ...made, job, step }
}

it('the share of a roll-out only grows, over restarts, until all devices have the new content', async () => {
  const { devices, config, job, step } = await rollOut('GROWS', { Echo: 'new' }, 0.1)
  expect((await withPresent(config)).size).toBe(0)
  const first = await step()
  const alarm = await runInDurableObject(job, (_, { storage }) => storage.getAlarm())
  expect(alarm).toBe(clock.now() + 10 * MINUTE)
  expect([0 < first.size, first.size < 12]).toEqual([true, true])
  expect(await step(), 'the first share is judged').toEqual(first)
  const second = await step()
  expect([...second]).toEqual(expect.arrayContaining([...first]))
  expect([first.size < second.size, second.size < 12]).toEqual([true, true])
  expect((await step()).size).toBe(12)
  expect(await job.view()).toMatchObject({ state: 'finished' })
  expect((await readDeclaration(env.DB, config))?.rollout).toBe('')
  for (const device of devices) {
    expect((await listed(device))[config]).toBe('applied')
  }
})

it('a roll-out stops when too many devices fail, and the others keep the content before', async () => {
  const made = await rollOut('STOPS', { Echo: 'bad', ReturnStatus: 'Failed' }, 0.5)
  const { devices, config, job, step } = made
  const first = await step()
  expect(await step()).toEqual(first)
  expect(await job.view()).toMatchObject({
    state: 'stopped',
    reason: `${first.size} of ${first.size} devices that have the new content report a failure`,
  })
  turn(DAY)
  await tell()
  await Promise.all(devices.map((device) => device.poll()))
  for (const device of devices) {
    const state = first.has(device.udid) ? 'failed' : 'applied'
    expect((await listed(device))[config], device.udid).toBe(state)
  }
  expect(await withPresent(config)).toEqual(first)
})

it('a full report without a change writes no row, a change of a declaration 11, and 4 in D1', async () => {
  const udid = `COUNTED-${crypto.randomUUID()}`
  const worker = await countedWorker([udid], { WEBHOOK_URL: '' })
  let offered = 0
  const DB = countedDatabase((rows) => {
    offered += rows
  })
  const { set, config } = await newSet()
  await join({ enrollmentId: udid }, set)
  const device = await enrolled({
    udid,
    fetch: (url, init) => worker.fetch(new Request(url, init as RequestInit)),
  })
  worker.spent()
  const spent = async () => {
    offered = 0
    await offerTo({ DB, DEVICE: env.DEVICE }, [udid])
    await device.poll()
    const { rows, directoryRows } = worker.spent()
    return { rows, directoryRows: directoryRows + offered }
  }
  // Twice: the first report makes the server's own subscription grow.
  const [first, second] = [await spent(), await spent()]
  expect(first.rows + second.rows).toBeLessThanOrEqual(46)
  expect(first.directoryRows + second.directoryRows).toBeLessThanOrEqual(10)
  for (let days = 0; days < 3; days++) {
    turn(DAY)
    await worker.writeSeen()
    worker.spent()
    await device.declarative.reportAll()
    expect(worker.spent()).toMatchObject({ rows: 0, directoryRows: 0 })
  }
  await worker.writeSeen()
  worker.spent()
  expect(await spent()).toEqual({ rows: 0, directoryRows: 0 })
  for (let n = 0; n < 5; n++) {
    await put(config, TEST, { Echo: `${n}` })
    const { rows, directoryRows } = await spent()
    expect(rows).toBeLessThanOrEqual(11)
    expect(directoryRows).toBeLessThanOrEqual(4)
  }
})

it('a declaration without a value for its variable is withheld, and stops nothing else', async () => {
  const { device, set, config, activation } = await declared()
  const { config: own } = names()
  await put(own, TEST, { Echo: 'for ${user_short_name}' })
  await addToSet(env.DB, set, own, now())
  await tell()
  const { token } = await view(device)
  for (let n = 0; n < 10; n++) {
    await tell()
    await device.poll()
    expect((await request(device, 'tokens')).status).toBe(200)
    expect((await request(device, 'declaration-items')).status).toBe(200)
  }
  expect((await view(device)).token).toBe(token)
  expect(await listed(device)).toEqual({
    [config]: 'applied',
    [activation]: 'applied',
    [own]: 'withheld',
  })
})

it('a type that the OS lacks is sent after the upgrade, and no admin does anything', async () => {
  const device = await enrolled({ osVersion: '26.1' })
  const { set } = await newSet()
  const [keyboard, update] = [names(), names()]
  await put(keyboard.config, 'com.apple.configuration.keyboard.settings', {})
  const target = { TargetOSVersion: '26.4', TargetLocalDateTime: '2026-12-10T19:00:00' }
  await put(update.config, 'com.apple.configuration.softwareupdate.enforcement.specific', target)
  await put(update.activation, ACTIVATION, {
    StandardConfigurations: [keyboard.config, update.config],
  })
  for (const identifier of [keyboard.config, update.config, update.activation]) {
    await addToSet(env.DB, set, identifier, now())
  }
  await join(device, set)
  await tell()
  const { declarations } = await view(device)
  expect(declarations.find(({ identifier }) => identifier === keyboard.config)?.code).toContain(
    '26.4',
  )
  await settle(device)
  const before = asked(device)
  expect(await listed(device)).toMatchObject({
    [keyboard.config]: 'withheld',
    [update.config]: 'applied',
    [update.activation]: 'applied',
  })
  for (let steps = 0; steps < 4; steps++) {
    await device.declarative.stepUpdate()
  }
  expect(device.osVersion).toBe('26.4')
  await until(
    () => listed(device),
    (states) => states[keyboard.config] === 'applied',
    () => device.poll(),
  )
  expect(asked(device)).toBeGreaterThan(before)
})

it('the channels of a device and its user have lists of their own', async () => {
  const { device, config, activation } = await declared()
  const user = device.userChannel({ userId: newUserId(), shortName: 'ada' })
  await user.tokenUpdate()
  const made = await newSet('for the user')
  const [forDevice, forUser] = [names().config, names().config]
  await put(forDevice, 'com.apple.configuration.diskmanagement.settings', {})
  await put(forUser, 'com.apple.configuration.math.settings', {})
  for (const identifier of [forDevice, forUser]) {
    await addToSet(env.DB, made.set, identifier, now())
  }
  await join(user, made.set)
  const late = device.userChannel({ userId: newUserId(), shortName: 'bob' })
  await join(late, made.set)
  await tell()
  await user.poll()
  await device.poll()
  expect(await listed(user)).toMatchObject({ [made.config]: 'applied', [forDevice]: 'withheld' })
  expect(await listed(user)).toMatchObject({ [forUser]: 'inactive' })
  expect(await listed(device)).toEqual({ [config]: 'applied', [activation]: 'applied' })
  const endpoint = `declaration/configuration/${made.config}`
  expect((await request(user, endpoint)).status).toBe(200)
  expect((await request(device, endpoint)).status).toBe(404)
  // A user whose channel comes later needs no admin.
  await until(
    () => listed(late),
    (states) => states[made.config] === 'pending',
    () => late.tokenUpdate(),
  )
  await late.poll()
  expect(await listed(late)).toEqual(await listed(user))
  await join(device, made.set)
  await tell()
  expect(await listed(device)).toMatchObject({ [forUser]: 'withheld', [forDevice]: 'pending' })
})

it('no list has a declaration without what it names, and a predicate that cannot be read is refused', async () => {
  const { device, set } = await declared()
  const [asset, owner] = [names().config, names()]
  const named = { Echo: 'x', EchoDataAssetReference: asset }
  expect(await send(owner.config, TEST, named)).toMatchObject({
    kind: 'created',
    warnings: [expect.stringContaining(asset)],
  })
  await addToSet(env.DB, set, owner.config, now())
  await tell()
  expect(await listed(device)).toMatchObject({ [owner.config]: 'withheld' })
  await put(asset, 'com.apple.asset.data', {
    Reference: { DataURL: 'https://assets.example.com/a', ContentType: 'text/plain' },
  })
  await addToSet(env.DB, set, asset, now())
  await tell()
  expect(await listed(device)).toMatchObject({ [owner.config]: 'pending', [asset]: 'pending' })
  const broken = {
    StandardConfigurations: [owner.config],
    Predicate: "(@property(ring) == 'a",
  }
  expect(await send(owner.activation, ACTIVATION, broken)).toMatchObject({ kind: 'refused' })
})
