import { runDurableObjectAlarm } from 'cloudflare:test'
import { createPublicKey } from 'node:crypto'
import { expect, it } from 'vitest'
import { issueCertificate, randomSerial } from '../../src/pki/x509/issue.ts'
import { createIdentity, createIssuer } from '../../src/simulator/device/identity.ts'
import type { SimulatedDevice } from '../../src/simulator/device/device.ts'
import { clock } from './clock.ts'
import {
  activated,
  authorityOf,
  base64,
  command,
  deviceItem,
  deviceThere,
  fingerprintOf,
  moved,
  otherCA,
  recordOf,
  staged,
} from './move-tools.ts'
import { api, decide, env, letPush, newDevice, newIdentity, rule } from './server.ts'

interface Page {
  state: string
  serial_number: string
  contest: object | null
  blocked: boolean
}
const page = async (device: SimulatedDevice) =>
  (await api<Page>('GET', `/api/devices/${device.udid}`)).body
const identities = async (device: SimulatedDevice) =>
  (
    await api<{ items: { id: string; state: string; proof: string | null }[] }>(
      'GET',
      `/api/devices/${device.udid}/identities`,
    )
  ).body.items
const commandsOf = async (device: SimulatedDevice) =>
  (
    await api<{ items: { state: string; command_uuid: string; held_for: string | null }[] }>(
      'GET',
      `/api/devices/${device.udid}/commands`,
    )
  ).body.items
const idle = (device: SimulatedDevice) => device.connect({ Status: 'Idle' })
const unknownCA = createIssuer({ commonName: 'another CA', now: new Date(clock.now()) })
const foreigner = () => {
  const now = new Date(clock.now())
  return deviceThere({
    identity: createIdentity({ ca: unknownCA, commonName: 'x', kind: 'ec', now }),
  })
}
const TOKEN = new Uint8Array(32).fill(9)

it('a certificate of which only the fingerprint is known is checked at its first message', async () => {
  const [device, stranger] = [deviceThere(), deviceThere({ identity: newIdentity() })]
  const unknown = createIssuer({ commonName: 'another CA', now: new Date(clock.now()) })
  const foreign = deviceThere({
    identity: createIdentity({
      ca: unknown,
      commonName: 'x',
      kind: 'ec',
      now: new Date(clock.now()),
    }),
  })
  const hashed = (one: SimulatedDevice) =>
    recordOf(one, { bindings: [{ fingerprint: fingerprintOf(one) }] })
  await moved(hashed(device), hashed(stranger), hashed(foreign))
  expect((await idle(device)).status).toBe(200)
  // DEVICE_CA accepts its CA.
  expect((await idle(stranger)).status).toBe(200)
  expect((await idle(foreign)).status).toBe(400)
  expect(await identities(device)).toMatchObject([{ state: 'current', proof: 'moved' }])
  expect((await identities(device))[0]?.id).toBe(fingerprintOf(device))
})

it('a bound certificate that has expired goes on, with or without its DER in the record', async () => {
  const expired = () => {
    const now = clock.now()
    const { privateKey } = newIdentity()
    const certificate = issueCertificate({
      subject: [['CN', 'expired']],
      publicKey: createPublicKey(privateKey),
      signingKey: otherCA.privateKey,
      issuer: otherCA.certificate,
      serial: randomSerial(),
      notBefore: now - 900_000,
      notAfter: now - 300_000,
      keyUsage: ['digitalSignature'],
      extKeyUsage: ['clientAuth'],
    })
    return deviceThere({ identity: { certificate, privateKey, commonName: 'expired' } })
  }
  const [whole, hashed] = [expired(), expired()]
  await moved(
    recordOf(whole),
    recordOf(hashed, { bindings: [{ fingerprint: fingerprintOf(hashed) }] }),
  )
  expect((await idle(whole)).status).toBe(200)
  expect((await idle(hashed)).status).toBe(200)
})

it('no other certificate of the other server is served under a bound id', async () => {
  const device = deviceThere()
  await moved(recordOf(device))
  const thief = deviceThere({ udid: device.udid, serial: device.serial })
  expect((await idle(thief)).status).toBe(400)
  expect((await thief.getBootstrapToken()).status).toBe(400)
  await thief.enroll()
  expect((await page(device)).contest).not.toBeNull()
  expect((await idle(device)).status).toBe(200)
})

