/** Commands that wait for a device that is yet to enrol. */
import { expect, it } from 'vitest'
import type { PlistDict } from '../../../src/plist/value.ts'
import { SHARED_IPAD_USER_ID } from '../../../src/mdm/enrollment.ts'
import type { SimulatedDevice } from '../../../src/simulator/device/device.ts'
import {
  newAuthenticate,
  enrolled,
  hostileDevice,
  newId,
  stranded,
  newTokenUpdate,
  type Answer,
  type HostileDevice,
} from '../device.ts'
import { IDLE } from '../../devices/messages.ts'
import { admin, commandsOf, deviceUrl, queue, queueApi, type Scene } from '../scene.ts'

export const PIN = '804271'
export const PASSWORD = 'correct-horse-battery-staple'

const HARMLESS = ['DeviceInformation', 'ProfileList', 'SecurityInfo']
/** Secret, destructive, or both. */
const HELD = [
  'ShutDownDevice',
  'SetFirmwarePassword',
  'DeviceLock',
  'InstallProfile',
  'EraseDevice',
]
const PROFILE = Buffer.from(
  `<plist><dict><key>Password</key><string>${PASSWORD}</string></dict></plist>`,
)

/** By each face, the held ones first, so that they are in the way if anything is. */
async function queueForStranger(scene: Scene, id: string): Promise<void> {
  const { server } = scene
  const payload = PROFILE.toString('base64')
  const raw = rawCommand('EraseDevice', { PIN })
  const queued = [
    await queue(scene, id, 'ShutDownDevice'),
    await queue(scene, id, 'SetFirmwarePassword', { new_password: PASSWORD }),
    await server.api('POST', `${deviceUrl(id)}/commands`, { request_type: 'DeviceLock', pin: PIN }),
    await server.api('POST', '/api/commands', {
      ids: [id],
      command: { request_type: 'InstallProfile', payload },
    }),
    await admin(server, `/v1/commands/${id}`, { method: 'POST', body: raw }),
    await queue(scene, id, 'SecurityInfo'),
    await server.api('POST', `${deviceUrl(id)}/commands`, { request_type: 'ProfileList' }),
    await queue(scene, id, 'DeviceInformation'),
  ]
  expect(queued.map(({ status }) => status)).toEqual([201, 201, 202, 200, 201, 201, 202, 201])
  await expect.poll(() => statesOf(scene, id)).toHaveLength(HELD.length + HARMLESS.length)
}

function rawCommand(requestType: string, fields: Readonly<Record<string, string>>): string {
  const keys = Object.entries({ RequestType: requestType, ...fields })
    .map(([key, value]) => `<key>${key}</key><string>${value}</string>`)
    .join('')
  return `<plist version="1.0"><dict><key>CommandUUID</key><string>${newId()}</string><key>Command</key><dict>${keys}</dict></dict></plist>`
}

async function statesOf(scene: Scene, id: string): Promise<string[]> {
  const commands = await commandsOf(scene, id)
  return commands.map(({ request_type, state }) => `${request_type} ${state}`).toSorted()
}

const state = (types: readonly string[], name: string): string[] =>
  types.map((type) => `${type} ${name}`)

const received = (device: SimulatedDevice): string[] =>
  device.received.map(({ requestType }) => requestType).toSorted()

/**
 * None of the answers hands out a command, says anything of these ids, or is one that devices must not get.
 */
function expectNothing(answers: readonly Answer[], uuids: readonly string[]): void {
  const telling = [PIN, PASSWORD, '<key>CommandUUID</key>', ...uuids]
  expect(answers.filter(({ text }) => telling.some((one) => text.includes(one)))).toEqual([])
  expect(answers.filter(({ status }) => [401, 403, 500].includes(status))).toEqual([])
}

