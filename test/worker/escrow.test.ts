import { expect, it } from 'vitest'
import { api, newDevice, newIdentity } from './server.ts'

interface List {
  tokens: { token: number; kind: string; stored_at: string; archived_at: string | null }[]
  reads: { at: string; who: string; kind: string; token: number; reason: string }[]
}
interface Read {
  token: number
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
  const read = await api<Read>('POST', `${path}/unlock_token`, {
    reason: 'forgot the passcode',
    who: 'ada',
  })
  expect(read).toMatchObject({ status: 200, body: { token: 1, value, archived_at: null } })
  const list = await api<List>('GET', path)
  expect(list.body).toMatchObject({
    tokens: [{ token: 1, kind: 'unlock_token', archived_at: null }],
    reads: [{ who: 'ada', kind: 'unlock_token', token: 1, reason: 'forgot the passcode' }],
  })
  expect(JSON.stringify(list.body)).not.toContain(value)
})

it('a token of an earlier enrolment is archived: an admin reads it by its number', async () => {
  const { device, path, value } = await phone()
  device.useIdentity(newIdentity())
  await device.authenticate()
  await device.tokenUpdate()
  const ask = (body: object) => api<Read>('POST', `${path}/unlock_token`, body)
  expect((await ask({ reason: 'theft' })).status).toBe(404)
  expect(await ask({ reason: 'theft', token: 1 })).toMatchObject({
    status: 200,
    body: { value, archived_at: expect.stringMatching(/^20/) },
  })
})

it.each([
  ['unlock_token', 'no reason', {}, 400, 'a reason is needed'],
  ['unlock_token', 'a blank reason', { reason: '  ' }, 400, 'a reason is needed'],
  ['unlock_token', 'a long reason', { reason: 'x'.repeat(1001) }, 400, 'at most 1000 characters'],
  ['unlock_token', 'a word as number', { reason: 'x', token: 'one' }, 400, 'has to be the number'],
  ['unlock_token', 'a list', '[1]', 400, 'expected object'],
  ['unlock_token', 'half an object', '{', 400, 'Malformed JSON'],
  ['bootstrap_token', 'a reason', { reason: 'x' }, 404, 'no such bootstrap_token in escrow'],
  ['recovery_key', 'a reason', { reason: 'x' }, 400, 'param.kind'],
])('reading %s with %s is refused and leaves no entry', async (kind, _, body, status, message) => {
  const { path } = await phone()
  const refused = await api('POST', `${path}/${kind}`, body)
  expect(refused.status).toBe(status)
  expect(refused.body['detail']).toContain(message)
  expect((await api<List>('GET', path)).body.reads).toEqual([])
})

it('ClearPasscode without a token is filled with the device’s own, or refused when it has none', async () => {
  const { device, value } = await phone()
  const clear = { udid: device.udid, request_type: 'ClearPasscode' }
  expect((await api('POST', '/v1/commands', clear)).status).toBe(201)
  const given = await device.connect({ Status: 'Idle' })
  const text = new TextDecoder().decode(given.body)
  expect(text.replaceAll(/\s/g, '')).toContain(`<data>${value}</data>`)
  const mac = newDevice()
  await mac.enroll()
  const refused = await api('POST', '/v1/commands', { ...clear, udid: mac.udid })
  expect(refused.status).toBe(400)
  expect(refused.body['error']).toContain('give it as unlock_token')
})
