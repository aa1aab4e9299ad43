import worker from '../../src/index.ts'
import { createExecutionContext } from 'cloudflare:test'
import { describe, expect, it, vi } from 'vitest'
import type { Env } from '../../src/env.ts'
import { clock, turn } from './clock.ts'
import { walkPage } from '../../src/directory/devices/walk.ts'
import { api, enrolled, env, listedAs, newDevice, newIdentity, seen, until } from './server.ts'
import { passingOn } from './deployment.ts'
import { newUserId, queue, received, withUser } from './user-tools.ts'
import { consume } from '../../src/consumer.ts'
import type { DirectoryRow } from '../../src/device/standing/directory-row.ts'
import { project } from '../../src/directory/devices/rows.ts'
import { claimsOf, keepClaim } from '../../src/directory/devices/users.ts'
import { NO_FACTS } from '../../src/mdm/message.ts'

/** A Worker whose directory is out of reach. */
function withoutDirectory() {
  const refuse = () => {
    throw new Error('D1_ERROR: out of reach')
  }
  const DB = { prepare: refuse, batch: refuse }
  const its = { ...env, DB } as unknown as Env
  return (url: string, init?: unknown) =>
    worker.fetch(new Request(url, init as RequestInit), its, createExecutionContext())
}

describe('without the directory', () => {
  it('a new user gets 503 until its claim is kept; devices and known users go on', async () => {
    let isDown = false
    const down = withoutDirectory()
    const device = newDevice({
      fetch: (url, init) =>
        isDown
          ? (down(url, init) as Promise<Response>)
          : (worker.fetch(
              new Request(url, init as RequestInit),
              env as unknown as Env,
              createExecutionContext(),
            ) as Promise<Response>),
    })
    await device.enroll()
    const known = device.userChannel({ userId: newUserId(), shortName: 'ada' })
    await known.tokenUpdate()
    isDown = true
    const userId = newUserId()
    const user = device.userChannel({ userId, shortName: 'bob' })
    expect((await user.tokenUpdate()).status).toBe(503)
    expect((await known.tokenUpdate()).status).toBe(200)
    expect((await device.connect({ Status: 'Idle' })).status).toBe(200)
    isDown = false
    expect((await user.tokenUpdate()).status).toBe(200)
    await queue(userId, 'bare')
    expect(await received(user)).toEqual(['bare'])
  })

  it('a bare UserID is 503, and nothing is queued under it; a device answers to its own id', async () => {
    const { device, user, userId } = await withUser()
    const down = withoutDirectory()
    const call = async (method: string, path: string, body?: object) =>
      (
        await down(`http://mdm.test${path}`, {
          method,
          headers: { authorization: `Basic ${btoa('micromdm:test-key')}` },
          ...(body ? { body: JSON.stringify(body) } : {}),
        })
      ).status
    const order = { request_type: 'ProfileList' }
    expect(await call('POST', '/v1/commands', { udid: userId, ...order })).toBe(503)
    expect(await call('POST', `/api/devices/${userId}/commands`, order)).toBe(503)
    expect(await call('GET', `/v1/commands/${userId}`)).toBe(503)
    expect(await call('POST', '/v1/commands', { udid: device.udid, ...order })).toBe(201)
    const { body } = await api('GET', `/api/devices/${userId}/commands/waiting`)
    expect(body['items']).toEqual([])
    expect(await received(user)).toEqual([])
  })
})

describe('the declarative management server', () => {
  async function idSent(ask: () => Promise<unknown>): Promise<string | undefined> {
    const before = (await seen('/declaration-items', 'ddm')).length
    await ask()
    const asked = await seen('/declaration-items', 'ddm')
    expect(asked).toHaveLength(before + 1)
    return asked.at(-1)?.headers['x-enrollment-id']
  }
  const ITEMS = { Endpoint: 'declaration-items' }
  const PASSED_ON = { fetch: passingOn }

  it('knows a user by the bare UserID where that leads to this channel, else by the full id', async () => {
    const one = await withUser(newUserId(), PASSED_ON)
    const ask = () => one.user.checkIn('DeclarativeManagement', ITEMS)
    expect(await idSent(ask)).toBe(one.userId)
    const two = await withUser(one.userId, PASSED_ON)
    expect(await idSent(ask)).toBe(one.id)
    expect(await idSent(() => two.user.checkIn('DeclarativeManagement', ITEMS))).toBe(two.id)
    await two.user.checkOut()
    expect(await idSent(ask)).toBe(one.userId)
  })

  it('never gets a device’s id from another device', async () => {
    const victim = await enrolled(PASSED_ON)
    const hostile = await enrolled(PASSED_ON)
    const ask = (ids: Record<string, string>) =>
      hostile.checkIn('DeclarativeManagement', { ...ids, ...ITEMS })
    expect(await idSent(() => ask({ UserID: victim.udid }))).toBe(`${hostile.udid}:${victim.udid}`)
    for (const UserID of [`${victim.udid}:X`, ` ${victim.udid}`, `${victim.udid}\n`]) {
      expect((await ask({ UserID })).status).toBe(400)
    }
  })
})

