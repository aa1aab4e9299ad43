import { runInDurableObject } from 'cloudflare:test'
import { describe, expect, it, vi } from 'vitest'
import { SHARED_IPAD_USER_ID } from '../../src/mdm/enrollment.ts'
import type { SimulatedDevice } from '../../src/simulator/device/device.ts'
import { clock } from './clock.ts'
import { deviceThere } from './move-tools.ts'
import {
  authenticateOf,
  BOOTSTRAP,
  bootstrapOf,
  migrate,
  replay,
  tokenUpdateOf,
} from './migration-tools.ts'
import { api, decide, env, letPush, newDevice, newIdentity, pushes, rule, serve } from './server.ts'

interface Page {
  state: string
  serial_number: string | null
  os_version: string | null
  blocked: boolean
  contest: object | null
  type: string
  channels: { push_state: string }[]
}
interface Identity {
  id: string
  state: string
  proof: string | null
}

/** A device of the other server whose CA is accepted here. */
const there = (options: Parameters<typeof newDevice>[0] = {}) =>
  deviceThere({ identity: newIdentity(), ...options })
const page = async (id: string) => (await api<Page>('GET', `/api/devices/${id}`)).body
const identities = async ({ udid }: SimulatedDevice) =>
  (await api<{ items: Identity[] }>('GET', `/api/devices/${udid}/identities`)).body.items
const idle = (device: SimulatedDevice) => device.connect({ Status: 'Idle' })
const push = (id: string) => api('POST', `/api/devices/${id}/push`)

/** All rows of a device's object. */
function everything({ udid }: SimulatedDevice): Promise<unknown> {
  return runInDurableObject(env.DEVICE.getByName(udid), (_, { storage }) => {
    const tables = ['device', 'channels', 'escrow', 'commands', 'events']
    const rows = tables.map((table) => [...storage.sql.exec(`SELECT * FROM ${table}`)])
    // That the directory has the row is no change.
    return JSON.stringify(rows).replaceAll(/\\"projected\\":\d+/g, '')
  })
}

describe('the gate of /migration', () => {
  it('takes the API key as password of nanomdm, or as a Bearer token', async () => {
    const message = authenticateOf(there())
    expect((await migrate(message)).status).toBe(200)
    expect((await migrate(message, 'Bearer test-key')).status).toBe(200)
  })

  it.each([['', 'micromdm:test-key', 'nanomdm:wrong', 'nanomdm:', 'root:secret']].flat())(
    'refuses the user and password "%s"',
    async (pair) => {
      const response = await migrate(authenticateOf(there()), pair && `Basic ${btoa(pair)}`)
      expect(response.status).toBe(401)
      expect(response.headers.get('www-authenticate')).toBe(
        'Basic realm="nanomdm", Bearer realm="nanomdm"',
      )
      expect(await response.text()).toBe('Unauthorized\n')
    },
  )

  it('is the only one that knows the user nanomdm', async () => {
    const headers = { authorization: `Basic ${btoa('nanomdm:test-key')}` }
    const paths = ['/api/devices', '/v1/commands/X', '/push/X', '/v1/devices', '/migration/']
    const statuses = paths.map(async (path) => (await serve(path, { headers })).status)
    expect(await Promise.all(statuses)).toEqual([401, 401, 401, 401, 404])
  })

  it.each(['GET', 'HEAD', 'POST', 'DELETE', 'OPTIONS'])('has no %s', async (method) => {
    const response = await migrate('', undefined, method)
    expect(response.status).toBe(405)
    expect(response.headers.get('allow')).toBe('PUT')
  })
})

describe('a body that is no part of an enrolment', () => {
  const device = there()
  const cases: [string, Parameters<typeof migrate>[0], RegExp][] = [
    ['no plist', 'hello', /^this is no check-in message: /],
    ['nothing', '', /^this is no check-in message: /],
    ['no device', { MessageType: 'Authenticate' }, /neither UDID nor EnrollmentID/],
    ['an unknown message', { UDID: 'X', MessageType: 'Y' }, /MessageType Y/],
    ['an id with a colon', { UDID: 'A:B', MessageType: 'Authenticate' }, /colon/],
    ['a CheckOut', { ...device.ids, MessageType: 'CheckOut' }, /^CheckOut is no part of an enrol/],
    ['a report', { ...device.ids, Status: 'Idle' }, /^this is the report of a command: send /],
    ['a short token', tokenUpdateOf(device, { Token: new Uint8Array(3) }), /^no push reaches/],
    ['no topic', tokenUpdateOf(device, { Topic: '' }), /^no push reaches/],
    ['a long token', bootstrapOf(device, new Uint8Array(500_001)), /longer than 500000 bytes/],
  ]
  it.each(cases)('is refused with a sentence: %s', async (_, body, sentence) => {
    const response = await migrate(body)
    expect(response.status).toBe(400)
    expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8')
    expect(await response.text()).toMatch(sentence)
    expect((await api('GET', `/api/devices/${device.udid}`)).status).toBe(404)
  })

  it('has at most a megabyte', async () => {
    const response = await migrate(new Uint8Array(1_000_001))
    expect([response.status, await response.text()]).toEqual([
      413,
      'a message has at most 1000000 bytes\n',
    ])
  })
})

