import { expect, it } from 'vitest'
import { authorization, clientOf, newClient, START } from './client.ts'

const DAY = 86_400_000

it('a signed login opens a session, with the realm or without it, and a second one is another session', async () => {
  const client = await newClient()
  const token = client.dep.newToken()
  const first = await client.login(token)
  const plain = await client.login(token, { header: (text) => text.replace('realm="ADM", ', '') })
  expect([first.status, plain.status]).toEqual([200, 200])
  expect(first.json.auth_session_token).not.toBe(plain.json.auth_session_token)
  expect(await client.call('GET', '/account')).toMatchObject({
    status: 200,
    json: { server_uuid: client.dep.server().uuid, org_type: 'org' },
  })
  expect(client.dep.logins()).toBe(3)
})

it('a login is refused by 400 for its parameters and by 401 for their values', async () => {
  const client = await newClient()
  const token = client.dep.newToken()
  const expired = client.dep.newToken(undefined, -1)
  const current = client.dep.newToken()
  const refusals = [
    await client.login(current, { header: () => '' }),
    await client.login(current, { header: (text) => text.replace(/oauth_nonce="\w+", /, '') }),
    await client.login(current, { header: (text) => `${text}, oauth_version="1.0"` }),
    await client.login(current, { parameters: { oauth_callback: 'x' } }),
    await client.login(current, { parameters: { oauth_signature_method: 'PLAINTEXT' } }),
    await client.login({ ...current, consumer_key: 'CK_other' }),
    await client.login(token),
    await client.login({ ...current, access_secret: 'AS_other' }),
    await client.login(current, { parameters: { oauth_timestamp: String(START / 1000 - 301) } }),
  ]
  expect(refusals.map(({ status, text }) => `${status} ${text}`)).toEqual([
    '400 parameter_absent',
    '400 parameter_absent',
    '400 parameter_rejected',
    '400 parameter_rejected',
    '400 signature_method_rejected',
    '401 consumer_key_unknown',
    '401 token_rejected',
    '401 signature_invalid',
    '401 timestamp_refused',
  ])
  expect((await client.login(expired)).text).toBe('token_rejected')
  const header = authorization(current)
  expect((await client.login(current, { header: () => header })).status).toBe(200)
  expect((await client.login(current, { header: () => header })).text).toBe('nonce_used')
})

it('a token ends after a year, and when the portal makes another one; the one of -depsim stays', async () => {
  const { dep } = await newClient()
  const { consumerKey, consumerSecret, tokens } = dep.server()
  const depsim = {
    consumer_key: consumerKey,
    consumer_secret: consumerSecret,
    access_token: tokens[0]?.key ?? '',
    access_secret: tokens[0]?.secret ?? '',
  }
  expect(consumerKey).toMatch(/^CK_48dd68d1/)
  const current = dep.newToken()
  dep.turn(366 * DAY)
  const client = clientOf(dep)
  expect((await client.login(current)).text).toBe('token_expired')
  expect((await client.login(depsim)).status).toBe(200)
})

it('a session ends after its life, on demand and by a login in single mode; refusals are as chosen', async () => {
  const client = await newClient()
  const { dep } = client
  const again = async () => (await client.call('GET', '/account')).status
  expect(await again()).toBe(200)
  dep.turn(dep.behaviour.sessionLifetime)
  expect(await again()).toBe(401)
  await client.login(dep.newToken())
  dep.dropSessions()
  dep.behaviour.refusedSession = { status: 403, word: 'FORBIDDEN' }
  expect(await client.call('GET', '/account')).toMatchObject({ status: 403, text: 'FORBIDDEN' })
  dep.behaviour.oneSession = true
  const token = dep.newToken()
  await client.login(token)
  const other = clientOf(dep)
  await other.login(token)
  expect(await again()).toBe(403)
  expect((await other.call('GET', '/account')).status).toBe(200)
})

