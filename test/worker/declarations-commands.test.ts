/** When a channel is asked to synchronise, and with which tokens. */
import { evictDurableObject } from 'cloudflare:test'
import { expect, it } from 'vitest'
import { declarationsToken } from '../../src/ddm/manifest/tokens.ts'
import { offersFor } from '../../src/directory/declarations/catalog.ts'
import { deleteDeclaration } from '../../src/directory/declarations/edit.ts'
import { leaveSets } from '../../src/directory/declarations/members.ts'
import { addToSet, removeFromSet } from '../../src/directory/declarations/sets.ts'
import type { SimulatedDevice } from '../../src/simulator/device/device.ts'
import { turn } from './clock.ts'
import {
  ACTIVATION,
  asked,
  declared,
  join,
  lastAsked,
  listed,
  names,
  newSet,
  now,
  put,
  report,
  request,
  settle,
  tell,
  TEST,
  tokenIn,
  view,
  waiting,
} from './declaration-tools.ts'
import { decide, enrolled, env, newIdentity, until } from './server.ts'
import { newUserId } from './user-tools.ts'

const SYNCHRONISE = 'DeclarativeManagement'

interface Items {
  readonly Declarations: Readonly<Record<string, { Identifier: string; ServerToken: string }[]>>
  readonly DeclarationsToken: string
}

const SINGULAR = {
  Activations: 'activation',
  Assets: 'asset',
  Configurations: 'configuration',
  Management: 'management',
} as const

/** The device's list, by identifier, and its token; it has to be the hash of just this list. */
async function itemsOf(device: Pick<SimulatedDevice, 'checkIn'>) {
  const { Declarations, DeclarationsToken }: Items = JSON.parse(
    (await request(device, 'declaration-items')).text,
  )
  const items = Object.entries(SINGULAR).flatMap(([name, kind]) =>
    (Declarations[name] ?? []).map((one) => ({
      kind,
      identifier: one.Identifier,
      token: one.ServerToken,
    })),
  )
  expect(DeclarationsToken).toBe(declarationsToken(items))
  return {
    token: DeclarationsToken,
    tokens: new Map(items.map((one) => [one.identifier, one.token])),
  }
}

/** How often the device has fetched a declaration. */
function fetched({ sent }: SimulatedDevice, identifier: string): number {
  const endpoint = `/${identifier}</string>`
  return sent.filter(({ body }) => new TextDecoder().decode(body).includes(endpoint)).length
}

it('a resend changes one token of one device, and it fetches that declaration once more', async () => {
  const { device, set, config, activation, asks } = await declared()
  const other = await enrolled()
  await join(other, set)
  await tell()
  await settle(other)
  const askedOther = asked(other)
  const before = await itemsOf(device)
  const ofOther = await itemsOf(other)
  const order = { kind: 'resend', identifiers: [config], uuid: crypto.randomUUID() } as const
  const stub = env.DEVICE.getByName(device.udid)
  expect(await stub.declarations({ user: '', bare: true }, order)).toMatchObject({ count: 1 })
  await device.poll()
  expect(asks()).toBe(1)
  const after = await itemsOf(device)
  expect(after.token).not.toBe(before.token)
  expect(after.tokens.get(config)).toBe(`${before.tokens.get(config)}.d1`)
  expect([...after.tokens].filter(([, token]) => !token.endsWith('.d1'))).toEqual(
    [...before.tokens].filter(([identifier]) => identifier !== config),
  )
  expect(await itemsOf(other)).toEqual(ofOther)
  expect([fetched(device, config), fetched(device, activation)]).toEqual([2, 1])
  // The next offer keeps the resend, and asks no device.
  await put(activation, ACTIVATION, { StandardConfigurations: [config] })
  await tell()
  await Promise.all([device.poll(), other.poll()])
  expect([asks(), asked(other)]).toEqual([1, askedOther])
})

it('a hundred reads of an unchanged list have one token, also after a restart', async () => {
  const { device } = await declared()
  const stub = env.DEVICE.getByName(device.udid)
  const first = await request(device, 'tokens')
  const { token } = await itemsOf(device)
  const read = { kind: 'endpoint', endpoint: 'tokens' } as const
  for (let n = 0; n < 100; n++) {
    turn(1000)
    const answer = await stub.declarations({ user: '', bare: true }, read)
    expect(answer).toMatchObject({ answer: { text: first.text } })
    if (n % 25 === 0) {
      await evictDurableObject(stub)
      expect(await request(device, 'tokens')).toEqual(first)
      expect((await itemsOf(device)).token).toBe(token)
    }
  }
  expect(tokenIn(first.text)).toBe(token)
})

