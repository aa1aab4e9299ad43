import { describe, expect, it } from 'vitest'
import { projectDevices } from '../../src/directory/devices/project.ts'
import type { DirectoryRow } from '../../src/device/standing/directory-row.ts'
import { project } from '../../src/directory/devices/rows.ts'
import type { SimulatedDevice } from '../../src/simulator/device/device.ts'
import { NO_FACTS } from '../../src/mdm/message.ts'
import { turn } from './clock.ts'
import { bulk, ORDER, outcomesOf, queued } from './job-tools.ts'
import { api, enrolled, env, newIdentity } from './server.ts'

interface Listed {
  id: string
  serial_number_proven: boolean
  serial_number_contested: boolean
}

/** Brings the directory up to the devices' own rows. */
const listAnew = (ids: string[]) => projectDevices(env as never, ids)
const newSerial = () => `S${crypto.randomUUID().slice(0, 8)}`

async function listedDevice(serial: string): Promise<SimulatedDevice> {
  turn(1000)
  const device = await enrolled({ serial })
  await listAnew([device.udid])
  return device
}

const confirm = (id: string, serial_number: string) =>
  api<{ detail?: string }>('POST', `/api/devices/${id}/serial-number/confirm`, { serial_number })
const list = async (query: string) =>
  (await api<{ items: Listed[] }>('GET', `/api/devices?${query}`)).body.items
const page = async (id: string) => (await api<Listed>('GET', `/api/devices/${id}`)).body
const remove = (serial: string) => api('DELETE', '/v1/devices', { opts: { serials: [serial] } })

/**
 * Who contests a serial number's other claims, by the list, each device's page and the list of identities
 * alike.
 */
async function contested(serial: string): Promise<string[]> {
  const contests = (devices: Listed[]) =>
    devices.filter((one) => one.serial_number_contested).map(({ id }) => id)
  const listed = await list(`serial_number=${serial}`)
  const pages = await Promise.all(listed.map(({ id }) => page(id)))
  expect(contests(pages)).toEqual(contests(listed))
  expect(contests(await list(`serial_number=${serial}&serial_number_contested=true`))).toEqual(
    contests(listed),
  )
  expect(contests(await list(`serial_number=${serial}&serial_number_contested=false`))).toEqual([])
  const { body } = await api<{ items: (Listed & { device_id: string })[] }>(
    'GET',
    '/api/identities?limit=1000',
  )
  for (const { device_id: id, serial_number_contested } of body.items) {
    expect(listed).not.toContainEqual(
      expect.objectContaining({ id, serial_number_contested: !serial_number_contested }),
    )
  }
  return contests(listed)
}

/** Whom MicroMDM's list finds by the serial number, and everybody's ids in its list of all. */
async function micromdm(serial: string) {
  const udids = async (filter: object) => {
    const { body } = await api<{ devices: { udid: string; serial_number: string }[] | null }>(
      'POST',
      '/v1/devices',
      filter,
    )
    return (body.devices ?? [])
      .filter((one) => one.serial_number === serial)
      .map(({ udid }) => udid)
  }
  return { found: await udids({ filter_serial: [serial] }), all: await udids({}) }
}

/** Where a command for the serial number goes, and why not. */
async function acted(serial: string) {
  const { body } = await bulk({ filter: { serial_number: [serial] }, command: ORDER })
  const outcomes = body.outcomes ?? (await outcomesOf(body.id))
  return outcomes.map(({ id, state, error }) => (state === 'done' ? id : error))
}

const row = (id: string, serial: string, changes: Partial<DirectoryRow>): DirectoryRow => ({
  id,
  type: 'Device',
  enrolled: true,
  hidden: false,
  claimedAt: 1,
  serialProven: false,
  lastSeen: 1,
  facts: { ...NO_FACTS, SerialNumber: serial },
  state: 'enrolled',
  push: 'none',
  identity: '',
  identityNotAfter: 0,
  renewal: { state: '', reason: '', at: 0 },
  version: 1,
  ...changes,
})

