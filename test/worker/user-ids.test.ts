import { createExecutionContext } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import type { Env } from '../../src/env.ts'
import worker from '../../src/index.ts'
import { api, env, newDevice, seen } from './server.ts'
import { enrolled, newUserId, queue, received, withUser } from './user-tools.ts'

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
          headers: { authorization: `Basic ${btoa('micromdm:secret')}` },
          ...(body ? { body: JSON.stringify(body) } : {}),
        })
      ).status
    const order = { request_type: 'ProfileList' }
    expect(await call('POST', '/v1/commands', { udid: userId, ...order })).toBe(503)
    expect(await call('POST', `/api/devices/${userId}/commands`, order)).toBe(503)
    expect(await call('GET', `/v1/commands/${userId}`)).toBe(503)
    expect(await call('POST', '/v1/commands', { udid: device.udid, ...order })).toBe(201)
    const { body } = await api('GET', `/api/devices/${userId}/commands/waiting`)
    expect(body['commands']).toEqual([])
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

  it('knows a user by the bare UserID where that leads to this channel, else by the full id', async () => {
    const one = await withUser()
    const ask = () => one.user.checkIn('DeclarativeManagement', ITEMS)
    expect(await idSent(ask)).toBe(one.userId)
    const two = await withUser(one.userId)
    expect(await idSent(ask)).toBe(one.id)
    expect(await idSent(() => two.user.checkIn('DeclarativeManagement', ITEMS))).toBe(two.id)
    await two.user.checkOut()
    expect(await idSent(ask)).toBe(one.userId)
  })

  it('never hears a device’s id from another device', async () => {
    const victim = await enrolled()
    const hostile = await enrolled()
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