describe('a device that was replayed', () => {
  it('can be pushed at once, and gets no secret and no guarded command', async () => {
    const device = there()
    await replay(device)
    expect(await page(device.udid)).toMatchObject({
      state: 'enrolled',
      serial_number: device.serial,
      os_version: device.osVersion,
      contest: null,
    })
    expect((await push(device.udid)).status).toBe(200)
    expect(await pushes(device)).toHaveLength(1)
    expect((await api('GET', `/api/devices?contested=true&q=${device.udid}`)).body['total']).toBe(1)
    expect((await device.getBootstrapToken()).status).toBe(503)
    for (const request_type of ['EraseDevice', 'ClearPasscode', 'SecurityInfo']) {
      await api('POST', `/api/devices/${device.udid}/commands`, { request_type })
    }
    await letPush()
    await device.poll()
    expect(device.received.map(({ requestType }) => requestType)).toEqual(['SecurityInfo'])
    await api('POST', `/api/devices/${device.udid}/commands/release`)
    await device.poll()
    expect(device.received.map(({ requestType }) => requestType)).toEqual(['SecurityInfo'])
    await decide('renewal', device)
    await device.poll()
    expect(device.received.map(({ requestType }) => requestType)).toEqual([
      'SecurityInfo',
      'EraseDevice',
      'ClearPasscode',
    ])
    expect((await device.getBootstrapToken()).token).toEqual(BOOTSTRAP)
    expect(await identities(device)).toMatchObject([{ state: 'current', proof: 'admin_renewal' }])
  })

  it('is the same in any order of its messages, and after a second replay', async () => {
    const [device, mixed] = [there(), there()]
    const user = { userId: crypto.randomUUID().toUpperCase(), shortName: 'ada' }
    await replay(device, device.userChannel(user))
    const channel = mixed.userChannel(user)
    const messages = [
      bootstrapOf(mixed, BOOTSTRAP),
      tokenUpdateOf(channel),
      tokenUpdateOf(mixed, { UnlockToken: new Uint8Array(64).fill(3) }),
      authenticateOf(mixed),
    ]
    for (const message of messages) {
      expect((await migrate(message)).status).toBe(200)
    }
    const shown = { state: 'enrolled', type: 'Device', contest: null }
    expect(await page(device.udid)).toMatchObject({ ...shown, serial_number: device.serial })
    expect(await page(mixed.udid)).toMatchObject({ ...shown, serial_number: mixed.serial })
    expect((await push(`${mixed.udid}:${user.userId}`)).status).toBe(200)
    const before = await everything(mixed)
    await replay(mixed, channel)
    expect(await everything(mixed)).toEqual(before)
  })

  it('has its users: of a Mac, of a Shared iPad and of a User Enrollment', async () => {
    const userId = crypto.randomUUID().toUpperCase()
    const account = `ada-${crypto.randomUUID()}@example.com`
    const [mac, iPad] = [there(), there({ platform: 'iPadOS', sharedIPad: true })]
    const own = there({ userEnrollment: { enrollmentId: `E-${crypto.randomUUID()}` } })
    const ofMac = mac.userChannel({ userId, shortName: 'ada' })
    const ofIPad = iPad.userChannel({ userId: SHARED_IPAD_USER_ID, shortName: account })
    const ofOwn = own.userChannel({ userId: `${userId}-E`, shortName: 'ada' })
    await replay(mac, ofMac)
    await replay(iPad, ofIPad)
    await replay(own, ofOwn)
    // nano2nano writes the EnrollmentID as UDID.
    await migrate(bootstrapOf({ ids: { UDID: own.enrollmentId } }, BOOTSTRAP))
    expect(await page(own.enrollmentId)).toMatchObject({ type: 'User Enrollment (Device)' })
    const ids = [userId, `${iPad.udid}:${account}`, `${userId}-E`]
    expect(await Promise.all(ids.map(async (id) => (await push(id)).status))).toEqual([
      200, 200, 200,
    ])
    // The short name of a Shared iPad's user leads nowhere: it is no UserID.
    expect((await push(account)).status).toBe(404)
    await api('POST', `/api/devices/${userId}/commands`, { request_type: 'ProfileList' })
    await letPush()
    await ofMac.poll()
    expect(ofMac.received.map(({ requestType }) => requestType)).toEqual(['ProfileList'])
  })

  it('stays blocked', async () => {
    const device = there()
    await api('POST', `/v1/devices/${device.udid}/block`)
    await replay(device)
    expect(await page(device.udid)).toMatchObject({ state: 'enrolled', blocked: true })
    expect((await idle(device)).status).toBe(401)
  })

  it('keeps the refusal of its token by APNs, until another token comes', async () => {
    const device = there()
    await replay(device)
    const body = JSON.stringify({ reason: 'Unregistered', timestamp: clock.now() })
    const headers = { 'apns-id': 'x' }
    await rule({ on: 'apns', match: device.magic, status: 410, times: 1, headers, body })
    expect((await push(device.udid)).status).toBe(409)
    const pushState = async () => (await page(device.udid)).channels[0]?.push_state
    expect(await pushState()).toBe('failing')
    await replay(device)
    expect(await pushState()).toBe('failing')
    await migrate(tokenUpdateOf(device, { Token: new Uint8Array(32).fill(9) }))
    expect(await pushState()).toBe('ready')
  })

  it('leaves a line in the log that names no user', async () => {
    const lines = vi.spyOn(console, 'log')
    const device = there()
    const name = `ada-${crypto.randomUUID()}`
    await migrate(authenticateOf(device))
    await migrate(authenticateOf(device))
    await migrate(tokenUpdateOf(device.userChannel({ userId: name, shortName: 'x' })))
    const logged = lines.mock.calls.map(([line]) => String(line)).join('\n')
    lines.mockRestore()
    const own = logged.split('\n').filter((line) => line.includes(device.udid))
    const common = { event: 'move:replayed', device: device.udid }
    expect(own.map((line) => JSON.parse(line))).toMatchObject([
      { ...common, message: 'Authenticate', changed: true },
      { ...common, message: 'Authenticate', changed: false },
      { ...common, message: 'TokenUpdate', changed: true, user: true },
    ])
    expect(logged).not.toContain(name)
  })
})

