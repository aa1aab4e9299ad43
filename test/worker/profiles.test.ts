import { expect, it } from 'vitest'
import { writePlist } from '../../src/plist/write.ts'
import { api, serve } from './server.ts'

const mobileconfig = (identifier: string, extra = '') =>
  Buffer.from(writePlist({ PayloadIdentifier: identifier, Extra: extra })).toString('base64')

const put = (Identifier: string, Mobileconfig: string) =>
  api('PUT', '/v1/profiles', { profile: { Identifier, Mobileconfig } })

it('profiles are stored, replaced, listed by identifier and removed, as in MicroMDM', async () => {
  expect(await api('POST', '/v1/profiles', {})).toEqual({ status: 200, body: { profiles: null } })
  expect(await put('b.two', mobileconfig('b.two'))).toEqual({ status: 200, body: {} })
  await put('a.one', mobileconfig('a.one', 'old'))
  await put('a.one', mobileconfig('a.one', 'new'))
  const one = { Identifier: 'a.one', Mobileconfig: mobileconfig('a.one', 'new') }
  const two = { Identifier: 'b.two', Mobileconfig: mobileconfig('b.two') }
  expect((await api('POST', '/v1/profiles', { id: '' })).body).toEqual({ profiles: [one, two] })
  expect((await api('POST', '/v1/profiles', { id: 'b.two' })).body).toEqual({ profiles: [two] })
  expect(await api('DELETE', '/v1/profiles', { ids: ['a.one', 'none', 'b.two'] })).toEqual({
    status: 500,
    body: { error: 'not found: Profile id none' },
  })
  expect((await api('POST', '/v1/profiles', {})).body).toEqual({ profiles: [two] })
  expect(await api('DELETE', '/v1/profiles', { ids: ['b.two'] })).toEqual({ status: 200, body: {} })
})

it.each([
  ['an unknown identifier', 'POST', { id: 'x' }, 'not found: Profile id x'],
  ['no body', 'POST', '', 'EOF'],
  ['no profile', 'PUT', {}, 'no profile supplied'],
  ['an empty profile', 'PUT', { profile: {} }, 'Profile struct must have Identifier'],
  ['no Mobileconfig', 'PUT', { profile: { Identifier: 'x' } }, 'no Mobileconfig data'],
  [
    'a Mobileconfig that is no profile',
    'PUT',
    { profile: { identifier: 'x', mobileconfig: 'aGVsbG8gd29ybGQ=' } },
    /not XML nor PKCS7/,
  ],
  [
    'the Mobileconfig of another identifier',
    'PUT',
    { profile: { Identifier: 'x', Mobileconfig: mobileconfig('y') } },
    /does not match/,
  ],
  [
    'a Mobileconfig of 2 MB',
    'PUT',
    { profile: { Identifier: 'x', Mobileconfig: mobileconfig('x', 'z'.repeat(1_500_000)) } },
    /longer than/,
  ],
  ['an identifier that is not stored', 'DELETE', { ids: ['x'] }, 'not found: Profile id x'],
])('%s in %s /v1/profiles is an error that says why', async (_, method, body, error) => {
  const answer = await api(method, '/v1/profiles', body)
  expect(answer.status).toBe(500)
  const text = String(answer.body['error'])
  expect(text).toMatch(error)
})

it('a profile as large as a row allows is stored', async () => {
  const large = mobileconfig('large', 'z'.repeat(1_449_000))
  expect((await put('large', large)).status).toBe(200)
  const { body } = await api('POST', '/v1/profiles', { id: 'large' })
  expect(body).toEqual({ profiles: [{ Identifier: 'large', Mobileconfig: large }] })
  await api('DELETE', '/v1/profiles', { ids: ['large'] })
})

it('profiles are an admin’s alone', async () => {
  expect((await serve('/v1/profiles', { method: 'POST', body: '{}' })).status).toBe(401)
})