it('the token does not depend on the order in which a device joined its sets', async () => {
  const [one, other] = [await enrolled(), await enrolled()]
  const [a, b, c] = [await newSet('a'), await newSet('b'), await newSet('c')]
  for (const { set } of [a, b, c]) {
    await join(one, set)
    await tell()
  }
  for (const { set } of [c, a, b]) {
    await join(other, set)
  }
  await tell()
  expect((await view(one)).token).toBe((await view(other)).token)
})

it('a failure that a device reports again and again changes no token', async () => {
  const { device, config, asks } = await declared()
  const before = await itemsOf(device)
  for (let n = 0; n < 10; n++) {
    turn(60_000)
    const reasons = [{ code: 'Error.ConfigurationCannotBeApplied', details: { Error: `try ${n}` } }]
    const entry = { identifier: config, 'server-token': before.tokens.get(config) }
    const configurations = [{ ...entry, active: true, valid: 'invalid', reasons }]
    const StatusItems = { management: { declarations: { configurations } } }
    expect(await report(device, { StatusItems })).toBe(200)
    await device.poll()
  }
  expect(await itemsOf(device)).toEqual(before)
  expect(asks()).toBe(0)
  expect((await listed(device))[config]).toBe('failed')
})

it('command, tokens and items agree while changes race each other', async () => {
  const { device, config } = await declared()
  for (let n = 0; n < 8; n++) {
    const [, , , { token }] = await Promise.all([
      put(config, TEST, { Echo: `${n}` }),
      put(config, TEST, { Echo: `also ${n}` }),
      tell(),
      itemsOf(device),
      device.poll(),
    ])
    expect(token).toHaveLength(64)
    turn(20)
  }
  await tell()
  const { text } = await request(device, 'tokens')
  const { token } = await view(device)
  expect(tokenIn(text)).toBe(token)
  await device.poll()
  expect(lastAsked(device)).toBe(token)
  expect(device.declarative.token).toBe(token)
  expect((await itemsOf(device)).token).toBe(token)
  expect((await listed(device))[config]).toBe('applied')
})

it('an offer that a newer one has overtaken changes nothing', async () => {
  const { device, config, asks } = await declared()
  const stub = env.DEVICE.getByName(device.udid)
  const older = (await offersFor(env.DB, [device.udid])).get(device.udid)
  await put(config, TEST, { Echo: 'newer' })
  await tell()
  const before = await view(device)
  expect(older?.revision).toBeLessThan(before.revision)
  if (older) {
    await stub.offerDeclarations(older, { uuid: crypto.randomUUID() })
  }
  expect(await view(device)).toEqual(before)
  await device.poll()
  expect([asks(), device.declarative.token]).toEqual([1, before.token])
})

it('ten changes in two seconds leave one command, whose data is the last state', async () => {
  const { device, config, asks } = await declared()
  for (let n = 0; n < 10; n++) {
    await put(config, TEST, { Echo: `change ${n}` })
    await tell()
    turn(200)
  }
  expect(await waiting(device)).toEqual([SYNCHRONISE])
  const last = tokenIn((await request(device, 'tokens')).text)
  await device.connect({ Status: 'Idle' })
  expect(asks()).toBe(1)
  expect(lastAsked(device)).toBe(last)
  expect(await waiting(device)).toEqual([])
})

it('50 channels, of devices and their users, get one command each', async () => {
  const { set } = await newSet()
  const channels: { enrollmentId: string }[] = []
  const one = async (): Promise<void> => {
    const device = await enrolled()
    const users = Array.from({ length: 9 }, (_, n) =>
      device.userChannel({ userId: newUserId(), shortName: `user-${n}` }),
    )
    await Promise.all(users.map((user) => user.tokenUpdate()))
    channels.push(device, ...users)
  }
  await Promise.all(Array.from({ length: 5 }, one))
  await Promise.all(channels.map((channel) => join(channel, set)))
  await tell()
  expect(new Set(channels.map(({ enrollmentId }) => enrollmentId)).size).toBe(50)
  const all = await Promise.all(channels.map(waiting))
  expect(all.filter((types) => types.join() !== SYNCHRONISE)).toEqual([])
})

