import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { callDep, type DepLine } from '../../../src/dep/client.ts'
import { profileForApple } from '../../../src/dep/profile.ts'
import { NOW, scriptedApple, type Scripted } from './apple.ts'
import { TOKEN } from './token.ts'

const SYNC = { method: 'POST', path: '/devices/sync', body: { cursor: 'c' } } as const
const TERMS: Scripted = [403, 'T_C_NOT_SIGNED']

const newLine = (session?: string): DepLine => ({ session })

describe('a session', () => {
  it('is opened once, and serves the calls after it', async () => {
    const apple = scriptedApple({ answers: [[200, { n: 1 }]] })
    const line = newLine()
    const first = await callDep(apple.port, TOKEN, line, SYNC)
    await callDep(apple.port, TOKEN, line, SYNC)
    expect(first).toEqual({ kind: 'ok', status: 200, json: { n: 1 }, session: 'session-1' })
    expect(apple.logins).toBe(1)
    expect(apple.calls.map(({ session }) => session)).toEqual(['session-1', 'session-1'])
  })

  it.each<{ refusal: Scripted }>([
    { refusal: [401, ''] },
    { refusal: [403, '"FORBIDDEN"'] },
    { refusal: [403, 'EXPIRED_TOKEN'] },
  ])(
    'is renewed once when it is refused with $refusal, and the call is repeated',
    async (given) => {
      const apple = scriptedApple({ ...given, answers: [[200, { cursor: 'page-2' }]] })
      const answer = await callDep(apple.port, TOKEN, newLine('dead'), SYNC)
      expect(answer).toMatchObject({ kind: 'ok', json: { cursor: 'page-2' }, session: 'session-1' })
      expect(apple.logins).toBe(1)
      expect(apple.calls.map(({ body }) => body)).toEqual(['{"cursor":"c"}', '{"cursor":"c"}'])
    },
  )

  it('is not renewed a second time for one call', async () => {
    const apple = scriptedApple({ answers: [[401, 'UNAUTHORIZED']] })
    const answer = await callDep(apple.port, TOKEN, newLine('dead'), SYNC)
    expect(answer).toMatchObject({ kind: 'refused', at: 'call', status: 401 })
    expect([apple.logins, apple.calls.length]).toEqual([1, 2])
  })

  it('that is dead costs 20 calls at once a single login', async () => {
    const apple = scriptedApple({})
    const line = newLine('dead')
    const calls = Array.from({ length: 20 }, () => callDep(apple.port, TOKEN, line, SYNC))
    const answers = await Promise.all(calls)
    expect(new Set(answers.map(({ kind }) => kind))).toEqual(new Set(['ok']))
    expect(apple.logins).toBe(1)
  })

  it('is awaited by a call that comes during the login', async () => {
    const apple = scriptedApple({})
    const line = newLine('dead')
    const first = callDep(apple.port, TOKEN, line, SYNC)
    while (!line.login) {
      await Promise.resolve()
    }
    await callDep(apple.port, TOKEN, line, SYNC)
    await first
    expect(apple.logins).toBe(1)
    expect(apple.calls.filter(({ session }) => session === 'dead')).toHaveLength(1)
  })

  it('is replaced by the one that an answer brings, an error too', async () => {
    const rotated = (session: string): Record<string, string> => ({ 'X-ADM-Auth-Session': session })
    const apple = scriptedApple({
      answers: [
        [200, {}, rotated('second')],
        [400, 'INVALID_CURSOR', rotated('third')],
      ],
    })
    for (const session of ['first', 'second', 'third']) {
      apple.alive.add(session)
    }
    const line = newLine('first')
    expect(await callDep(apple.port, TOKEN, line, SYNC)).toMatchObject({ session: 'second' })
    expect(await callDep(apple.port, TOKEN, line, SYNC)).toMatchObject({ session: 'third' })
    await callDep(apple.port, TOKEN, line, SYNC)
    expect(apple.calls.at(-1)?.session).toBe('third')
    expect(apple.logins).toBe(0)
  })
})

describe('a refusal that no login can heal', () => {
  it('of a call for terms that are not accepted makes no login', async () => {
    const apple = scriptedApple({ answers: [TERMS] })
    apple.alive.add('live')
    const answer = await callDep(apple.port, TOKEN, newLine('live'), SYNC)
    expect(answer).toMatchObject({ at: 'call', status: 403, code: 'T_C_NOT_SIGNED' })
    expect([apple.logins, apple.calls.length]).toEqual([0, 1])
  })

  it.each<{ login: Scripted; code: string }>([
    { login: TERMS, code: 'T_C_NOT_SIGNED' },
    { login: [401, 'token_rejected'], code: 'TOKEN_REJECTED' },
    { login: [403, '"token_rejected"'], code: 'TOKEN_REJECTED' },
  ])('of the login with $login is answered after one login', async ({ login, code }) => {
    const apple = scriptedApple({ login })
    const answer = await callDep(apple.port, TOKEN, newLine(), SYNC)
    expect(answer).toEqual({ kind: 'refused', at: 'session', status: login[0], code })
    expect([apple.logins, apple.calls.length]).toEqual([1, 0])
  })

  it('of the login leaves no session behind, so that the next call logs in', async () => {
    const apple = scriptedApple({ login: TERMS })
    const line = newLine('dead')
    await callDep(apple.port, TOKEN, line, SYNC)
    expect(line.session).toBeUndefined()
  })

  it('comes without a call once the token has expired', async () => {
    const apple = scriptedApple({})
    const answer = await callDep(apple.port, { ...TOKEN, expiresAt: NOW }, newLine('live'), SYNC)
    expect(answer).toMatchObject({ at: 'session', code: 'ACCESS_TOKEN_EXPIRED' })
    expect([apple.logins, apple.calls.length]).toEqual([0, 0])
  })
})