const COMMAND = { request_type: 'ProfileList' }

it('an id of every form that may enrol leads to its channel', async () => {
  const place = crypto.randomUUID()
  for (const udid of ['a/b', 'a?b#c', 'a%2Fb', 'a\\b', '...', "a'b;c=d", 'A.1'].map(
    (form) => `${form}${place}`,
  )) {
    const device = newDevice({ udid })
    await device.enroll()
    for (const name of ['50%', 'ada/admin', 'DOMAIN\\ada', '山田 太郎', '..a', 'a?b']) {
      const user = device.userChannel({ userId: name, shortName: 'ada' })
      await user.tokenUpdate()
      const path = `/api/devices/${encodeURIComponent(`${udid}:${name}`)}/commands`
      expect(await api('POST', path, COMMAND)).toMatchObject({ status: 202 })
      await user.poll()
      expect(user.received).toHaveLength(1)
    }
    const queued = await api('POST', `/api/devices/${encodeURIComponent(udid)}/commands`, COMMAND)
    expect(queued.body).toMatchObject({ id: `${udid}.1` })
    const id = encodeURIComponent(`${udid}.1`)
    expect(await api('GET', `/api/commands/${id}`)).toMatchObject({ status: 200 })
    expect(await api('GET', `/v1/commands/${encodeURIComponent(udid)}`)).toMatchObject({
      body: { commands: [{}] },
    })
  }
})

interface List {
  devices:
    | { udid: string; serial_number: string; enrollment_status: boolean; last_seen: string }[]
    | null
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
  it('keeps the newest row of a device, in any order of arrival', async () => {
    const id = crypto.randomUUID()
    await project(env.DB, [row(id, { version: 2, enrolled: false })])
    await project(env.DB, [row(id, { version: 1, enrolled: true })])
    expect(await listed(id)).toMatchObject([{ enrollment_status: false }])
    await project(env.DB, [row(id, { version: 3, enrolled: true })])
    expect(await listed(id)).toMatchObject([{ enrollment_status: true }])
  })

  it('never sets back when a device was seen', async () => {
    const id = crypto.randomUUID()
    const shown: unknown[] = []
    for (const [version, lastSeen] of [
      [1, 5000],
      [2, 3000],
      [3, 9000],
    ] as const) {
      await project(env.DB, [row(id, { version, lastSeen })])
      shown.push(...((await listed(id)) ?? []).map(({ last_seen }) => last_seen))
    }
    const [first, last] = ['1970-01-01T00:00:05Z', '1970-01-01T00:00:09Z']
    expect(shown).toEqual([first, first, last])
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
    expect(warn.mock.calls.join('\n')).toContain(`"directory:row-refused","device":"${ids[2]}"`)
    warn.mockRestore()
    const found = await Promise.all(ids.map(listed))
    expect(found.map((list) => list?.length ?? 0)).toEqual([1, 1, 0, 1, 1, 1])
  })

  it('lists no device for an empty serial number, and none by another device’s certificate', async () => {
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

  it('that was not migrated is reported', async () => {
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

it('a walk can leave out the devices that enrolled later', async () => {
  const first = await enrolled()
  turn(1000)
  const since = clock.now()
  const later = await enrolled()
  const place = [first.udid, later.udid].toSorted()[0]?.slice(0, -1) ?? ''
  const ids = async (before?: number) => (await walkPage(env.DB, place, 1000, before)).ids
  expect(await ids(since)).toContain(first.udid)
  expect(await ids(since)).not.toContain(later.udid)
  expect(await ids()).toEqual(expect.arrayContaining([first.udid, later.udid]))
})
