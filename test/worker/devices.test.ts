import { describe, expect, it } from 'vitest'
import { clock, turn } from './clock.ts'
import { api, decide, enrolled, env, events, listedAs, newDevice, until } from './server.ts'
import { runInDurableObject } from 'cloudflare:test'
import { Device } from '../../src/device/object.ts'
import type { DeviceEnv } from '../../src/device/runtime/runtime.ts'
import { readCertificate } from '../../src/pki/x509/certificate.ts'
import { enrol, enrolByProfile, install, newAuthority, rsaKey, scepFetch } from './scep-client.ts'

interface List {
  items: { id: string; os_version: string; serial_number: string; last_seen_at: string }[]
  next: string | null
  total: number | null
}
interface Page {
  state: string
  os_version: string
  last_seen_at: string
  channels: { id: string; queue: { waiting: number; by_state: Record<string, number> } }[]
  identities: { state: string }[]
  inventory: Record<string, { at: string; command_id: string; value: unknown } | null>
}

const find = async (query: string) => (await api<List>('GET', `/api/devices?${query}`)).body
const ids = async (query: string) => (await find(query)).items.map(({ id }) => id)
const page = async (id: string) => (await api<Page>('GET', `/api/devices/${id}`)).body

async function listedDevice(options: Parameters<typeof newDevice>[0] = {}) {
  const device = await enrolled(options)
  await listedAs(device, 'enrolled')
  return device
}

const run = async (device: Awaited<ReturnType<typeof listedDevice>>, body: object) => {
  await api('POST', `/api/devices/${device.udid}/commands`, body)
  await device.poll()
}

describe('the list of devices', () => {
  it('finds by part of id, serial or name, and by serial, model, OS, state, push and time', async () => {
    const device = await listedDevice({ name: 'Ada’s 100% Mac', serial: 'C02FIND_ME' })
    const other = await listedDevice({ platform: 'iOS', name: 'Ben’s phone' })
    const only = [device.udid]
    const [found] = (await find(`q=${device.udid}`)).items
    const [os, seenAt] = [found?.os_version ?? '', found?.last_seen_at ?? '']
    expect(await ids('q=find_me')).toEqual(only)
    expect(await ids('device_name=100%25')).toEqual(only)
    expect(await ids('serial_number=C02FIND_ME,NONE')).toEqual(only)
    const both = `serial_number=C02FIND_ME,${other.serial}`
    expect(await ids(both)).toHaveLength(2)
    expect(await ids(`${both}&os_version=${os.split('.')[0]}`)).toContain(device.udid)
    expect(await ids(`${both}&os_version=1`)).toEqual([])
    expect(await ids(`${both}&push_state=ready&state=enrolled`)).toHaveLength(2)
    expect(await ids(`${both}&push_state=none,failing`)).toEqual([])
    expect(await ids(`${both}&last_seen_before=${seenAt}`)).not.toContain(device.udid)
    expect(await ids(`${both}&last_seen_after=${seenAt}`)).toContain(device.udid)
    await device.checkOut()
    const gone = await until(
      () => ids(`${both}&state=checked_out`),
      (devices) => devices.length > 0,
    )
    expect(gone).toEqual(only)
    expect((await api('GET', '/api/devices?state=lost')).status).toBe(400)
    expect((await api('GET', '/api/devices?last_seen_after=yesterday')).status).toBe(400)
  })

  it('comes in pages that miss none and repeat none', async () => {
    const all = await Promise.all(Array.from({ length: 5 }, () => listedDevice({ name: 'paged' })))
    const found: string[] = []
    let next: string | null = ''
    while (next !== null) {
      const list: List = await find(`device_name=paged&limit=2${next && `&cursor=${next}`}`)
      expect(list.items.length).toBeLessThanOrEqual(2)
      found.push(...list.items.map(({ id }) => id))
      next = list.next
    }
    expect(found).toEqual(all.map(({ udid }) => udid).toSorted())
  })

  it('comes in the requested order, with a count on its first page', async () => {
    const names = ['sorted b', 'sorted c', 'sorted a', 'sorted b']
    const all = await Promise.all(names.map((name) => listedDevice({ name })))
    const [b = '', c, a, again = ''] = all.map(({ udid }) => udid)
    const twins = b < again ? [again, b] : [b, again]
    const first = await find('device_name=sorted&sort=-device_name&limit=2')
    expect(first.items.map(({ id }) => id)).toEqual([c, twins[0]])
    expect(first.total).toBe(4)
    const rest = `device_name=sorted&sort=-device_name&cursor=${first.next}`
    expect(await find(rest)).toMatchObject({
      items: [{ id: twins[1] }, { id: a }],
      next: null,
      total: null,
    })
    expect(await api('GET', `/api/devices?cursor=${first.next}`)).toMatchObject({
      status: 400,
      body: { code: 'invalid_cursor' },
    })
    expect((await api('GET', '/api/devices?sort=colour')).status).toBe(400)
  })

  it('knows a new OS version from DeviceInformation, not only from an enrolment', async () => {
    const device = await listedDevice({
      answer: () => ({ Status: 'Acknowledged', QueryResponses: { OSVersion: '99.2.1' } }),
    })
    await run(device, { request_type: 'DeviceInformation', queries: ['OSVersion'] })
    const found = await until(
      () => ids(`q=${device.udid}&os_version=99`),
      (all) => all.length > 0,
    )
    expect(found).toEqual([device.udid])
  })
})