describe('a request', () => {
  it('has the version, the types and a plain user agent that names the release', async () => {
    const apple = scriptedApple({})
    await callDep(apple.port, TOKEN, newLine(), { method: 'GET', path: '/profile?profile_uuid=U' })
    const [call] = apple.calls
    expect(call?.path).toBe('/profile?profile_uuid=U')
    const project = readFileSync(join(import.meta.dirname, '../../../package.json'), 'utf8')
    expect(Object.fromEntries(call?.headers ?? [])).toEqual({
      accept: 'application/json;charset=UTF8',
      'content-type': 'application/json;charset=UTF8',
      // Without `-dev`: the next release.
      'user-agent': `EdgeMDM/${JSON.parse(project).version.replace(/-.*/, '')}`,
      'x-adm-auth-session': 'session-1',
      'x-server-protocol-version': '10',
    })
  })

  it('carries profile keys that the server does not know, and an explicit false', async () => {
    const apple = scriptedApple({})
    const profile = { profile_name: 'p', new_key_of_apple: [{ x: null }], allow_pairing: false }
    const body = profileForApple(profile)
    await callDep(apple.port, TOKEN, newLine(), { method: 'POST', path: '/profile', body })
    expect(JSON.parse(apple.calls[0]?.body ?? '')).toEqual(profile)
  })
})

describe('an answer', () => {
  it.each<{ what: string; answer: Scripted; expected: object }>([
    {
      what: 'an empty body',
      answer: [200, ''],
      expected: { kind: 'ok', json: undefined },
    },
    {
      what: 'broken JSON',
      answer: [200, '{"devices":['],
      expected: { kind: 'unreachable', reason: 'the answer is not JSON' },
    },
    {
      what: 'an error of the server',
      answer: [502, 'x'],
      expected: { kind: 'unreachable', reason: 'the answer has status 502' },
    },
    {
      what: 'a redirect',
      answer: [302, '', { location: 'https://other.example' }],
      expected: { kind: 'unreachable', reason: 'the answer has status 302' },
    },
    {
      what: 'Retry-After in seconds',
      answer: [429, '', { 'retry-after': '90' }],
      expected: { kind: 'refused', status: 429, retryAt: NOW + 90_000 },
    },
    {
      what: 'Retry-After as a date',
      answer: [503, '', { 'retry-after': new Date(NOW + 3_600_000).toUTCString() }],
      expected: { kind: 'refused', status: 503, retryAt: NOW + 3_600_000 },
    },
    {
      what: 'Retry-After in a hundred years',
      answer: [429, '', { 'retry-after': '999999999' }],
      expected: { retryAt: NOW + 7 * 86_400_000 },
    },
    {
      what: 'more than the largest page',
      answer: [200, `"${'x'.repeat(8_000_000)}"`],
      expected: { kind: 'unreachable', reason: 'the answer has more than 8000000 bytes' },
    },
  ])('with $what is told apart', async ({ answer, expected }) => {
    const apple = scriptedApple({ answers: [answer] })
    expect(await callDep(apple.port, TOKEN, newLine(), SYNC)).toMatchObject(expected)
  })

  it('that never comes is no exception', async () => {
    const { port } = scriptedApple({})
    const broken = { ...port, fetch: () => Promise.reject(new Error('secret')) }
    expect(await callDep(broken, TOKEN, newLine('live'), SYNC)).toEqual({
      kind: 'unreachable',
      reason: 'Apple’s service does not answer',
    })
  })

  it('with a session that no header can carry keeps the one before', async () => {
    const odd = { 'x-adm-auth-session': 's'.repeat(5000) }
    const apple = scriptedApple({ answers: [[200, {}, odd]] })
    apple.alive.add('live')
    const line = newLine('live')
    await callDep(apple.port, TOKEN, line, SYNC)
    expect(line.session).toBe('live')
    const login = scriptedApple({ login: [200, { auth_session_token: 'a\nb' }] })
    expect(await callDep(login.port, TOKEN, newLine(), SYNC)).toMatchObject({ kind: 'unreachable' })
    expect(login.calls).toEqual([])
  })

  it('to the login without a session is a fault', async () => {
    const apple = scriptedApple({ login: [200, {}] })
    expect(await callDep(apple.port, TOKEN, newLine(), SYNC)).toMatchObject({ kind: 'unreachable' })
  })
})
