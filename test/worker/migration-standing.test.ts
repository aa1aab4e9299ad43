import { expect, it } from 'vitest'
import type { SimulatedDevice } from '../../src/simulator/device/device.ts'
import { deviceThere, fingerprintOf, moved, recordOf } from './move-tools.ts'
import {
  authenticateOf,
  BOOTSTRAP,
  bootstrapOf,
  migrate,
  replay,
  tokenUpdateOf,
} from './migration-tools.ts'
import { api, decide, letPush, type newDevice, newIdentity, seen } from './server.ts'

/**
 * A hostile device of the same fleet has a certificate of an accepted CA, and knows the UDIDs of the others.
 * `/migration` needs the API key, so the device can only call before the real one does.
 */

const there = (options: Parameters<typeof newDevice>[0] = {}) =>
  deviceThere({ identity: newIdentity(), ...options })
const thiefOf = ({ udid, serial }: SimulatedDevice) => there({ udid, serial })
const idle = (device: SimulatedDevice) => device.connect({ Status: 'Idle' })
const push = (id: string) => api('POST', `/api/devices/${id}/push`)
const pushed = async ({ magic }: SimulatedDevice) => (await seen(magic, 'apns')).length
const identities = async ({ udid }: SimulatedDevice) =>
  (
    await api<{ items: { id: string; state: string; proof: string | null }[] }>(
      'GET',
      `/api/devices/${udid}/identities`,
    )
  ).body.items
const contest = async ({ udid }: SimulatedDevice) =>
  (await api('GET', `/api/devices/${udid}`)).body['contest']

/** The bindings of the other server come, without or with the rest of its records. */
const bind = (...devices: SimulatedDevice[]) =>
  moved(...devices.map((device) => ({ ...recordOf(device), channels: [] })))
const bindWhole = (device: SimulatedDevice) =>
  moved(recordOf(device, { bootstrapToken: Buffer.from(BOOTSTRAP).toString('base64') }))

async function isReal(device: SimulatedDevice, thief: SimulatedDevice): Promise<void> {
  expect(await identities(device)).toMatchObject(
    [
      { id: fingerprintOf(thief), state: 'frozen' },
      { id: fingerprintOf(device), state: 'current', proof: 'moved' },
    ].toSorted((one) => (one.state === 'frozen' ? -1 : 1)),
  )
  const before = await pushed(device)
  expect((await push(device.udid)).status).toBe(200)
  expect(await pushed(device)).toBe(before + 1)
  expect((await idle(device)).status).toBe(200)
  expect((await device.getBootstrapToken()).token).toEqual(BOOTSTRAP)
  expect((await thief.getBootstrapToken()).token).toBeUndefined()
  await thief.tokenUpdate()
  expect(await pushed(thief)).toBe(0)
}

it('a binding that comes later proves the certificate that has called', async () => {
  const device = there()
  await replay(device)
  expect((await idle(device)).status).toBe(200)
  expect((await device.getBootstrapToken()).status).toBe(503)
  await bind(device)
  expect(await identities(device)).toMatchObject([
    { id: fingerprintOf(device), state: 'current', proof: 'moved' },
  ])
  expect((await device.getBootstrapToken()).token).toEqual(BOOTSTRAP)
})

it('a binding freezes a thief that called first, and the tokens of the device come back', async () => {
  const device = there()
  const thief = thiefOf(device)
  await replay(device)
  await thief.tokenUpdate({ unlockToken: new Uint8Array(64).fill(9) })
  await thief.setBootstrapToken(new Uint8Array(8))
  expect((await idle(device)).status).toBe(400)
  await bind(device)
  await isReal(device, thief)
})

it('a thief that calls while the replay is under way takes nothing that comes after', async () => {
  const device = there()
  const thief = thiefOf(device)
  await migrate(authenticateOf(device))
  expect((await thief.tokenUpdate()).status).toBe(200)
  await thief.setBootstrapToken(new Uint8Array(8))
  for (const message of [tokenUpdateOf(device), bootstrapOf(device, BOOTSTRAP)]) {
    expect((await migrate(message)).status).toBe(200)
    expect((await migrate(message)).status).toBe(200)
  }
  expect((await thief.getBootstrapToken()).status).toBe(503)
  await bind(device)
  await isReal(device, thief)
})

it('a thief that was adopted before the replay gets no secret, and a binding freezes it', async () => {
  const device = there()
  const thief = thiefOf(device)
  await thief.tokenUpdate()
  await replay(device)
  expect((await thief.getBootstrapToken()).token).toHaveLength(0)
  await bindWhole(device)
  await isReal(device, thief)
})

it('a thief that enrolled before the replay gets nothing of the device', async () => {
  const device = there()
  const thief = thiefOf(device)
  await thief.enroll()
  await replay(device)
  expect((await thief.getBootstrapToken()).token).toHaveLength(0)
  await push(device.udid)
  expect(await pushed(device)).toBe(0)
})

it('an Authenticate of a thief is contested, and ends nothing of the device', async () => {
  for (const callsFirst of [true, false]) {
    const device = there()
    const thief = thiefOf(device)
    await replay(device)
    if (callsFirst) {
      await idle(thief)
    }
    await thief.enroll()
    expect(await contest(device)).not.toBeNull()
    expect((await thief.getBootstrapToken()).token).toBeUndefined()
    expect((await migrate(tokenUpdateOf(device))).status).toBe(409)
    await decide('earlier', device)
    await bind(device)
    expect((await idle(device)).status).toBe(200)
    expect((await device.getBootstrapToken()).token).toEqual(BOOTSTRAP)
  }
})

it('two devices cannot take each other’s place', async () => {
  const [one, other] = [there(), there()]
  await replay(one)
  await replay(other)
  expect((await idle(one)).status).toBe(200)
  const [asOther, asOne] = [
    there({ udid: other.udid, identity: one.identity() }),
    there({ udid: one.udid, identity: other.identity() }),
  ]
  expect((await idle(asOther)).status).toBe(400)
  expect((await asOther.enroll()).status).toBe(400)
  expect((await idle(asOne)).status).toBe(400)
  expect((await idle(other)).status).toBe(200)
  await bind(one, other)
  for (const device of [one, other]) {
    expect(await identities(device)).toMatchObject([{ id: fingerprintOf(device), proof: 'moved' }])
  }
})

it('a user that is named like a device does not get what is meant for the device', async () => {
  const [device, hostile] = [there({ udid: `00008030-${'0'.repeat(15)}A` }), there()]
  const user = hostile.userChannel({ userId: device.udid, shortName: 'x' })
  await replay(hostile, user)
  await api('POST', `/api/devices/${device.udid}/commands`, { request_type: 'ProfileList' })
  await letPush()
  await user.poll()
  expect(user.received).toEqual([])
  await replay(device)
  await device.poll()
  expect(device.received.map(({ requestType }) => requestType)).toEqual(['ProfileList'])
})