describe('a serial number that several devices claim without proof', () => {
  it('leads nowhere: all are listed and marked, and requests by the number are refused with their ids', async () => {
    const serial = newSerial()
    const victim = await listedDevice(serial)
    expect(await contested(serial)).toEqual([])
    expect(await acted(serial)).toEqual([victim.udid])
    const other = await listedDevice(serial)
    const both = [victim.udid, other.udid].toSorted()
    const text = `the serial number ${serial} is claimed by ${both.join(' and ')}: name the id, confirm the right one, or retire the wrong one`
    expect(await contested(serial)).toEqual(both)
    const found = [victim.udid, other.udid]
    expect(await micromdm(serial)).toEqual({ found, all: expect.arrayContaining(found) })
    expect(await acted(serial)).toEqual([text])
    expect(await remove(serial)).toEqual({ status: 409, body: { error: text } })
    // A victim that enrols again is still the first, and is reached by its id and by what means no serial
    // number.
    victim.useIdentity(newIdentity())
    await victim.enroll()
    await listAnew([victim.udid])
    expect((await micromdm(serial)).found).toEqual(found)
    expect((await bulk({ ids: [victim.udid], command: ORDER })).body).toMatchObject({ done: 1 })
    expect(await queued(victim.udid)).toHaveLength(2)
    const model = crypto.randomUUID()
    const facts = { ...NO_FACTS, SerialNumber: serial, Model: model }
    await project(env.DB, [row(crypto.randomUUID(), serial, { facts })])
    const meant = await bulk({ filter: { model }, command: ORDER })
    expect(meant.body).toMatchObject({ done: 1, failed: 0 })
    expect(await acted(serial)).toEqual([expect.stringMatching(/ and 1 more: name the id/)])
  })

  it.each(['retire', 'checkout', 'delete'])('leads to the other one after a %s', async (end) => {
    const serial = newSerial()
    const wrong = await listedDevice(serial)
    const right = await listedDevice(serial)
    expect(await contested(serial)).toHaveLength(2)
    if (end === 'delete') {
      await api('DELETE', '/v1/devices', { opts: { udids: [wrong.udid] } })
    } else if (end === 'retire') {
      await api('POST', `/api/devices/${wrong.udid}/retire`)
    } else {
      await wrong.checkOut()
      await listAnew([wrong.udid])
    }
    expect(await contested(serial)).toEqual([])
    expect((await micromdm(serial)).found).toEqual([right.udid])
    expect(await acted(serial)).toEqual([right.udid])
    expect((await remove(serial)).status).toBe(200)
    expect(await micromdm(serial)).toEqual({ found: [], all: [] })
  })
})

describe('a serial number with proof', () => {
  it.each([1, 3])(
    'leads to the device that has it, if that claimed at %s and others at 2',
    async (at) => {
      const serial = newSerial()
      const [proven, ...others] = [0, 1, 2].map(() => crypto.randomUUID())
      await project(env.DB, [
        row(proven ?? '', serial, { serialProven: true, claimedAt: at }),
        ...others.map((id) => row(id, serial, { claimedAt: 2 })),
      ])
      const listed = await list(`serial_number=${serial}`)
      expect(listed.filter((one) => one.serial_number_contested).map(({ id }) => id)).toEqual(
        others.toSorted(),
      )
      const { found, all } = await micromdm(serial)
      expect({ found, all: all.toSorted() }).toEqual({
        found: [proven],
        all: [proven ?? '', ...others].toSorted(),
      })
      expect(await acted(serial)).toEqual([proven])
      await project(env.DB, [
        row(proven ?? '', serial, { serialProven: true, state: 'checked_out', version: 2 }),
      ])
      expect((await micromdm(serial)).found).toEqual(others.toSorted())
      expect(await acted(serial)).toEqual([expect.stringContaining('is claimed by')])
    },
  )

  it('belongs to a device until its next enrolment, if an admin confirms it, and to no other from then on', async () => {
    const serial = newSerial()
    const first = await listedDevice(serial)
    const second = await listedDevice(serial)
    expect(await confirm(second.udid, serial)).toMatchObject({
      status: 200,
      body: { id: second.udid, serial_number_proven: true },
    })
    expect(await contested(serial)).toEqual([first.udid])
    expect(await acted(serial)).toEqual([second.udid])
    expect(await page(second.udid)).toMatchObject({ serial_number_proven: true })
    expect((await confirm(first.udid, serial)).status).toBe(200)
    expect(await contested(serial)).toEqual([second.udid])
    expect((await micromdm(serial)).found).toEqual([first.udid])
    expect(await page(second.udid)).toMatchObject({ serial_number_proven: false })
    const { body } = await api<{ items: { id: string }[] }>(
      'GET',
      `/api/devices/${first.udid}/identities`,
    )
    const identity = `/api/devices/${first.udid}/identities/${body.items[0]?.id}`
    expect((await api('POST', `${identity}/revoke`)).status).toBe(200)
    expect(await contested(serial)).toEqual([first.udid, second.udid].toSorted())
  })

  it('does not belong to a device that reports another one, has left or was never seen', async () => {
    const serial = newSerial()
    const device = await listedDevice(serial)
    const other = await confirm(device.udid, 'OTHER')
    expect(other.status).toBe(409)
    expect(other.body.detail).toContain(`it reports ${serial}`)
    await api('POST', `/api/devices/${device.udid}/retire`)
    const gone = await confirm(device.udid, serial)
    expect(gone).toMatchObject({
      status: 409,
      body: { detail: expect.stringContaining('has left') },
    })
    expect((await confirm(crypto.randomUUID(), serial)).status).toBe(404)
  })
})

