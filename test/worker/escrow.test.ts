import { runInDurableObject } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import { writePlist } from '../../src/plist/write.ts'
import type { PlistDict } from '../../src/plist/value.ts'
import { api, enrolled, env, newDevice, newIdentity, serve } from './server.ts'

interface Command {
  id: string
  state: string
  command: Record<string, unknown> | null
  result: Record<string, unknown> | null
  secrets: string[]
}
interface Revealed {
  command: Record<string, unknown> | null
  result: Record<string, unknown> | null
  detail?: string
}
interface Read {
  kind: string
  token_id: string | null
  command_id: string | null
  who: string
  address: string
  reason: string
}

const AUTH = { authorization: `Basic ${btoa('micromdm:test-key')}` }
const PIN = 'Pq7xZ9'
const CODE = 'AB2C3-DEF4G-HJ5KL-MN6P-QR7T-UV8W'
const WHY = { reason: 'the Mac is locked, ticket 42', who: 'ada' }

async function enrolledWithCalls() {
  const device = await enrolled({
    answer: ({ requestType }): PlistDict | undefined =>
      requestType === 'ActivationLockBypassCode'
        ? { Status: 'Acknowledged', ActivationLockBypassCode: CODE }
        : undefined,
  })
  const path = `/api/devices/${device.udid}`
  const reveal = (id: string, body: object = WHY) =>
    api<Revealed>('POST', `/api/commands/${encodeURIComponent(id)}/secrets`, body)
  const queue = async (body: object) => (await api<Command>('POST', `${path}/commands`, body)).body
  const get = async (id: string) => (await api<Command>('GET', `/api/commands/${id}`)).body
  const reads = async () => (await api<{ items: Read[] }>('GET', `${path}/escrow/reads`)).body.items
  return { device, path, queue, get, reveal, reads }
}

const text = async (path: string): Promise<string> => (await serve(path, { headers: AUTH })).text()

describe('a command that holds a secret', () => {
  it('is shown only for a reason, before the device has answered and after', async () => {
    const { device, path, queue, get, reveal, reads } = await enrolledWithCalls()
    const lock = { request_type: 'DeviceLock', pin: PIN, message: 'call us' }
    const queued = await queue(lock)
    const open = { command: { RequestType: 'DeviceLock', Message: 'call us' } }
    expect(queued).toMatchObject({ ...open, result: null, secrets: ['command.PIN'] })
    expect(queued.command).not.toHaveProperty('PIN')
    const whole = { RequestType: 'DeviceLock', PIN, Message: 'call us' }
    expect(await reveal(queued.id)).toMatchObject({
      status: 200,
      body: { command: whole, result: null },
    })
    await device.poll()
    const answered = await get(queued.id)
    expect(answered).toMatchObject({ ...open, state: 'acknowledged', secrets: ['command.PIN'] })
    expect(answered.result).toMatchObject({ Status: 'Acknowledged' })
    expect(await reveal(queued.id, { reason: 'once more' })).toMatchObject({
      status: 200,
      body: { id: queued.id, command: whole, result: { Status: 'Acknowledged' } },
    })
    for (const shown of [
      ...['', '/commands', '/events', '/escrow'].map((part) => path + part),
      `/api/commands/${queued.id}`,
      `/api/commands/${queued.id}/result`,
    ]) {
      expect(await text(shown)).not.toContain(PIN)
    }
    const entry = { kind: 'command', token_id: null, command_id: queued.id, address: null }
    expect(await reads()).toMatchObject([
      { ...entry, reason: 'once more', who: 'micromdm' },
      { ...entry, ...WHY },
    ])
  })

  it('is shown with an entry of the caller’s address, and never cached', async () => {
    const { queue, reads } = await enrolledWithCalls()
    const { id } = await queue({ request_type: 'SetRecoveryLock', new_password: PIN })
    const response = await serve(`/api/commands/${id}/secrets`, {
      method: 'POST',
      headers: { ...AUTH, 'cf-connecting-ip': '192.0.2.7' },
      body: JSON.stringify(WHY),
    })
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(await response.text()).toContain(PIN)
    expect(await reads()).toMatchObject([{ address: '192.0.2.7' }])
  })

  it.each([
    ['no reason', {}, 400, 'a reason is needed'],
    ['a blank reason', { reason: ' ' }, 400, 'a reason is needed'],
    ['another word', { reason: 'x', why: 'y' }, 400, 'Unrecognized key'],
  ])('is not shown for %s, and leaves no entry', async (_, body, status, detail) => {
    const { queue, reveal, reads } = await enrolledWithCalls()
    const { id } = await queue({ request_type: 'DeviceLock', pin: PIN })
    const refused = await reveal(id, body)
    expect(refused.status).toBe(status)
    expect(refused.body.detail).toContain(detail)
    expect(JSON.stringify(refused.body)).not.toContain(PIN)
    expect(await reads()).toEqual([])
  })

  it('shows no key that is not known to be harmless', async () => {
    const { device, path, get, reveal } = await enrolledWithCalls()
    const raw = (Command: PlistDict, CommandUUID: string) =>
      api('POST', `/v1/commands/${device.udid}`, writePlist({ Command, CommandUUID }))
    await raw({ RequestType: 'DeviceLock', Pin: PIN, PhoneNumber: '1' }, 'a')
    await raw({ RequestType: 'devicelock', PIN }, 'b')
    await raw({ RequestType: 'SetSomethingNew', Password: PIN }, 'c')
    expect(await get(`${device.udid}.1`)).toMatchObject({
      command: { RequestType: 'DeviceLock', PhoneNumber: '1' },
      secrets: ['command.Pin'],
    })
    expect((await get(`${device.udid}.2`)).secrets).toEqual(['command.PIN'])
    expect((await get(`${device.udid}.3`)).secrets).toEqual(['command.Password'])
    expect(await text(`${path}/commands`)).not.toContain(PIN)
    expect((await reveal(`${device.udid}.3`)).body.command).toMatchObject({ Password: PIN })
    // MicroMDM shows the whole payload of what waits, and its clients rely on it.
    expect(await text(`/v1/commands/${device.udid}`)).toContain('"payload"')
  })

  it('for many is shown by neither the job nor the device’s command', async () => {
    const { device, get, reveal } = await enrolledWithCalls()
    const lock = { request_type: 'DeviceLock', pin: PIN }
    const order = { ids: [device.udid], command: lock }
    const { body } = await api<{ id: string }>('POST', '/api/commands', order)
    for (const part of ['', '/outcomes']) {
      expect(await text(`/api/jobs/${body.id}${part}`)).not.toContain(PIN)
    }
    expect(JSON.stringify(body)).not.toContain(PIN)
    expect((await get(`${device.udid}.1`)).secrets).toEqual(['command.PIN'])
    expect((await reveal(`${device.udid}.1`)).body.command).toMatchObject({ PIN })
  })
})