it.each(['after it left', 'with another certificate'])(
  'a device that enrols again %s is asked although nothing changed, and its old status is gone',
  async (way) => {
    const { device, config, activation, asks } = await declared()
    const old = device.identity()
    expect((await view(device)).items).not.toEqual([])
    if (way === 'after it left') {
      await device.checkOut()
      await device.enroll()
    } else {
      device.useIdentity(newIdentity())
      await device.enroll()
      await decide('new', device)
    }
    const present = await until(
      () => view(device),
      ({ on }) => on,
      () => {
        // This isolate may remember for a while that there were no sets.
        turn(30_000)
        return device.tokenUpdate()
      },
    )
    expect(present).toMatchObject({ synced: false, items: [], errors: [], reports: [] })
    expect(await listed(device)).toEqual({ [config]: 'pending', [activation]: 'pending' })
    await until(
      async () => device.poll().then(asks),
      (count) => count === 1,
    )
    expect(await listed(device)).toEqual({ [config]: 'applied', [activation]: 'applied' })
    // A late report by the certificate of the earlier enrolment changes nothing.
    if (way !== 'after it left') {
      const before = await view(device)
      device.useIdentity(old)
      const StatusItems = { device: { 'operating-system': { version: '1.0' } } }
      expect([200, 503]).toContain(await report(device, { StatusItems, FullReport: true }))
      expect(await view(device)).toEqual(before)
    }
  },
)

it('a command that a device puts off is handed out again, with the list of that time', async () => {
  const device = await enrolled({ faults: { 'not-now': 2 } })
  const { set, config } = await newSet()
  await join(device, set)
  await tell()
  await device.poll()
  const first = lastAsked(device)
  expect([asked(device), device.declarative.isOn]).toEqual([1, false])
  await put(config, TEST, { Echo: 'meanwhile' })
  await tell()
  await device.poll()
  expect(asked(device)).toBe(2)
  expect(new Set(device.received.map(({ uuid }) => uuid)).size).toBe(1)
  const { token } = await view(device)
  expect(lastAsked(device)).toBe(token)
  expect(first).not.toBe(token)
  await device.poll()
  expect(device.declarative.token).toBe(token)
  expect((await listed(device))[config]).toBe('applied')
})

it('what is added and removed before the device wakes leaves no command and no trace', async () => {
  const { device, config, activation, asks } = await declared()
  const { set } = await newSet('for a moment')
  const before = await view(device)
  await join(device, set)
  await tell()
  expect(await waiting(device)).toEqual([SYNCHRONISE])
  await leaveSets(env.DB, device.enrollmentId, set, now())
  await tell()
  expect(await waiting(device)).toEqual([])
  expect((await view(device)).token).toBe(before.token)
  expect(await listed(device)).toEqual({ [config]: 'applied', [activation]: 'applied' })
  await device.poll()
  expect(asks()).toBe(0)
})

it('a removal that overtakes the command of its addition leaves the device with its list', async () => {
  const { device, config } = await declared()
  const { set } = await newSet('for a moment')
  const before = await view(device)
  await join(device, set)
  await tell()
  const { command } = await device.connect({ Status: 'Idle' })
  await leaveSets(env.DB, device.enrollmentId, set, now())
  await tell()
  device.declarative.takeOver()
  await device.connect({ Status: 'Acknowledged', CommandUUID: command?.uuid ?? '' })
  await device.poll()
  expect(device.declarative.token).toBe(before.token)
  expect(await view(device)).toMatchObject({ token: before.token, synced: true })
  expect((await listed(device))[config]).toBe('applied')
})

it('writers that touch the sets of one device at once leave it with all of them', async () => {
  const [device, twin] = [await enrolled(), await enrolled()]
  const sets = [await newSet('a'), await newSet('b')]
  const extra = names()
  await put(extra.config, TEST, { Echo: 'c' })
  const [first] = sets
  await Promise.all([
    ...sets.map(({ set }) => join(device, set)),
    addToSet(env.DB, first?.set ?? '', extra.config, now()),
    tell(),
    tell(),
  ])
  await tell()
  for (const { set } of sets) {
    await join(twin, set)
    await tell()
  }
  const { token, declarations } = await view(device)
  expect(declarations.map(({ identifier }) => identifier)).toEqual(
    expect.arrayContaining([...sets.flatMap((one) => [one.config, one.activation]), extra.config]),
  )
  expect((await view(twin)).token).toBe(token)
  await device.poll()
  expect([asked(device), device.declarative.token]).toEqual([1, token])
})

it('a declaration in a set cannot be deleted, and one that is out of it leaves the device', async () => {
  const { device, set, config, activation } = await declared()
  expect(await deleteDeclaration(env.DB, config, 0)).toEqual({ kind: 'used', sets: [set] })
  await removeFromSet(env.DB, set, config, now())
  await removeFromSet(env.DB, set, activation, now())
  await tell()
  await device.poll()
  expect(device.declarative.states).toEqual([])
  expect(await listed(device)).toEqual({})
})