export function waitingAttacks(scene: () => Scene): void {
  it('a device that names another in any of its ids gets nothing that waits for it', async () => {
    const victim = newId()
    await queueForStranger(scene(), victim)
    const uuids = (await commandsOf(scene(), victim)).map(({ command_uuid }) => command_uuid)
    const [attacker, byEnrollmentId] = await Promise.all([
      hostileDevice(scene()),
      stranded(scene()),
    ])
    const UDID = attacker.udid
    const EnrollmentID = byEnrollmentId.udid
    const message = { ...newAuthenticate(byEnrollmentId.topic), EnrollmentID }
    expect((await byEnrollmentId.send(message)).status).toBe(200)
    const claims: readonly (readonly [HostileDevice, PlistDict])[] = [
      [attacker, { UDID, UserID: victim }],
      [attacker, { UDID, UserID: victim.toLowerCase() }],
      [attacker, { UDID, UserID: SHARED_IPAD_USER_ID, UserShortName: victim }],
      [attacker, { UDID, UserID: newId(), UserShortName: victim }],
      [attacker, { UDID, EnrollmentID: victim }],
      [attacker, { UDID, EnrollmentUserID: victim }],
      [byEnrollmentId, { EnrollmentID, EnrollmentUserID: victim }],
      [byEnrollmentId, { EnrollmentID, UserID: victim }],
    ]
    for (const [{ send, sendAll }, ids] of claims) {
      const answers = await sendAll(ids)
      for (const CommandUUID of uuids) {
        answers.push(await send({ ...ids, Status: 'Acknowledged', CommandUUID }))
      }
      expectNothing(answers, uuids)
    }
    // Claims go on while the victim enrols, and end.
    const device = await enrolled(scene(), { udid: victim })
    for (const [{ send }, ids] of claims) {
      await send({ ...ids, MessageType: 'CheckOut' })
    }
    await device.poll()
    expect(received(device)).toEqual(HARMLESS)
    expect(await statesOf(scene(), victim)).toEqual(
      [...state(HARMLESS, 'acknowledged'), ...state(HELD, 'held')].toSorted(),
    )
  })

  it('an identity of one device is refused under the id of another that is yet to enrol', async () => {
    const victim = newId()
    await queueForStranger(scene(), victim)
    const attacker = await hostileDevice(scene())
    const answers = [
      ...(await attacker.sendAll({ UDID: victim })),
      await attacker.send({ ...newAuthenticate(attacker.topic), UDID: victim }),
      await attacker.send({ ...newAuthenticate(attacker.topic), EnrollmentID: victim }),
    ]
    expectNothing(answers, [])
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([400]))
  })

  it('a stranger that enrols as an unknown device gets no secret or destructive command', async () => {
    const victim = newId()
    await queueForStranger(scene(), victim)
    const attacker = await stranded(scene())
    const as = { UDID: victim }
    const answers = [
      await attacker.send({ ...newAuthenticate(attacker.topic), ...as }),
      await attacker.send({ ...newTokenUpdate(attacker.topic), ...as }),
    ]
    expect(answers.map(({ status }) => status)).toEqual([200, 200])
    let next = await attacker.send({ ...IDLE, ...as })
    while (next.text !== '') {
      answers.push(next)
      const CommandUUID = /<key>CommandUUID<\/key><string>([^<]*)/.exec(next.text)?.[1] ?? ''
      next = await attacker.send({ ...as, Status: 'Acknowledged', CommandUUID })
    }
    answers.push(...(await attacker.sendAll(as)))
    const texts = answers.map(({ text }) => text).join('\n')
    expect(HARMLESS.filter((type) => texts.includes(`<string>${type}</string>`))).toEqual(HARMLESS)
    expect(
      [PIN, PASSWORD, ...HELD.map((type) => `<string>${type}</string>`)].filter((secret) =>
        texts.includes(secret),
      ),
    ).toEqual([])
    const held = (await statesOf(scene(), victim)).filter((one) => one.endsWith(' held'))
    expect(held).toEqual(state(HELD, 'held').toSorted())
  })

  it('a held command waits until an admin releases one or all, for a device that has enrolled', async () => {
    const { server } = scene()
    const victim = newId()
    await queueForStranger(scene(), victim)
    const lock = (await commandsOf(scene(), victim)).find(
      ({ request_type: type }) => type === 'DeviceLock',
    )
    const one = `/api/commands/${lock?.id}/release`
    const all = `${deviceUrl(victim)}/commands/release`
    expect((await server.api('POST', one)).status).toBe(409)
    expect((await server.api('POST', all)).status).toBe(409)
    const device = await enrolled(scene(), { udid: victim })
    await device.poll()
    expect((await server.api('POST', one)).status).toBe(200)
    await device.poll()
    expect(received(device)).toEqual(['DeviceLock', ...HARMLESS].toSorted())
    expect((await server.api('POST', all)).status).toBe(200)
    await device.poll()
    expect(received(device)).toEqual([...HELD, ...HARMLESS].toSorted())
  })

  it('a held command does not block later ones, and is cancelled like other commands', async () => {
    const { server } = scene()
    const victim = newId()
    await queueForStranger(scene(), victim)
    const device = await enrolled(scene(), { udid: victim })
    await device.poll()
    await queue(scene(), victim, 'DeviceLock', { pin: PIN })
    await device.poll()
    // The device is here now: a secret that is queued for it goes out as ever.
    expect(received(device)).toEqual(['DeviceLock', ...HARMLESS].toSorted())
    const held = (await commandsOf(scene(), victim)).find(({ state: now }) => now === 'held')
    expect((await server.api('DELETE', `/api/commands/${held?.id}`)).status).toBe(200)
    expect((await server.api('DELETE', `/v1/commands/${victim}`)).status).toBe(200)
    expect((await statesOf(scene(), victim)).filter((now) => now.endsWith(' held'))).toEqual([])
    await device.poll()
    expect(device.received).toHaveLength(HARMLESS.length + 1)
  })

  it('no answer shows a secret that a command carries, before or after the device has answered', async () => {
    const { server } = scene()
    const device = await enrolled(scene())
    const ids = [
      await queueApi(scene(), device.udid, { request_type: 'DeviceLock', pin: PIN }),
      await queueApi(scene(), device.udid, {
        request_type: 'SetFirmwarePassword',
        new_password: PASSWORD,
      }),
    ]
    /** The answers that tell a secret. */
    const telling = async (): Promise<string[]> => {
      const urls = [
        ...ids.map((id) => `/api/commands/${id}`),
        `${deviceUrl(device.udid)}/commands`,
        `${deviceUrl(device.udid)}/events`,
        deviceUrl(device.udid),
      ]
      const answers = await Promise.all(urls.map((url) => server.api('GET', url)))
      return urls.filter((_, n) =>
        [PIN, PASSWORD].some((secret) => JSON.stringify(answers[n]).includes(secret)),
      )
    }
    expect(await telling()).toEqual([])
    await device.poll()
    expect(received(device)).toEqual(['DeviceLock', 'SetFirmwarePassword'])
    expect(await telling()).toEqual([])
  })
}