describe('an answer that holds a secret', () => {
  it('is shown only for a reason, and never as bytes', async () => {
    const { device, queue, get, reveal } = await enrolledWithCalls()
    const { id } = await queue({ request_type: 'ActivationLockBypassCode' })
    await device.poll()
    const answered = await get(id)
    expect(answered).toMatchObject({
      result: { Status: 'Acknowledged' },
      secrets: ['result.ActivationLockBypassCode'],
    })
    expect(JSON.stringify(answered)).not.toContain(CODE)
    const refused = await api<{ detail: string }>('GET', `/api/commands/${id}/result`)
    expect(refused.status).toBe(403)
    expect(refused.body.detail).toContain(`POST /api/commands/${id}/secrets`)
    expect((await reveal(id)).body.result).toMatchObject({ ActivationLockBypassCode: CODE })
  })
})

it('of a user’s command the entry is in the list of the device', async () => {
  const { device, reveal, reads } = await enrolledWithCalls()
  const user = device.userChannel({ userId: crypto.randomUUID(), shortName: 'ada' })
  await user.tokenUpdate()
  const raw = { Command: { RequestType: 'SetSomethingNew', Password: PIN } }
  const to = `/api/devices/${device.udid}:${user.enrollmentId.split(':').at(-1)}/commands?force=true`
  const { body } = await api<Command>('POST', to, raw)
  expect((await reveal(body.id)).body.command).toMatchObject({ Password: PIN })
  expect(await reads()).toMatchObject([{ command_id: body.id }])
})

it('a secret that is no longer kept is 404, and leaves no entry', async () => {
  const { device, queue, reveal, reads } = await enrolledWithCalls()
  const { id } = await queue({ request_type: 'DeviceLock', pin: PIN })
  await api('DELETE', `/api/commands/${id}`)
  await device.poll()
  for (const gone of [id, `${device.udid}.99`]) {
    const { status, body } = await reveal(gone)
    expect(status).toBe(404)
    expect(body.detail).toContain('kept')
  }
  expect(await reads()).toEqual([])
})

interface List {
  items: object[]
}
interface ReadToken {
  id: string
  value: string
  archived_at: string | null
}

async function phone() {
  const device = newDevice({ platform: 'iOS' })
  await device.authenticate()
  const unlockToken = crypto.getRandomValues(new Uint8Array(512))
  await device.tokenUpdate({ unlockToken })
  const path = `/api/devices/${device.udid}/escrow`
  return { device, path, value: Buffer.from(unlockToken).toString('base64') }
}

