import { describe, expect, it, vi } from 'vitest'
import { consume } from '../../src/delivery/consumer.ts'
import type { DirectoryRow } from '../../src/device/directory-row.ts'
import { project } from '../../src/directory/directory.ts'
import { claimsOf, keepClaim } from '../../src/directory/users.ts'
import { NO_FACTS } from '../../src/mdm/message.ts'
import { api, env, listedAs, newDevice, newIdentity, until } from './server.ts'

interface List {
  devices: { udid: string; serial_number: string; enrollment_status: boolean }[] | null
}

const listed = async (udid: string) =>
  (await api<List>('POST', '/v1/devices', { filter_udid: [udid] })).body.devices

const row = (id: string, changes: Partial<DirectoryRow>): DirectoryRow => ({
  id,
  type: 'Device',
  enrolled: true,
  hidden: false,
  claimedAt: 1,
  serialProven: false,
  lastSeen: 1,
  facts: NO_FACTS,
  state: 'enrolled',
  push: 'none',
  identity: '',
  identityNotAfter: 0,
  renewal: { state: '', reason: '', at: 0 },
  version: 1,
  ...changes,
})

describe('the claim of a UserID', () => {
  it('ends with a row of its device that is as new, and not with an older one that comes late', async () => {
    const id = crypto.randomUUID()
    const device = crypto.randomUUID()
    const owners = async () => (await claimsOf(env.DB, id)).claims.map((claim) => claim.device)
    await keepClaim(env.DB, { id, device, version: 7 })
    await keepClaim(env.DB, { id, device, version: 5 })
    await project(env.DB, [row(device, { version: 6, users: [] })])
    await project(env.DB, [row(crypto.randomUUID(), { version: 9, users: [] })])
    await project(env.DB, [row(device, { version: 8, users: ['other', id] })])
    expect(await owners()).toEqual([device])
    await project(env.DB, [row(device, { version: 9, users: ['other'] })])
    expect(await owners()).toEqual([])
  })

  it('is one of 600 that a device has at most: the newest', async () => {
    const device = crypto.randomUUID()
    const other = crypto.randomUUID()
    await keepClaim(env.DB, { id: 'first', device: other, version: 1 })
    await env.DB.prepare(
      `INSERT INTO users (id, device, version) WITH RECURSIVE claims(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM claims WHERE n < 700)
        SELECT 'u' || n, ?, n FROM claims`,
    )
      .bind(device)
      .run()
    await keepClaim(env.DB, { id: 'last', device, version: 701 })
    const { results } = await env.DB.prepare(
      'SELECT device, count(*) AS n, min(version) AS oldest FROM users WHERE device IN (?, ?) GROUP BY device ORDER BY n',
    )
      .bind(device, other)
      .all()
    expect(results).toEqual([
      { device: other, n: 1, oldest: 1 },
      { device, n: 600, oldest: 102 },
    ])
  })
})

describe('the directory', () => {
  it('keeps the newest row of a device, in whatever order rows arrive', async () => {
    const id = crypto.randomUUID()
    await project(env.DB, [row(id, { version: 2, enrolled: false })])
    await project(env.DB, [row(id, { version: 1, enrolled: true })])
    expect(await listed(id)).toMatchObject([{ enrollment_status: false }])
    await project(env.DB, [row(id, { version: 3, enrolled: true })])
    expect(await listed(id)).toMatchObject([{ enrollment_status: true }])
  })

  it('takes the rows that come in one batch with one that it refuses', async () => {
    const ids = Array.from({ length: 6 }, () => crypto.randomUUID())
    const bad = { lastSeen: Number.NaN }
    const messages = ids.map((id, n) => ({
      body: { device: id, readers: [], directory: row(id, n === 2 ? bad : {}) },
    }))
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
    const context = { waitUntil: () => undefined }
    await consume({ messages } as never, env as never, context)
    expect(warn.mock.calls.join('\n')).toContain(`"queue:row-refused","device":"${ids[2]}"`)
    warn.mockRestore()
    const found = await Promise.all(ids.map(listed))
    expect(found.map((list) => list?.length ?? 0)).toEqual([1, 1, 0, 1, 1, 1])
  })

  it('lists no device for an empty serial number, and none that another device’s certificate speaks of', async () => {
    const identity = newIdentity()
    await newDevice({ identity }).enroll()
    const ghost = newDevice({ identity })
    expect((await ghost.authenticate()).status).toBe(400)
    expect(await listed(ghost.udid)).toBeNull()
    const empty = await api<List>('POST', '/v1/devices', { filter_serial: [''] })
    expect(empty.body.devices).toBeNull()
  })

  it('lists a retired device as not enrolled, and it is pushed no more', async () => {
    const device = newDevice()
    await device.enroll()
    await listedAs(device, 'enrolled')
    expect((await api('POST', `/api/devices/${device.udid}/retire`)).status).toBe(200)
    expect(await listed(device.udid)).toMatchObject([{ enrollment_status: false }])
    expect((await api('GET', `/push/${device.udid}`)).body['error']).toContain(
      'not found: PushInfo',
    )
  })

  it('forgets a deleted device until it enrols again', async () => {
    const device = newDevice()
    await device.enroll()
    const remove = await api('DELETE', '/v1/devices', { opts: { udids: [device.udid] } })
    expect(remove).toEqual({ status: 200, body: {} })
    expect(await listed(device.udid)).toBeNull()
    const again = await api('DELETE', '/v1/devices', { opts: { udids: [device.udid] } })
    expect(again).toEqual({ status: 500, body: { error: `not found: Device key ${device.udid}` } })
    await device.enroll()
    await until(
      () => listed(device.udid),
      (found) => found?.length === 1,
    )
  })

  it('that was not migrated says so', async () => {
    await env.DB.exec('ALTER TABLE devices RENAME TO away')
    try {
      expect(await api('POST', '/v1/devices', {})).toEqual({
        status: 503,
        body: {
          error: 'the directory is not migrated: run `wrangler d1 migrations apply DB --remote`',
        },
      })
    } finally {
      await env.DB.exec('ALTER TABLE away RENAME TO devices')
    }
  })

  it('that is down holds up new certificates only', async () => {
    const device = newDevice()
    await device.enroll()
    const stranger = newDevice()
    await env.DB.exec('ALTER TABLE identities RENAME TO away')
    try {
      expect((await stranger.authenticate()).status).toBe(503)
      expect((await device.connect({ Status: 'Idle' })).status).toBe(200)
    } finally {
      await env.DB.exec('ALTER TABLE away RENAME TO identities')
    }
    expect((await stranger.authenticate()).status).toBe(200)
  })
})
