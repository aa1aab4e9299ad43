import { webcrypto } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { pbkdf2 } from '../../src/blueprints/password.ts'
import { encodeBase64 } from '../../src/plist/base64.ts'
import { readPlist } from '../../src/plist/read.ts'
import { writePlist } from '../../src/plist/write.ts'
import { mdmctl, storeBlueprint } from './blueprint-tools.ts'
import { api, env } from './server.ts'

const HASH = encodeBase64(
  writePlist({
    'SALTED-SHA512-PBKDF2': {
      entropy: new Uint8Array(128),
      iterations: 20_000,
      salt: new Uint8Array(32),
    },
  }),
)
const ALL = '{"page":0,"per_page":0,"filter_user_id":null,"filter_udid":null}\n'

interface User {
  uuid: string
  password_hash: string | null
  password?: object
}
interface Hashed {
  'SALTED-SHA512-PBKDF2': { entropy: Uint8Array; salt: Uint8Array; iterations: number }
}

async function putUser(user: object) {
  const { status, body } = await mdmctl('PUT', '/v1/users', `${JSON.stringify({ user })}\n`)
  return { status, body, user: body['user'] as User }
}

async function listed(): Promise<User[] | null> {
  return (await mdmctl('POST', '/v1/users', ALL)).body['users'] as User[] | null
}

async function isHashOf(base64: string | null, password: string): Promise<boolean> {
  const bytes = new Uint8Array(Buffer.from(base64 ?? '', 'base64'))
  const { entropy, salt, iterations } = (readPlist(bytes) as unknown as Hashed)[
    'SALTED-SHA512-PBKDF2'
  ]
  const { subtle } = webcrypto
  const computed = await pbkdf2(password, { subtle, salt, iterations })
  return Buffer.from(computed).equals(Buffer.from(entropy))
}

describe('mdmctl', () => {
  it('lists none as null, and needs a body as in MicroMDM', async () => {
    expect(await listed()).toBeNull()
    expect(await mdmctl('POST', '/v1/users', '')).toMatchObject({
      status: 500,
      body: { error: 'EOF' },
    })
  })

  it('makes a user with a uuid, and keeps only what MicroMDM keeps', async () => {
    const sent = {
      udid: 'U',
      user_id: 'I',
      user_shortname: 'itadmin',
      user_longname: 'IT <Admin>',
      auth_token: 'T',
      password_hash: HASH,
      hidden: true,
    }
    const { status, body, user } = await putUser(sent)
    expect(status).toBe(200)
    expect(body).toEqual({
      user: {
        ...sent,
        uuid: expect.stringMatching(/^[\da-f-]{36}$/),
        udid: '',
        user_id: '',
        auth_token: '',
      },
    })
    expect(Object.keys(user)).toEqual([
      'uuid',
      'udid',
      'user_id',
      'user_shortname',
      'user_longname',
      'auth_token',
      'password_hash',
      'hidden',
    ])
    expect(await listed()).toContainEqual(user)
  })

  it('stores a user with a uuid as it is, also an unknown one', async () => {
    const sent = {
      uuid: 'u-1',
      udid: 'U',
      user_id: 'I',
      user_shortname: 'ada',
      user_longname: '',
      auth_token: 'T',
      password_hash: null,
      hidden: false,
    }
    expect((await putUser(sent)).body).toEqual({ user: sent })
    const changed = { ...sent, user_shortname: 'bob', password_hash: 'aGFzaA==' }
    expect((await putUser(changed)).body).toEqual({ user: changed })
    expect((await listed())?.filter(({ uuid }) => uuid === 'u-1')).toEqual([changed])
  })

  it.each([
    [{}, /^user_shortname has to have 1 to 1000 characters/],
    [{ user_shortname: 'x', password: 7 }, /^password has to be a text, or/],
    [{ user_shortname: 'x', password: '' }, /^password has to have 1 to 500/],
    [{ user_shortname: 'x', password: 'y', password_hash: HASH }, /^the user has both/],
    [{ user_shortname: 'x', password_hash: '?' }, /^illegal base64 data at input byte 0$/],
    [{ user_shortname: 7 }, /^json: cannot unmarshal number into Go struct field User/],
  ])('is refused %j', async (user, text) => {
    const { status, body } = await putUser(user)
    expect([status, body]).toEqual([500, { error: expect.stringMatching(text) }])
  })

  it('is refused a body without a user', async () => {
    expect(await mdmctl('PUT', '/v1/users', '{}')).toMatchObject({
      body: { error: 'no user supplied' },
    })
  })
})