describe('a replay of a device that is here already', () => {
  it('changes nothing after the device has called', async () => {
    const device = there()
    const user = device.userChannel({ userId: crypto.randomUUID(), shortName: 'ada' })
    await replay(device, user)
    await device.tokenUpdate({ token: new Uint8Array(32).fill(5) })
    await device.setBootstrapToken(new Uint8Array(8).fill(3))
    await user.tokenUpdate({ token: new Uint8Array(32).fill(6) })
    const before = await everything(device)
    await replay(deviceThere({ udid: device.udid, serial: 'OTHER' }), user)
    expect(await everything(device)).toEqual(before)
  })

  it('changes nothing of one that enrolled here, left, or whose user left', async () => {
    const [enrolled, gone, lonely] = [newDevice(), there(), there()]
    const user = lonely.userChannel({ userId: crypto.randomUUID(), shortName: 'ada' })
    await enrolled.enroll()
    await replay(gone)
    await replay(lonely, user)
    // An unproven certificate signs nothing out.
    await idle(gone)
    await idle(lonely)
    await decide('renewal', gone, lonely)
    await gone.checkOut()
    await user.checkOut()
    for (const device of [enrolled, gone, lonely]) {
      const before = await everything(device)
      await replay(
        device,
        device.userChannel({ userId: user.ids['UserID'] as string, shortName: '' }),
      )
      expect(await everything(device)).toEqual(before)
    }
    expect(await page(gone.udid)).toMatchObject({ state: 'checked_out' })
  })

  it('is refused while it is contested, and ends nothing', async () => {
    const device = newDevice()
    await device.enroll()
    await newDevice({ udid: device.udid, serial: device.serial }).enroll()
    const before = await everything(device)
    const response = await migrate(tokenUpdateOf(device))
    expect(response.status).toBe(409)
    expect(await response.text()).toMatch(/two enrolments claim this device.*enrollments\/decide/s)
    expect(await everything(device)).toEqual(before)
  })

  it('adds the token of one that was adopted before, and no secret', async () => {
    const device = there()
    expect((await idle(device)).status).toBe(200)
    await replay(device)
    expect((await push(device.udid)).status).toBe(200)
    expect((await device.getBootstrapToken()).token).toHaveLength(0)
  })
})