it('a certificate that two records name belongs to the first one', async () => {
  const device = deviceThere()
  const other = deviceThere({ identity: device.identity() })
  const [first, second] = [device, other].toSorted((a, b) => (a.udid < b.udid ? -1 : 1))
  if (!first || !second) throw new Error('two devices')
  await moved(recordOf(first), recordOf(second))
  expect(await identities(first)).toHaveLength(1)
  expect(await identities(second)).toHaveLength(0)
  expect((await idle(second)).status).toBe(400)
})

it('a device without a binding can be pushed, and its secrets and old commands wait', async () => {
  const device = deviceThere()
  const commands = [command(0, 'ProfileList')]
  await moved(recordOf(device, { bindings: [], bootstrapToken: base64(TOKEN), commands }))
  expect((await api('GET', `/api/devices?contested=true&q=${device.udid}`)).body['total']).toBe(1)
  expect((await device.getBootstrapToken()).status).toBe(503)
  await api('POST', `/api/devices/${device.udid}/commands`, { request_type: 'EraseDevice' })
  await api('POST', `/api/devices/${device.udid}/commands`, { request_type: 'SecurityInfo' })
  await device.poll()
  expect(device.received.map(({ requestType }) => requestType)).toEqual(['SecurityInfo'])
  const release = () => api('POST', `/api/devices/${device.udid}/commands/release`, {})
  expect((await release()).body).toEqual({ released: 0, held: 2 })
  await decide('renewal', device)
  expect((await device.getBootstrapToken()).token).toEqual(TOKEN)
  expect(await identities(device)).toMatchObject([{ state: 'current', proof: 'admin_renewal' }])
  expect((await commandsOf(device)).find(({ held_for }) => held_for === 'moved')).toBeDefined()
})

it('bindings alone prove a device, and do not say of which type it is', async () => {
  const device = deviceThere()
  const type = 'User Enrollment (Device)' as const
  const { bindings = [], ...record } = recordOf(device, { type })
  await moved(record)
  expect(await page(device)).toMatchObject({ type })
  const source = 'nanomdm' as const
  await moved({ id: device.udid, type: 'Device', source, channels: [], bindings })
  expect(await page(device)).toMatchObject({ type, state: 'enrolled' })
  expect(await identities(device)).toMatchObject([{ id: fingerprintOf(device), proof: 'moved' }])
})

it('an unproven caller replaces no token for good: a later binding restores them', async () => {
  const device = deviceThere()
  const thief = deviceThere({ udid: device.udid, serial: device.serial })
  await moved(recordOf(device, { bindings: [], bootstrapToken: base64(TOKEN) }))
  expect((await thief.tokenUpdate()).status).toBe(200)
  await thief.setBootstrapToken(new Uint8Array(8))
  expect((await idle(device)).status).toBe(400)
  await moved({ ...recordOf(device), channels: [] })
  expect(await identities(device)).toMatchObject([
    { id: fingerprintOf(thief), state: 'frozen' },
    { id: fingerprintOf(device), state: 'current', proof: 'moved' },
  ])
  expect((await idle(device)).status).toBe(200)
  expect((await device.getBootstrapToken()).token).toEqual(TOKEN)
  expect((await thief.getBootstrapToken()).token).toBeUndefined()
  const push = await api('POST', `/api/devices/${device.udid}/push`)
  expect(push.status).toBe(200)
})

it('an Authenticate of an unproven certificate ends nothing that came with the record', async () => {
  const device = deviceThere()
  const thief = deviceThere({ udid: device.udid, serial: device.serial })
  const commands = [command(0, 'ProfileList')]
  await moved(recordOf(device, { bindings: [], bootstrapToken: base64(TOKEN), commands }))
  expect((await idle(thief)).status).toBe(200)
  await thief.enroll()
  expect((await page(device)).contest).not.toBeNull()
  expect((await thief.getBootstrapToken()).token).toBeUndefined()
  await decide('earlier', device)
  expect((await idle(device)).status).toBe(200)
  await decide('renewal', device)
  expect((await device.getBootstrapToken()).token).toEqual(TOKEN)
  expect(await commandsOf(device)).toMatchObject([{ state: 'held', held_for: 'moved' }])
})