it('an admin reads an escrowed token with a reason, and the entry stays', async () => {
  const { path, value } = await phone()
  const read = await api<ReadToken>('POST', `${path}/unlock_token`, {
    reason: 'forgot the passcode',
    who: 'ada',
  })
  expect(read).toMatchObject({ status: 200, body: { id: '1', value, archived_at: null } })
  const list = await api<List>('GET', path)
  expect(list.body.items).toMatchObject([{ id: '1', kind: 'unlock_token', archived_at: null }])
  expect((await api<List>('GET', `${path}/reads`)).body.items).toMatchObject([
    { who: 'ada', kind: 'unlock_token', token_id: '1', reason: 'forgot the passcode' },
  ])
  expect(JSON.stringify(list.body)).not.toContain(value)
})

it('a bypass code whose seal key is gone does not keep the device from answering with it again', async () => {
  const { device, path, queue } = await enrolledWithCalls()
  const ask = async () => {
    await queue({ request_type: 'ActivationLockBypassCode' })
    await device.poll()
  }
  await ask()
  await runInDurableObject(env.DEVICE.getByName(device.udid), (_, { storage }) => {
    storage.sql.exec("UPDATE escrow SET value = x'00' WHERE kind = 'activation_lock_bypass'")
  })
  await ask()
  const read = await api('POST', `${path}/escrow/activation_lock_bypass`, WHY)
  expect(read.status).toBe(200)
})

it('the bypass code that a device answers is kept, until a clear makes it worthless', async () => {
  const { device, path, queue, reads } = await enrolledWithCalls()
  const tokens = async () => (await api<List>('GET', `${path}/escrow`)).body.items
  for (const type of ['ActivationLockBypassCode', 'ActivationLockBypassCode']) {
    await queue({ request_type: type })
    await device.poll()
  }
  const kind = 'activation_lock_bypass'
  expect(await tokens()).toMatchObject([{ id: '1', kind, archived_at: null }])
  expect(await text(`${path}/escrow`)).not.toContain(CODE)
  const read = await api<ReadToken>('POST', `${path}/escrow/${kind}`, WHY)
  expect(Buffer.from(read.body.value, 'base64').toString()).toBe(CODE)
  expect(await reads()).toMatchObject([{ kind, token_id: '1', ...WHY }])
  await queue({ request_type: 'ClearActivationLockBypassCode' })
  await device.poll()
  expect(await tokens()).toMatchObject([{ kind, archived_at: expect.stringMatching(/^20/) }])
  expect((await api('POST', `${path}/escrow/${kind}`, WHY)).status).toBe(404)
})

it('a token of an earlier enrolment is archived: an admin reads it by its number', async () => {
  const { device, path, value } = await phone()
  device.useIdentity(newIdentity())
  await device.authenticate()
  await device.tokenUpdate()
  const ask = (body: object) => api<ReadToken>('POST', `${path}/unlock_token`, body)
  expect((await ask({ reason: 'theft' })).status).toBe(404)
  expect(await ask({ reason: 'theft', token_id: '1' })).toMatchObject({
    status: 200,
    body: { value, archived_at: expect.stringMatching(/^20/) },
  })
})

it.each([
  ['unlock_token', 'no reason', {}, 400, 'a reason is needed'],
  ['unlock_token', 'a blank reason', { reason: '  ' }, 400, 'a reason is needed'],
  ['unlock_token', 'a long reason', { reason: 'x'.repeat(1001) }, 400, 'at most 1000 characters'],
  ['unlock_token', 'a word as number', { reason: 'x', token_id: 'one' }, 400, 'has to be the id'],
  ['unlock_token', 'a list', '[1]', 400, 'an object'],
  ['unlock_token', 'half an object', '{', 400, 'no valid JSON'],
  ['bootstrap_token', 'a reason', { reason: 'x' }, 404, 'no such bootstrap_token in escrow'],
  ['recovery_key', 'a reason', { reason: 'x' }, 400, 'param.kind'],
])('reading %s with %s is refused and leaves no entry', async (kind, _, body, status, message) => {
  const { path } = await phone()
  const refused = await api('POST', `${path}/${kind}`, body)
  expect(refused.status).toBe(status)
  expect(refused.body['detail']).toContain(message)
  expect((await api<List>('GET', `${path}/reads`)).body.items).toEqual([])
})

it('ClearPasscode without a token is filled with the device’s own, or refused when it has none', async () => {
  const { device, value } = await phone()
  const clear = { udid: device.udid, request_type: 'ClearPasscode' }
  expect((await api('POST', '/v1/commands', clear)).status).toBe(201)
  const given = await device.connect({ Status: 'Idle' })
  const payload = new TextDecoder().decode(given.body)
  expect(payload.replaceAll(/\s/g, '')).toContain(`<data>${value}</data>`)
  const mac = newDevice()
  await mac.enroll()
  const refused = await api('POST', '/v1/commands', { ...clear, udid: mac.udid })
  expect(refused.status).toBe(400)
  expect(refused.body['error']).toContain('give it as unlock_token')
})
