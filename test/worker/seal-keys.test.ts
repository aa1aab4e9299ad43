import { randomBytes } from 'node:crypto'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { newHandoverReader, RING_PURPOSE } from '../../src/pki/seal/handover.ts'
import { createSealer, SealError } from '../../src/pki/seal/seal.ts'
import { allRows } from './audit-tools.ts'
import { turn } from './clock.ts'
import { SCOPES } from '../../src/keys/scopes.ts'
import { ask, bearer, controlBehind, newKey } from './keys-api-tools.ts'
import { holdRing } from './seal-keys-tools.ts'
import { api, env } from './server.ts'

const OTHER = `k0:${randomBytes(32).toString('base64')}`
const [ownId = ''] = createSealer(env.SEAL_KEYS).keyIds
const [otherId = ''] = createSealer(OTHER).keyIds

interface Letter {
  ids: string[]
  letter: string
  detail: string
}

interface Listed {
  id: string
  place: string
  in_control: boolean
}

const reader = newHandoverReader(RING_PURPOSE)

function reveal(publicKey = reader.publicKey, why: object = { reason: 'ticket 42' }) {
  const body = { public_key: Buffer.from(publicKey).toString('base64'), ...why }
  return api<Letter>('POST', '/api/seal-keys/reveal', body)
}

const list = async () => (await api<{ items: Listed[] }>('GET', '/api/seal-keys')).body.items
const forget = () => api<{ detail: string }>('DELETE', '/api/seal-keys/control')

beforeEach(() => {
  vi.spyOn(console, 'warn').mockImplementation(() => undefined)
})

describe('the list', () => {
  it('says where each key lies, the keys of the secret first, and no key', async () => {
    await holdRing(OTHER)
    expect(await list()).toEqual([
      { id: ownId, place: 'secret', in_control: false },
      { id: otherId, place: 'control', in_control: true },
    ])
    await holdRing(`${env.SEAL_KEYS},${OTHER}`)
    const items = await list()
    expect(items).toEqual([
      { id: ownId, place: 'secret', in_control: true },
      { id: otherId, place: 'control', in_control: true },
    ])
    expect(JSON.stringify(items)).not.toContain(OTHER.slice(3))
  })
})

describe('the letter', () => {
  it('has the keys of Control alone, for its reader alone', async () => {
    await holdRing(OTHER)
    const { status, body } = await reveal()
    expect(status).toBe(200)
    expect(body.ids).toEqual([otherId])
    const bytes = Buffer.from(body.letter, 'base64')
    expect(Buffer.from(reader.open(bytes)).toString()).toBe(OTHER)
    expect(bytes.includes(OTHER.slice(3, 20))).toBe(false)
    expect(() => newHandoverReader(RING_PURPOSE).open(bytes)).toThrow(SealError)
  })

  it('to another key is another letter: a copied request gives a thief nothing', async () => {
    await holdRing(OTHER)
    const thief = newHandoverReader(RING_PURPOSE)
    const [mine, copied] = [await reveal(), await reveal()]
    expect(copied.body.letter).not.toBe(mine.body.letter)
    const bytes = Buffer.from(copied.body.letter, 'base64')
    expect(() => thief.open(bytes)).toThrow(SealError)
    expect(Buffer.from(reader.open(bytes)).toString()).toBe(OTHER)
  })

  it('is in the audit before it is written, with the reason, and without the keys', async () => {
    await holdRing(OTHER)
    await reveal(undefined, { reason: 'to secrets', who: 'ada' })
    const [row] = await allRows()
    expect(row).toMatchObject({
      action: 'seal_key.reveal',
      scope: 'admin',
      outcome: 'asked',
      detail: { reason: 'to secrets', who: 'ada', ids: [otherId] },
    })
    expect(JSON.stringify(row)).not.toContain(OTHER.slice(3))
  })

  it('is not written while the audit cannot be', async () => {
    await holdRing(OTHER)
    const AUDIT = { getByName: () => ({ append: () => Promise.reject(new Error('away')) }) }
    const body = JSON.stringify({
      public_key: Buffer.from(reader.publicKey).toString('base64'),
      reason: 'x',
    })
    const init = { method: 'POST', ...bearer('test-key'), body }
    const response = await ask('/api/seal-keys/reveal', init, { AUDIT })
    expect(response.status).toBe(503)
    expect(await response.text()).not.toContain('letter')
  })

  it.each([
    ['a zero key', { public_key: Buffer.alloc(32).toString('base64') }, /not a public key/],
    ['a short key', { public_key: 'AAAA' }, /32 bytes/],
    ['no reason', { reason: ' ' }, /reason is needed/],
  ])('is refused with %s', async (_, wrong, words) => {
    await holdRing(OTHER)
    const { status, body } = await reveal(undefined, { reason: 'x', ...wrong })
    expect(status).toBe(400)
    expect(body.detail).toMatch(words)
  })

  it('is refused when Control holds no key', async () => {
    await holdRing('')
    const { status, body } = await reveal()
    expect([status, body.detail]).toEqual([409, expect.stringContaining('holds no seal keys')])
  })
})

describe('Control', () => {
  it('keeps its keys as long as the secret lacks one of them', async () => {
    await holdRing(`${OTHER},${env.SEAL_KEYS}`)
    expect(await forget()).toMatchObject({
      status: 409,
      body: { detail: expect.stringContaining(`lacks ${otherId}`) },
    })
    expect(await list()).toHaveLength(2)
  })

  it('forgets its copy, and a second call is no error', async () => {
    await holdRing(env.SEAL_KEYS)
    expect((await forget()).status).toBe(204)
    expect((await forget()).status).toBe(204)
    const items = (await list()).filter(({ in_control: isHeld }) => isHeld)
    expect(items).toEqual([])
    const rows = await allRows()
    expect(rows.filter(({ action }) => action === 'seal_key.forget')).not.toEqual([])
  })
})

const ALL_BUT_METRICS = SCOPES.filter((scope) => scope !== 'metrics')

it.each([
  ['GET', '/api/seal-keys', SCOPES.filter((scope) => scope !== 'admin'), 'lacks scope admin'],
  // The ring makes challenges and enrolment tokens, and opens secrets: more than any scope gives.
  ['POST', '/api/seal-keys/reveal', ['admin'], 'needs a key with all scopes'],
  ['POST', '/api/seal-keys/reveal', ALL_BUT_METRICS, 'lacks metrics'],
  ['DELETE', '/api/seal-keys/control', ['admin'], 'needs a key with all scopes'],
])('%s %s is refused to %s, and asks Control nothing', async (method, path, scopes, words) => {
  await holdRing(OTHER)
  const { key } = await newKey(scopes)
  turn(60_000)
  const asked: string[] = []
  const watched = controlBehind((call) => asked.push(call))
  const body = method === 'POST' ? { body: '{}' } : {}
  const response = await ask(path, { method, ...bearer(key), ...body }, watched)
  expect(response.status).toBe(403)
  expect(await response.json()).toMatchObject({
    code: 'missing_scope',
    detail: expect.stringContaining(words),
  })
  expect(asked.filter((call) => /ring/i.test(call))).toEqual([])
})
