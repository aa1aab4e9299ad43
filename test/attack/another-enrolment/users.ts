/** Bare UserIDs, which MicroMDM's clients use: a name that anybody may claim. */
import { expect, it } from 'vitest'
import type { PlistDict } from '../../../src/plist/value.ts'
import { SHARED_IPAD_USER_ID } from '../../../src/mdm/enrollment.ts'
import {
  newAuthenticate,
  enrolled,
  hostileDevice,
  newId,
  stranded,
  newTokenUpdate,
  type HostileDevice,
} from '../device.ts'
import { IDLE } from '../../devices/messages.ts'
import type { ReceivedEvent } from '../../e2e/server.ts'
import { deviceUrl, queue, queueApi, type Scene } from '../scene.ts'

/** A Mac with a user who has logged in. */
async function macWith(scene: Scene, user: string) {
  const mac = await enrolled(scene)
  const channel = mac.userChannel({ userId: user, shortName: 'ada' })
  expect((await channel.tokenUpdate()).status).toBe(200)
  return { mac, channel, full: `${mac.udid}:${user}` }
}

/** What a hostile device does to be taken for the user. */
const CLAIMS: Readonly<
  Record<string, (attacker: HostileDevice, user: string) => Promise<unknown>>
> = {
  TokenUpdate: ({ udid, topic, send }, user) =>
    send({ ...newTokenUpdate(topic), UDID: udid, UserID: user }),
  Idle: ({ udid, send }, user) => send({ ...IDLE, UDID: udid, UserID: user }),
}

const claim = (attacker: HostileDevice, user: string): Promise<unknown> | undefined =>
  CLAIMS['TokenUpdate']?.(attacker, user)

/** The bare UserID is refused by each route, with both full ids in the error. */
async function expectRefused({ server }: Scene, user: string, full: readonly string[]) {
  const command = { request_type: 'ProfileList' }
  const answers = [
    await server.api('POST', '/v1/commands', { ...command, udid: user }),
    await server.api('POST', `${deviceUrl(user)}/commands`, command),
    await server.api('GET', `${deviceUrl(user)}/commands`),
    await server.api('DELETE', `/v1/commands/${user}`),
    await server.api('GET', `/push/${user}`),
  ]
  expect(answers.map(({ status }) => status)).toEqual([500, 409, 409, 500, 500])
  const texts = answers.map(({ body }) => JSON.stringify(body))
  expect(texts.filter((text) => !full.every((id) => text.includes(id)))).toEqual([])
}

/** A command for the bare UserID gets to this channel. */
async function expectLeadsTo(
  scene: Scene,
  user: string,
  { channel }: Awaited<ReturnType<typeof macWith>>,
): Promise<void> {
  const command_uuid = newId()
  expect((await queue(scene, user, 'ProfileList', { command_uuid })).status).toBe(201)
  await channel.poll()
  expect(channel.received.at(-1)?.uuid).toBe(command_uuid)
}

/** The claims themselves. */
export function claimAttacks(scene: () => Scene): void {
  it.each(Object.entries(CLAIMS))(
    'a user that another device claims first, by %s, is refused by the bare UserID and reached by the full one',
    async (_, take) => {
      const user = newId()
      const attacker = await hostileDevice(scene())
      await take(attacker, user)
      const real = await macWith(scene(), user)
      const full = [`${attacker.udid}:${user}`, real.full]
      await expectRefused(scene(), user, full)
      const { id } = await scene()
        .server.api<{ id: string }>('POST', `${deviceUrl(real.full)}/commands`, {
          request_type: 'SecurityInfo',
        })
        .then(({ body }) => body)
      expect(id.startsWith(`${real.full}.`)).toBe(true)
      const idle = { ...IDLE, UDID: attacker.udid, UserID: user }
      expect((await attacker.send(idle)).text).toBe('')
      await real.channel.poll()
      expect(real.channel.received.map(({ requestType }) => requestType)).toEqual(['SecurityInfo'])
    },
  )
}