describe('other sorted lists', () => {
  interface Sorted {
    items: { id: string }[]
    next: string | null
  }
  /** Its ids, page by page. */
  async function read(list: string, sort: string): Promise<string[]> {
    const found: string[] = []
    let next: string | null = ''
    while (next !== null) {
      const sorted: Sorted = (
        await api<Sorted>('GET', `/api/${list}?sort=${sort}&limit=2${next && `&cursor=${next}`}`)
      ).body
      found.push(...sorted.items.map(({ id }) => id))
      next = sorted.next
    }
    return found
  }

  async function profile(id: string): Promise<void> {
    const plist = `<plist version="1.0"><dict><key>PayloadIdentifier</key><string>${id}</string></dict></plist>`
    const { status } = await api('PUT', `/api/profiles/${id}`, { mobileconfig: btoa(plist) })
    expect(status).toBe(200)
  }

  it('come in the requested order, and in the opposite order', async () => {
    for (const n of ['C', 'A', 'B']) {
      await api('POST', '/api/known-serials', { ids: [`SORT-${n}`] })
      await api('POST', '/api/invitations', { note: n })
      await profile(`test.sort.${n}`)
      await listedDevice()
      turn(1000)
    }
    expect(await read('profiles', 'id')).toEqual(['test.sort.A', 'test.sort.B', 'test.sort.C'])
    const serials = ['SORT-C', 'SORT-A', 'SORT-B']
    expect(await read('known-serials', 'added_at')).toEqual(serials)
    expect(await read('known-serials', 'id')).toEqual(serials.toSorted())
    const lists = [
      ['profiles', 'id'],
      ['known-serials', 'added_at'],
      ['known-serials', 'id'],
      ['invitations', 'created_at'],
      ['identities', 'expires_at'],
    ] as const
    for (const [list, field] of lists) {
      const found = await read(list, field)
      expect(found.length, list).toBeGreaterThanOrEqual(3)
      expect(await read(list, `-${field}`), `${list} ${field}`).toEqual(found.toReversed())
    }
  })
})