it('a blocked device gets 401, and a retired one keeps its binding and its queue', async () => {
  const [blocked, retired] = [deviceThere(), deviceThere()]
  const commands = [command(0, 'ProfileList')]
  await moved(
    recordOf(blocked, { blocked: true }),
    recordOf(retired, { state: 'retired', commands }),
  )
  expect((await idle(blocked)).status).toBe(401)
  await api('POST', `/api/devices/${blocked.udid}/unblock`)
  await moved(recordOf(blocked, { blocked: true }))
  expect((await idle(blocked)).status).toBe(200)
  expect(await page(retired)).toMatchObject({ state: 'checked_out' })
  expect(await commandsOf(retired)).toMatchObject([{ state: 'held', held_for: 'moved' }])
  expect((await idle(retired)).status).toBe(200)
  expect((await idle(deviceThere({ udid: retired.udid }))).status).toBe(400)
})

it('a newer copy replaces what it knew before the device calls, and cancels what was answered there', async () => {
  const device = deviceThere()
  const [first, second] = [command(0, 'ProfileList'), command(1, 'SecurityInfo')]
  const record = recordOf(device, { commands: [first, second] })
  await moved(record)
  const renewed = deviceThere({ udid: device.udid, serial: 'NEW' })
  const { devices } = await moved({
    ...recordOf(renewed, { commands: [first] }),
    facts: { SerialNumber: 'NEW' },
  })
  expect(devices).toEqual({ moved: 1 })
  expect(await page(device)).toMatchObject({ serial_number: 'NEW' })
  expect(await commandsOf(device)).toMatchObject([
    { command_uuid: 'CMD-1', state: 'cancelled' },
    { command_uuid: 'CMD-0', state: 'held' },
  ])
  expect((await idle(device)).status).toBe(400)
  expect((await idle(renewed)).status).toBe(200)
})

it('a copy overwrites nothing of a device that has called here', async () => {
  const device = deviceThere()
  await moved(recordOf(device))
  await device.tokenUpdate({ token: new Uint8Array(32).fill(5) })
  await device.setBootstrapToken(new Uint8Array(8).fill(3))
  const { devices } = await moved(recordOf(device, { bootstrapToken: base64(TOKEN) }))
  expect(devices).toEqual({ kept: 1 })
  expect((await device.getBootstrapToken()).token).toEqual(new Uint8Array(8).fill(3))
})

it('a device that enrolled here anew keeps its certificate, its tokens and its empty queue', async () => {
  const device = newDevice()
  await device.enroll()
  const there = deviceThere({ udid: device.udid, serial: device.serial })
  const commands = [command(0, 'ProfileList')]
  const { devices } = await moved(recordOf(there, { commands, bootstrapToken: base64(TOKEN) }))
  expect(devices).toEqual({ kept: 1 })
  expect((await idle(there)).status).toBe(400)
  expect(await commandsOf(device)).toEqual([])
  expect((await device.getBootstrapToken()).token).toHaveLength(0)
})

it('a device that was adopted before its record comes gets what it lacks', async () => {
  const device = deviceThere({ identity: newIdentity() })
  expect((await idle(device)).status).toBe(200)
  expect((await page(device)).serial_number).toBeNull()
  const { devices } = await moved(recordOf(device, { bootstrapToken: base64(TOKEN) }))
  expect(devices).toEqual({ merged: 1 })
  expect(await page(device)).toMatchObject({ serial_number: device.serial })
  expect((await device.getBootstrapToken()).token).toEqual(TOKEN)
  expect((await api('POST', `/api/devices/${device.udid}/push`)).status).toBe(200)
})

it('an open move serves nothing, and a device whose record waits comes again', async () => {
  const device = foreigner()
  const id = await staged([authorityOf(unknownCA), deviceItem(recordOf(device))])
  expect((await idle(device)).status).toBe(400)
  expect((await api('GET', `/api/devices/${device.udid}`)).status).toBe(404)
  await api('POST', `/api/moves/${id}/activate`, {})
  // The first step of the job brings the CA.
  await runDurableObjectAlarm(env.JOB.getByName('move'))
  expect((await idle(device)).status).toBe(503)
  await activated(id)
  expect((await idle(device)).status).toBe(200)
})