describe('the password of a user', () => {
  it('is hashed once, and stored nowhere in clear', async () => {
    const { user } = await putUser({ user_shortname: 'ada', password: 'Grüße, Mac!' })
    expect(await isHashOf(user.password_hash, 'Grüße, Mac!')).toBe(true)
    expect(await isHashOf(user.password_hash, 'Grüße, Mac')).toBe(false)
    const again = (await listed())?.find(({ uuid }) => uuid === user.uuid)
    expect(again).toEqual(user)
    const row = await env.DB.prepare('SELECT * FROM setup_users WHERE uuid = ?')
      .bind(user.uuid)
      .first<{ sealed: number[] }>()
    const text = Buffer.from(row?.sealed ?? []).toString('latin1') + JSON.stringify(row)
    expect(text).not.toContain('SALTED')
    expect(text).not.toContain(String(user.password_hash).slice(0, 40))
  })

  it('may be one of each device, and stays so when mdmctl sends the user back', async () => {
    const { user } = await putUser({ user_shortname: 'ada', password: { generate: true } })
    expect(user).toMatchObject({ password_hash: null, password: { generate: true } })
    const { password: _, ...known } = user
    expect((await putUser({ ...known, user_longname: 'Ada' })).user).toMatchObject({
      password: { generate: true },
    })
    const hashed = await putUser({ ...known, password_hash: HASH })
    expect(hashed.user).not.toHaveProperty('password')
  })
})

describe('the own API', () => {
  const at = (id: string) => `/api/setup-users/${id}`

  it('stores a user under an id, and shows no password', async () => {
    const made = await api('PUT', at('own-1'), { short_name: 'ada', password: 'secret' })
    expect(made).toMatchObject({ status: 201, body: { id: 'own-1', password: 'stored' } })
    expect(JSON.stringify(made.body)).not.toContain('hash')
    const before = (await listed())?.find(({ uuid }) => uuid === 'own-1')
    expect(await isHashOf(before?.password_hash ?? null, 'secret')).toBe(true)
    const changed = await api('PUT', at('own-1'), { short_name: 'bob' })
    expect(changed).toMatchObject({ status: 200, body: { short_name: 'bob', password: 'stored' } })
    const after = (await listed())?.find(({ uuid }) => uuid === 'own-1')
    expect(after?.password_hash).toBe(before?.password_hash)
  })

  it.each([
    [{ short_name: 'x' }, 'json.password'],
    [{ short_name: '', password: 'x' }, 'json.short_name'],
    [{ short_name: 'x', password: 'x', generate_password: true }, 'json'],
    [{ short_name: 'x', password_hash: 'aGFzaA==' }, 'json.password_hash'],
    [{ short_name: 'x', password: 'x'.repeat(501) }, 'json.password'],
  ])('refuses %j', async (body, place) => {
    const answer = await api<{ errors: { at: string }[] }>('PUT', at('own-2'), body)
    expect([answer.status, answer.body.errors.map((fault) => fault.at)]).toEqual([400, [place]])
  })

  it('deletes a user that no blueprint names', async () => {
    await api('PUT', at('own-3'), { short_name: 'ada', generate_password: true })
    const id = await storeBlueprint({ steps: [{ do: 'account', admin: 'own-3' }] })
    const { body: blueprint } = await api('GET', `/api/blueprints/${id}`)
    expect((await api('GET', at('own-3'))).body).toMatchObject({ used_by: [blueprint['name']] })
    expect(await api('DELETE', at('own-3'))).toMatchObject({
      status: 409,
      body: { code: 'setup_user_in_use' },
    })
    await api('DELETE', `/api/blueprints/${id}`)
    expect((await api('DELETE', at('own-3'))).status).toBe(204)
    expect((await api('DELETE', at('own-3'))).body).toMatchObject({ code: 'setup_user_not_found' })
  })

  it('says when the key that sealed a password is gone', async () => {
    await api('PUT', at('own-4'), { short_name: 'ada', password: 'secret' })
    await env.DB.prepare("UPDATE setup_users SET sealed = x'00' WHERE uuid = 'own-4'").run()
    expect((await api('GET', at('own-4'))).body).toMatchObject({ password: 'unreadable' })
    const all = await mdmctl('POST', '/v1/users', ALL)
    expect(all.warnings).toContain('the password of ada is not shown: ')
    const kept = await api('PUT', at('own-4'), { short_name: 'ada' })
    expect(kept).toMatchObject({ status: 400, body: { errors: [{ at: 'json.password' }] } })
    await api('PUT', at('own-4'), { short_name: 'ada', password: 'other' })
    expect((await api('GET', at('own-4'))).body).toMatchObject({ password: 'stored' })
  })
})