/** The claims, what ends them, and what goes on beside them. */
export function userAttacks(scene: () => Scene): void {
  claimAttacks(scene)

  it('a user that another device claims later is refused by the bare UserID too', async () => {
    const user = newId()
    const real = await macWith(scene(), user)
    await expectLeadsTo(scene(), user, real)
    const attacker = await hostileDevice(scene())
    await claim(attacker, user)
    await expectRefused(scene(), user, [`${attacker.udid}:${user}`, real.full])
  })

  it.each<[string, (attacker: HostileDevice, user: string) => Promise<{ status: number }>]>([
    [
      'CheckOut of the user',
      ({ udid, send }, user) => send({ MessageType: 'CheckOut', UDID: udid, UserID: user }),
    ],
    ['CheckOut', ({ udid, send }) => send({ MessageType: 'CheckOut', UDID: udid })],
    ['re-enrolment', ({ udid, topic, send }) => send({ ...newAuthenticate(topic), UDID: udid })],
    ['retirement', ({ udid }) => scene().server.api('POST', `${deviceUrl(udid)}/retire`)],
  ])('a claim ends with %s, and the bare UserID leads to its one channel again', async (_, end) => {
    const user = newId()
    const attacker = await hostileDevice(scene())
    await claim(attacker, user)
    const real = await macWith(scene(), user)
    await expectRefused(scene(), user, [`${attacker.udid}:${user}`, real.full])
    expect((await end(attacker, user)).status).toBe(200)
    await expectLeadsTo(scene(), user, real)
  })

  it('a user whose Mac is replaced moves to the next one, and goes on under the bare UserID', async () => {
    const user = newId()
    const old = await macWith(scene(), user)
    await expectLeadsTo(scene(), user, old)
    await old.mac.checkOut()
    const next = await macWith(scene(), user)
    await expectLeadsTo(scene(), user, next)
  })

  it.each([
    ['before it enrols', 'first'],
    ['after it enrolled', 'after'],
    ['after it checked out', 'gone'],
    ['after an admin removed it', 'removed'],
  ])('the id of a device means the device, even if another claims it %s', async (_, when) => {
    const attacker = await hostileDevice(scene())
    const udid = newId()
    if (when === 'first') {
      await claim(attacker, udid)
    }
    const device = await enrolled(scene(), { udid })
    if (when === 'gone') {
      await device.checkOut()
    } else if (when === 'removed') {
      const opts = { udids: [udid] }
      await expect
        .poll(async () => (await scene().server.api('DELETE', '/v1/devices', { opts })).status)
        .toBe(200)
    }
    await claim(attacker, udid)
    const id = await queueApi(scene(), udid, { request_type: 'ProfileList' })
    expect(id.startsWith(`${udid}.`)).toBe(true)
    const idle = { ...IDLE, UDID: attacker.udid, UserID: udid }
    expect((await attacker.send(idle)).text).toBe('')
    await device.poll()
    expect(device.received.map(({ requestType }) => requestType)).toEqual(['ProfileList'])
  })

  it('a command that waits under a bare UserID is handed to no channel until an admin moves it', async () => {
    const { server } = scene()
    const user = newId()
    await queue(scene(), user, 'ProfileList')
    await queue(scene(), user, 'InstallProfile', { payload: btoa('<plist><dict/></plist>') })
    const attacker = await hostileDevice(scene())
    await claim(attacker, user)
    await attacker.send({ MessageType: 'CheckOut', UDID: attacker.udid, UserID: user })
    const real = await macWith(scene(), user)
    await real.channel.poll()
    expect(real.channel.received).toEqual([])
    const move = `${deviceUrl(user)}/commands/move`
    for (const to of ['', user, `${newId()}:${user}`, real.mac.udid, `${real.full}:x`]) {
      const { status } = await server.api('POST', move, { to })
      expect([400, 404, 409, 422], to).toContain(status)
    }
    expect((await server.api('POST', move, { to: real.full })).status).toBe(200)
    await real.channel.poll()
    expect(real.channel.received.map(({ requestType }) => requestType)).toEqual([
      'ProfileList',
      'InstallProfile',
    ])
  })

  it.each<[string, (attacker: HostileDevice, user: string) => Promise<unknown>]>([
    [
      'a user of its Shared iPad',
      ({ udid, topic, send }, user) => {
        const ids = { UDID: udid, UserID: SHARED_IPAD_USER_ID, UserShortName: user }
        return send({ ...newTokenUpdate(topic), ...ids })
      },
    ],
    [
      'the short name of its own user',
      ({ udid, topic, send }, user) =>
        send({ ...newTokenUpdate(topic), UDID: udid, UserID: newId(), UserShortName: user }),
    ],
  ])('a bare UserID stays its channel’s when a device has it as %s', async (_, take) => {
    const user = newId()
    const attacker = await hostileDevice(scene())
    await take(attacker, user)
    const real = await macWith(scene(), user)
    await expectLeadsTo(scene(), user, real)
  })

  it('an EnrollmentUserID is a claim like a UserID', async () => {
    const user = newId()
    const attacker = await stranded(scene())
    const ids = { EnrollmentID: attacker.udid }
    await attacker.send({ ...newAuthenticate(attacker.topic), ...ids })
    const as: PlistDict = { ...ids, EnrollmentUserID: user }
    await attacker.send({ ...newTokenUpdate(attacker.topic), ...as })
    const enrollmentId = newId()
    const mac = await enrolled(scene(), { userEnrollment: { enrollmentId } })
    const channel = mac.userChannel({ userId: user, shortName: 'ada' })
    await channel.tokenUpdate()
    const full = `${enrollmentId}:${user}`
    await expectRefused(scene(), user, [`${attacker.udid}:${user}`, full])
    await queueApi(scene(), full, { request_type: 'ProfileList' })
    expect((await attacker.send({ ...IDLE, ...as })).text).toBe('')
    await channel.poll()
    expect(channel.received).toHaveLength(1)
    await attacker.send({ ...ids, MessageType: 'CheckOut' })
    expect((await queue(scene(), user, 'SecurityInfo')).status).toBe(201)
    await channel.poll()
    expect(channel.received).toHaveLength(2)
  })

  it('MicroMDM’s clients reach a user by the bare UserID: queue, list, push, clear and webhook, until the user leaves', async () => {
    const { server, hook } = scene()
    const user = newId()
    const real = await macWith(scene(), user)
    const { mac, channel } = real
    await expectLeadsTo(scene(), user, real)
    const uuid = channel.received[0]?.uuid
    const answerTo = (events: readonly ReceivedEvent[]) =>
      events.find(({ acknowledge_event: told }) => told?.command_uuid === uuid)?.acknowledge_event
    await hook.until((events) => answerTo(events) !== undefined)
    expect(answerTo(hook.received)).toMatchObject({
      udid: mac.udid,
      status: 'Acknowledged',
      ids: { id: real.full, type: 'User', parent_id: mac.udid },
    })
    await queue(scene(), user, 'ProfileList')
    const listed = await server.api<{ commands?: object[] }>('GET', `/v1/commands/${user}`)
    expect(listed.body.commands).toHaveLength(1)
    expect(await server.api('GET', `/push/${user}`)).toMatchObject({
      status: 200,
      body: { status: 'success' },
    })
    expect((await server.api('DELETE', `/v1/commands/${user}`)).status).toBe(200)
    await channel.poll()
    expect(channel.received).toHaveLength(1)
    await channel.checkOut()
    await queue(scene(), user, 'ProfileList')
    await channel.poll()
    expect(channel.received).toHaveLength(1)
    await mac.poll()
    expect(mac.received).toEqual([])
  })
}