it('a session rotates after so many calls, and the old one is dead', async () => {
  const client = await newClient()
  client.dep.behaviour.rotateEvery = 2
  const first = client.session
  await client.call('GET', '/account')
  expect(client.session).toBe(first)
  await client.call('GET', '/account')
  expect(client.session).not.toBe(first)
  const late = clientOf(client.dep)
  late.session = first
  expect((await late.call('GET', '/account')).status).toBe(401)
  expect((await client.call('GET', '/account')).status).toBe(200)
  expect(client.dep.logins()).toBe(1)
})

it('fields below their protocol version are hidden', async () => {
  const client = await newClient()
  client.dep.add({
    serial_number: 'PAD1',
    model: 'iPad Air',
    imei: ['1'],
    mdm_migration_deadline: 'D',
  })
  const seen = async (version: string | undefined) => {
    client.version = version
    const { json } = await client.call('POST', '/devices', { devices: ['PAD1'] })
    const { os, imei, mdm_migration_deadline: deadline } = json.devices.PAD1
    return { os, imei, deadline }
  }
  const account = async (version: string) => {
    client.version = version
    return 'org_id' in (await client.call('GET', '/account')).json
  }
  expect(await seen('1')).toEqual({})
  expect(await seen(undefined)).toEqual({})
  expect(await seen('3')).toEqual({ os: 'iOS' })
  expect(await seen('8')).toEqual({ os: 'iPadOS', deadline: 'D' })
  expect(await seen('10')).toEqual({ os: 'iPadOS', deadline: 'D', imei: ['1'] })
  expect([await account('2'), await account('3')]).toEqual([false, true])
})

it('calls without a good User-Agent, with a wrong method, an unknown path or no JSON are refused', async () => {
  const client = await newClient()
  const agent = async (value: string) => {
    const request = new Request('https://mdmenrollment.apple.com/account', {
      headers: { 'user-agent': value },
    })
    return (await client.dep.handle(request)).text()
  }
  expect([await agent(''), await agent('(odd)')]).toEqual([
    'USER_AGENT_MISSING',
    'USER_AGENT_INVALID',
  ])
  expect((await client.call('POST', '/account')).status).toBe(405)
  expect((await client.call('GET', '/nothing')).status).toBe(404)
  const broken = await client.call('POST', '/devices', '{"devices":')
  expect(broken).toMatchObject({ status: 400, text: 'MALFORMED_REQUEST_BODY' })
})

it('faults change the status, the body and its headers, cut the answer and break the connection', async () => {
  const client = await newClient()
  const { dep } = client
  dep.fail({
    path: '/account',
    status: 403,
    word: 'T_C_NOT_SIGNED',
    quoted: true,
    after: 1,
    times: 1,
  })
  const account = () => client.call('GET', '/account')
  expect((await account()).status).toBe(200)
  expect(await account()).toMatchObject({ status: 403, text: '"T_C_NOT_SIGNED"' })
  expect((await account()).status).toBe(200)
  const end = dep.fail({ truncate: true })
  expect((await account()).json).toBeUndefined()
  end()
  dep.fail({ method: 'GET', headers: { 'x-adm-auth-session': client.session }, times: 1 })
  expect((await account()).headers.get('x-adm-auth-session')).toBe(client.session)

  dep.add({ serial_number: 'A100' })
  dep.fail({ path: '/devices/disown', drop: 'request', times: 1 })
  dep.fail({ path: '/devices/disown', drop: 'answer', times: 1 })
  const disown = () => client.call('POST', '/devices/disown', { devices: ['A100'] })
  await expect(disown()).rejects.toThrow('the connection broke')
  expect(dep.state.devices['A100']?.server).toBe(dep.server().uuid)
  await expect(disown()).rejects.toThrow('the connection broke')
  expect(dep.state.devices['A100']?.server).toBe('')
  expect(dep.calls.map(({ path, status }) => `${path} ${status}`).slice(-2)).toEqual([
    '/devices/disown 0',
    '/devices/disown 200',
  ])
})