it('another copy replaces an open move, and a discarded one leaves nothing', async () => {
  const first = await staged([deviceItem(recordOf(deviceThere()))])
  const second = await staged([deviceItem(recordOf(deviceThere()))])
  expect((await api('GET', `/api/moves/${first}`)).status).toBe(404)
  expect((await api('DELETE', `/api/moves/${second}`)).status).toBe(204)
  const left = env.DB.prepare('SELECT count(*) AS n FROM move_items WHERE move IN (?, ?)')
  expect(await left.bind(first, second).first()).toEqual({ n: 0 })
})

it('a record without a topic has that of the push certificate, also when it comes again', async () => {
  const device = deviceThere()
  const own = recordOf(device)
  const record = { ...own, channels: own.channels.map((channel) => ({ ...channel, topic: '' })) }
  await moved(record)
  const push = async () => (await api('POST', `/api/devices/${device.udid}/push`)).status
  expect(await push()).toBe(200)
  const body = JSON.stringify({ reason: 'Unregistered', timestamp: clock.now() })
  const headers = { 'apns-id': 'x' }
  await rule({ on: 'apns', match: device.magic, status: 410, times: 1, headers, body })
  expect(await push()).toBe(409)
  await moved(record)
  const { channels } = (await api<{ channels: object[] }>('GET', `/api/devices/${device.udid}`))
    .body
  expect(channels).toMatchObject([{ push_state: 'failing' }])
})

it('users of a moved device are found by their bare UserIDs', async () => {
  const device = deviceThere()
  const user = crypto.randomUUID().toUpperCase()
  const own = recordOf(device)
  await moved({
    ...own,
    channels: [
      ...own.channels,
      {
        user,
        token: base64(TOKEN),
        magic: 'USER',
        topic: own.channels[0]?.topic ?? '',
        commands: [],
      },
    ],
  })
  expect((await api('POST', `/api/devices/${user}/push`)).status).toBe(200)
  await api('POST', `/api/devices/${user}/commands`, { request_type: 'ProfileList' })
  await letPush()
  const channel = device.userChannel({ userId: user, shortName: 'ada' })
  await channel.poll()
  expect(channel.received.map(({ requestType }) => requestType)).toEqual(['ProfileList'])
  expect(device.received).toEqual([])
})

it('an Authenticate of a moved certificate, which may be a captured one, ends nothing', async () => {
  const device = deviceThere()
  const commands = [command(0, 'ProfileList')]
  await moved(recordOf(device, { commands, bootstrapToken: base64(TOKEN) }))
  expect((await device.checkIn('Authenticate', { Topic: 'x', SerialNumber: 'C0' })).status).toBe(
    200,
  )
  expect(await page(device)).toMatchObject({ state: 'enrolled', contest: null })
  expect(await commandsOf(device)).toMatchObject([{ state: 'held', held_for: 'moved' }])
  expect((await device.getBootstrapToken()).token).toEqual(TOKEN)
  expect((await api('POST', `/api/devices/${device.udid}/push`)).status).toBe(200)
})

it('a binding brings back a certificate that an admin had frozen by mistake', async () => {
  const device = deviceThere()
  await moved(recordOf(device, { bindings: [] }))
  expect((await idle(device)).status).toBe(200)
  await decide('earlier', device)
  await moved(recordOf(device))
  expect(await identities(device)).toMatchObject([{ state: 'current', proof: 'moved' }])
  expect((await idle(device)).status).toBe(200)
})

it('an id of which only a binding came is retired, until a record or a call', async () => {
  const device = deviceThere()
  const { facts: _, state: __, ...own } = recordOf(device)
  await moved({ ...own, channels: [] })
  expect(await page(device)).toMatchObject({ state: 'checked_out' })
  await moved(recordOf(device))
  expect(await page(device)).toMatchObject({ state: 'enrolled', serial_number: device.serial })
})