it('several proofs of a serial number lead nowhere, and claims without proof do not count', async () => {
  const serial = newSerial()
  const ids = ['1', '2', '3'].map((n) => `${n}${crypto.randomUUID()}`)
  const rows = (proofs: number) =>
    ids.map((id, n) => row(id, serial, { serialProven: n < proofs, version: proofs }))
  await project(env.DB, rows(2))
  expect(
    (await list(`serial_number=${serial}&serial_number_contested=true`)).map(({ id }) => id),
  ).toEqual(ids)
  expect((await micromdm(serial)).found).toEqual(ids.slice(0, 2))
  expect(await acted(serial)).toEqual([expect.stringContaining(`${ids[0]} and ${ids[1]}: name`)])
})

describe('the list of known serial numbers', () => {
  it('keeps serial numbers as Apple prints them, once each, in pages, until they are removed', async () => {
    const add = (serials: readonly string[]) => api('POST', '/api/known-serials', { ids: serials })
    expect((await add(['zz9 abc', 'ZZ9ABC', '\tzz9-b/+ '])).body).toEqual({ added: 2 })
    expect((await add(['zz9abc'])).body).toEqual({ added: 0 })
    for (const wrong of [[], ['ok', ''], ['ü'], ['x'.repeat(65)], Array<string>(5001).fill('x')]) {
      expect((await add(wrong)).status).toBe(400)
    }
    type Page = { items: { id: string }[]; next: string | null }
    const found: string[] = []
    for (let cursor: string | null = ''; cursor !== null;) {
      const { body }: { body: Page } = await api<Page>(
        'GET',
        `/api/known-serials?limit=1&cursor=${cursor}`,
      )
      found.push(...body.items.map((one) => one.id))
      cursor = body.next
    }
    expect(found.filter((serial) => serial.startsWith('ZZ9'))).toEqual(['ZZ9-B/+', 'ZZ9ABC'])
    const removeOne = () => api('DELETE', `/api/known-serials/${encodeURIComponent('zz9-b/+')}`)
    expect((await removeOne()).status).toBe(204)
    expect((await removeOne()).status).toBe(404)
    const rest = { ids: found.map((serial) => serial.toLowerCase()) }
    expect((await api('POST', '/api/known-serials/remove', rest)).body['removed']).toBe(
      found.length - 1,
    )
  })

  it('reports the first of many faults', async () => {
    const { status, body } = await api<{ detail: string; errors: object[] }>(
      'POST',
      '/api/known-serials',
      { ids: Array.from({ length: 5000 }, () => 'ü') },
    )
    expect({ status, errors: body.errors.length }).toEqual({ status: 400, errors: 10 })
    expect(body.detail).toContain('and 4990 more')
  })

  it('takes five thousand serial numbers in one call', async () => {
    const serials = Array.from({ length: 5000 }, (_, n) => `BULK${n}`)
    expect((await api('POST', '/api/known-serials', { ids: serials })).body).toEqual({
      added: 5000,
    })
  })
})