describe('a device’s page', () => {
  it('shows its channels with their queues, its certificates and when it was last seen, to the millisecond', async () => {
    const device = await listedDevice()
    const user = device.userChannel({ userId: 'U1', shortName: 'ada' })
    await user.tokenUpdate()
    await api('POST', `/api/devices/${device.udid}:U1/commands`, { request_type: 'ProfileList' })
    const not_before = '2099-01-01T00:00:00Z'
    await api('POST', `/api/devices/${device.udid}/commands`, {
      request_type: 'RestartDevice',
      not_before,
    })
    const before = clock.now()
    await device.connect({ Status: 'Idle' })
    const shown = await page(device.udid)
    expect(shown).toMatchObject({
      state: 'enrolled',
      channels: [
        { id: device.udid, queue: { waiting: 1, by_state: { held: 1 } }, push_state: 'ready' },
        { id: `${device.udid}:U1`, queue: { waiting: 1, by_state: { queued: 1 } } },
      ],
      identities: [{ state: 'current' }],
      inventory: { DeviceInformation: null, InstalledApplicationList: null },
    })
    expect(Date.parse(shown.last_seen_at)).toBeGreaterThanOrEqual(before)
    expect(await page('U1')).toMatchObject({ state: 'enrolled' })
    expect((await api('GET', '/api/devices/UNKNOWN')).status).toBe(404)
    const unknown = `/api/devices/${device.udid}:UNKNOWN`
    for (const part of ['', '/identities', '/escrow', '/escrow/reads']) {
      expect((await api('GET', unknown + part)).status, part).toBe(404)
    }
    expect((await api('POST', `${unknown}/push`)).status).toBe(404)
  })

  it('shows the latest inventory, with the answers to different queries in one', async () => {
    const queried = [{ OSVersion: '26.1', DeviceName: 'Ada' }, { OSVersion: '26.2' }]
    const device = await listedDevice({
      answer: ({ requestType }) =>
        requestType === 'DeviceInformation'
          ? { Status: 'Acknowledged', QueryResponses: queried.shift() ?? {} }
          : undefined,
    })
    const asked = { request_type: 'DeviceInformation', queries: ['OSVersion', 'DeviceName'] }
    for (const command of [asked, asked, { request_type: 'ProfileList' }]) {
      await run(device, command)
    }
    const { inventory } = await page(device.udid)
    expect(inventory['DeviceInformation']).toMatchObject({
      command_id: `${device.udid}.2`,
      value: { OSVersion: '26.2', DeviceName: 'Ada' },
    })
    expect(inventory['ProfileList']?.value).toBeInstanceOf(Array)
    expect(inventory['SecurityInfo']).toBeNull()
  })
})

it('a failing alarm runs again later, each time that it fails', async () => {
  const device = newDevice()
  await device.enroll()
  await runInDurableObject(env.DEVICE.getByName(device.udid), async (_, state) => {
    // A deploy that forgot the secrets.
    const object = new Device(state, {} as DeviceEnv)
    await state.storage.deleteAlarm()
    const again = { isRetry: true, retryCount: 1, scheduledTime: clock.now() }
    await expect(object.alarm(again)).rejects.toThrow('not configured')
    expect(await state.storage.getAlarm()).toBeGreaterThan(clock.now())
  })
})

it.each([
  ['calls itself once to stay in memory with a budget', { RESIDENT_OBJECTS: '2' }, ['stay']],
  ['does not do so without a budget, as in production', {}, []],
])('an object %s', async (_title, settings, calls) => {
  const device = await enrolled()
  await runInDurableObject(env.DEVICE.getByName(device.udid), async (_, state) => {
    const made: string[] = []
    const stay = async () => void made.push('stay')
    const own = { ...env, ...settings, DEVICE: { getByName: () => ({ stay }) } }
    const object = new Device(state, own as unknown as DeviceEnv)
    await object.viewDevice({ user: '', bare: false })
    await object.viewDevice({ user: '', bare: false })
    expect(made).toEqual(calls)
  })
})

