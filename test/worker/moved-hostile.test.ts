import { runInDurableObject } from 'cloudflare:test'
import { expect, it } from 'vitest'
import type { MovedChannel } from '../../src/migration/moved.ts'
import type { SimulatedDevice } from '../../src/simulator/device/device.ts'
import { base64, deviceThere, fingerprintOf, moved, recordOf } from './move-tools.ts'
import { api, decide, env, letPush, TOPIC } from './server.ts'

/** A device without a binding, and a thief: another certificate of the other server calls with its id. */

const TOKEN = new Uint8Array(32).fill(9)
const EVIL = new Uint8Array(32).fill(6)

interface Page {
  state: string
  contested: boolean
  channels: { user: string | null; enabled: boolean; push_state: string }[]
}

const idle = (device: SimulatedDevice) => device.connect({ Status: 'Idle' })
const page = async ({ udid }: SimulatedDevice) =>
  (await api<Page>('GET', `/api/devices/${udid}`)).body
const usersOf = async (device: SimulatedDevice) =>
  (await page(device)).channels.filter(({ user, enabled }) => user !== null && enabled)
const identities = async ({ udid }: SimulatedDevice) =>
  (
    await api<{ items: { id: string; state: string; proof: string | null }[] }>(
      'GET',
      `/api/devices/${udid}/identities`,
    )
  ).body.items
const about = (device: SimulatedDevice, certificate: SimulatedDevice, act: string) =>
  api('POST', `/api/devices/${device.udid}/identities/${fingerprintOf(certificate)}/${act}`)

/** The device's row as it is stored. */
async function stored({ udid }: SimulatedDevice) {
  const text = await runInDurableObject(
    env.DEVICE.getByName(udid),
    (_, { storage }) => storage.sql.exec<{ state: string }>('SELECT state FROM device').one().state,
  )
  const { device, channel }: StoredRow = JSON.parse(text)
  return { moved: device.moved, token: channel.token }
}

interface StoredRow {
  device: { moved: { replaced: MovedChannel[] } }
  channel: { token: string | null }
}

async function robbed(users: readonly MovedChannel[] = []) {
  const device = deviceThere()
  const own = recordOf(device, { bindings: [], bootstrapToken: base64(TOKEN) })
  await moved({ ...own, channels: [...own.channels, ...users] })
  const thief = deviceThere({ udid: device.udid, serial: device.serial })
  expect((await idle(thief)).status).toBe(200)
  await thief.tokenUpdate({ token: EVIL })
  await thief.setBootstrapToken(EVIL)
  return { device, thief }
}

/** The device has the tokens that came with its record, and an admin can approve its certificate. */
async function expectRestored(device: SimulatedDevice): Promise<void> {
  expect((await stored(device)).token).toBe(base64(device.token))
  expect((await page(device)).contested).toBe(true)
  expect((await idle(device)).status).toBe(200)
  await decide('renewal', device)
  expect((await device.getBootstrapToken()).token).toEqual(TOKEN)
}

function userThere(user: string): MovedChannel {
  return { user, token: base64(TOKEN), magic: `MAGIC-${user}`, topic: TOPIC }
}

const newUser = () => crypto.randomUUID().toUpperCase()

it('an unproven certificate that checks out has lost: its next Authenticate proves nothing', async () => {
  const { device, thief } = await robbed()
  await thief.checkOut()
  await thief.enroll()
  await expectRestored(device)
})

it('an unproven certificate signs no user of the other server out', async () => {
  const user = newUser()
  const { device, thief } = await robbed([userThere(user)])
  await thief.userChannel({ userId: user, shortName: 'ada' }).checkOut()
  expect(await usersOf(device)).toMatchObject([{ user, push_state: 'ready' }])
  expect((await api('POST', `/api/devices/${user}/push`)).status).toBe(200)
})

it('tokens of a thief that also began a contest do not come back with the enrolment before', async () => {
  const { device, thief } = await robbed()
  await thief.enroll()
  await decide('earlier', device)
  await expectRestored(device)
})

it('a revoked certificate leaves no token behind', async () => {
  const { device, thief } = await robbed()
  expect((await about(device, thief, 'revoke')).status).toBe(200)
  await expectRestored(device)
})

it('an admin who reinstates a certificate says that it is the device', async () => {
  const { device, thief } = await robbed()
  await decide('earlier', device)
  expect((await idle(device)).status).toBe(200)
  expect((await about(device, thief, 'reinstate')).status).toBe(200)
  expect(await identities(device)).toMatchObject([
    { id: fingerprintOf(thief), state: 'current', proof: 'admin' },
    { id: fingerprintOf(device), state: 'frozen' },
  ])
  expect((await page(device)).contested).toBe(false)
})

it('users that a thief invents take no place, and end with it', async () => {
  const real = newUser()
  const { device, thief } = await robbed([userThere(real)])
  const invented = newUser()
  for (const user of [real, invented, newUser()]) {
    const channel = thief.userChannel({ userId: user, shortName: 'x' })
    await channel.tokenUpdate({ token: EVIL })
    await channel.tokenUpdate({ token: EVIL })
  }
  const { replaced } = (await stored(device)).moved
  expect(replaced.map(({ user }) => user)).toEqual(['', real])
  await decide('earlier', device)
  expect(await usersOf(device)).toMatchObject([{ user: real }])
  expect((await api('POST', `/api/devices/${real}/push`)).status).toBe(200)
  expect((await api('POST', `/api/devices/${invented}/push`)).status).toBe(404)
})

it('answers of a thief are not those of the device', async () => {
  const { device, thief } = await robbed()
  const queued = await api('POST', `/api/devices/${device.udid}/commands`, {
    request_type: 'ProfileList',
  })
  await letPush()
  await thief.poll()
  const state = async () =>
    (await api('GET', `/api/commands/${String(queued.body['id'])}`)).body['state']
  expect(await state()).toBe('acknowledged')
  await decide('earlier', device)
  expect(await state()).toBe('cancelled')
})