it('a device joins, works, renews, outlives its CA, is wiped, comes back and leaves', async () => {
  const first = newAuthority()
  await install(first)

  // Enrol.
  const mac = await enrolByProfile()
  const { udid, serial } = mac
  const command = async (requestType: string) =>
    (await api('POST', '/v1/commands', { udid, request_type: requestType })).status
  const answered = () => mac.received.map(({ requestType }) => requestType)
  const issuer = () => readCertificate(mac.identity().certificate).issuer

  // Commands.
  expect(await command('SecurityInfo')).toBe(201)
  await mac.poll()
  expect(answered()).toEqual(['SecurityInfo'])

  // The identity is renewed by SCEP alone; what was queued and escrowed before is there after.
  await mac.setBootstrapToken(new Uint8Array([1, 2, 3]))
  expect(await command('ProfileList')).toBe(201)
  mac.useIdentity(await enrol({ renew: mac.identity(), key: rsaKey() }))
  expect(await mac.poll()).toMatchObject({ ended: 'empty', answered: 1 })
  expect(answered()).toEqual(['SecurityInfo', 'ProfileList'])
  expect((await mac.getBootstrapToken()).token).toEqual(new Uint8Array([1, 2, 3]))

  // The CA is rotated: the device goes on, and its next identity, by a pushed profile, is the new one's.
  const second = newAuthority()
  await install(second)
  expect(await command('DeviceInformation')).toBe(201)
  await mac.poll()
  expect(issuer()).toBe(first.certificate.subject)
  expect((await api('POST', `/api/devices/${udid}/renew`)).status).toBe(200)
  expect(await command('CertificateList')).toBe(201)
  await mac.poll()
  expect(answered().slice(2)).toEqual(['DeviceInformation', 'InstallProfile', 'CertificateList'])
  expect(issuer()).toBe(second.certificate.subject)
  expect((await api('DELETE', `/api/ca/${first.certificate.keyId}`)).status).toBe(204)
  expect((await mac.connect({ Status: 'Idle' })).status).toBe(200)

  // Wiped and enrolled anew with a fresh key: old commands and tokens are no longer the device's.
  expect(await command('EraseDevice')).toBe(201)
  expect(await command('RestartDevice')).toBe(201)
  const wiped = await enrolByProfile({ udid, serial, scep: { fetch: scepFetch, key: rsaKey() } })
  expect(await wiped.poll()).toMatchObject({ ended: 'empty', answered: 0 })
  expect((await wiped.getBootstrapToken()).token).toEqual(new Uint8Array())
  await decide('new', wiped)
  const ghost = newDevice({ udid, serial, identity: mac.identity() })
  expect((await ghost.connect({ Status: 'Idle' })).status).toBe(503)

  // Check-out.
  expect((await wiped.checkOut()).status).toBe(200)
  await listedAs(wiped, 'checked_out')
  const told = await until(
    () => events(udid, 1),
    (all) => all.at(-1)?.topic === 'mdm.CheckOut',
  )
  const sequences = told.map(({ sequence }) => sequence)
  expect(sequences).toEqual([...new Set(sequences)].toSorted((one, other) => one - other))
  expect(
    told
      .filter(({ topic }) => topic === 'mdm.Authenticate')
      .map(({ checkin_event: event }) => event?.['renewal']),
  ).toEqual([undefined, true, undefined])
})

it('an admin blocks, unblocks, pushes and deletes a device, and each answer shows it', async () => {
  const device = await listedDevice()
  const act = (verb: string) => api('POST', `/api/devices/${device.udid}/${verb}`)
  expect(await act('push')).toMatchObject({
    status: 200,
    body: { id: device.udid, apns_id: expect.any(String) },
  })
  expect(await act('block')).toMatchObject({ status: 200, body: { blocked: true } })
  expect((await device.connect({ Status: 'Idle' })).status).toBe(401)
  expect(await act('unblock')).toMatchObject({ status: 200, body: { blocked: false } })
  expect((await device.connect({ Status: 'Idle' })).status).toBe(200)
  expect(await act('retire')).toMatchObject({ status: 200, body: { state: 'checked_out' } })
  expect(await act('push')).toMatchObject({ status: 409, body: { code: 'not_enrolled' } })
  const gone = () => api('DELETE', `/api/devices/${device.udid}`)
  expect(await gone()).toMatchObject({ status: 200, body: { deleted: true } })
  expect(await gone()).toMatchObject({ status: 200, body: { deleted: true } })
  await until(
    () => ids(`q=${device.udid}`),
    (listed) => listed.length === 0,
  )
})
