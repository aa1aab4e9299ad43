/** What `mdmctl` and scripts ask of MicroMDM's DEP routes. */
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { apple, connected, mdmctl } from './abm-tools.ts'
import { turn } from './clock.ts'
import { deployed } from './deployment.ts'
import { api } from './server.ts'

const NEVER = '0001-01-01T00:00:00Z'
const NO_TOKEN = { error: 'DEP not configured yet. add a DEP token to enable DEP' }
const PROFILE = {
  profile_name: 'macs',
  url: 'https://mdm.example.com/mdm/enroll',
  is_supervised: true,
  is_mdm_removable: false,
  org_magic: '',
  devices: null,
}

describe('without a token', () => {
  it('answers each call as MicroMDM does, and makes a certificate for Apple once', async () => {
    const calls: [string, string, object?][] = [
      ['GET', '/v1/dep/account'],
      ['POST', '/v1/dep/devices', { serials: ['A'] }],
      ['PUT', '/v1/dep/profiles', PROFILE],
      ['POST', '/v1/dep/profiles', { uuid: 'U' }],
      ['DELETE', '/v1/dep/profiles', { serials: ['A'] }],
      ['POST', '/v1/dep/assign', { id: 'U', serials: ['A'] }],
      ['GET', '/v1/dep/sync'],
      ['POST', '/v1/dep/autoassigners', { filter: '*', profile_uuid: 'U' }],
    ]
    for (const call of calls) {
      expect(await mdmctl(...call), call[1]).toMatchObject({ status: 500, body: NO_TOKEN })
    }
    const first = await mdmctl('GET', '/v1/dep-tokens')
    expect(first).toMatchObject({ status: 200, body: { dep_tokens: null } })
    expect(Buffer.from(first.body.public_key, 'base64')[0]).toBe(0x30)
    expect(await mdmctl('GET', '/v1/dep-tokens')).toEqual(first)
    expect(await mdmctl('GET', '/v1/dep/autoassigners')).toMatchObject({
      status: 200,
      body: { autoassigners: null },
    })
    const removed = await mdmctl('DELETE', '/v1/dep/autoassigners', { filter: '*' })
    expect(removed).toMatchObject({ status: 200, body: {} })
    expect(await mdmctl('POST', '/v1/dep/syncnow')).toMatchObject({ status: 200, text: '' })
  })

  it('refuses what is no token file, in a sentence', async () => {
    for (const file of ['', 'garbage', '<html>Sign in</html>']) {
      const { status, body } = await mdmctl('PUT', '/v1/dep-tokens', { p7m_content: btoa(file) })
      expect([status, body.error]).toEqual([500, expect.stringMatching(/\w+ \w+ \w+/)])
    }
  })
})

describe('with a token', () => {
  let server = ''

  beforeAll(async () => {
    await connected()
    server = apple.server().uuid
  })

  // An account assigns once in a second.
  beforeEach(() => turn(1000))

  const add = (...serials: string[]) =>
    serials.forEach((serial_number) => apple.add({ serial_number, model: 'MacBook Pro' }))

  const defined = async (profile: object = PROFILE): Promise<string> =>
    (await mdmctl('PUT', '/v1/dep/profiles', profile)).body.profile_uuid

  it('lists it with masked secrets, unless a setting opens them', async () => {
    const { consumerKey, tokens } = apple.server()
    const token = tokens.at(-1)
    const masked = await mdmctl('GET', '/v1/dep-tokens')
    expect(masked.body.dep_tokens).toEqual([
      {
        consumer_key: consumerKey,
        consumer_secret: '********',
        access_token: '********',
        access_secret: '********',
        access_token_expiry: expect.stringMatching(/^20\d\d-.*Z$/),
      },
    ])
    expect(masked.text).not.toContain(token?.secret)
    const open = await deployed({ DEP_EXPORT_TOKENS: 'true' })('GET', '/v1/dep-tokens')
    expect(await open.json()).toMatchObject({
      dep_tokens: [{ consumer_key: consumerKey, access_token: token?.key }],
      public_key: masked.body.public_key,
    })
  })

  it('shows the account with every field that a client reads', async () => {
    const stop = apple.fail({
      path: '/account',
      status: 200,
      body: '{"server_name":"S"}',
      times: 1,
    })
    expect(await mdmctl('GET', '/v1/dep/account')).toMatchObject({
      status: 200,
      type: 'application/json; charset=utf-8',
      body: { server_name: 'S', server_uuid: '', org_name: '', org_address: '', urls: null },
    })
    stop()
    expect((await mdmctl('GET', '/v1/dep/account')).body).toMatchObject({ server_uuid: server })
  })

  it('shows devices with Go’s times, also one that Apple does not know', async () => {
    add('C02SHOWN')
    const serials = ['C02SHOWN', 'C02OTHER']
    const { status, body } = await mdmctl('POST', '/v1/dep/devices', { serials })
    expect(status).toBe(200)
    expect(body.devices).toEqual({
      C02SHOWN: expect.objectContaining({
        serial_number: 'C02SHOWN',
        model: 'MacBook Pro',
        profile_status: 'empty',
        profile_assign_time: NEVER,
        profile_push_time: NEVER,
        op_date: NEVER,
        response_status: 'SUCCESS',
      }),
      C02OTHER: expect.objectContaining({
        serial_number: 'C02OTHER',
        description: '',
        device_assigned_date: NEVER,
        response_status: 'NOT_ACCESSIBLE',
      }),
    })
  })

  it('defines a profile, shows it, assigns it and takes it away', async () => {
    add('C02ONE', 'C02TWO')
    const put = await mdmctl('PUT', '/v1/dep/profiles', {
      ...PROFILE,
      devices: ['C02ONE', 'C02NO'],
    })
    expect(put).toMatchObject({
      status: 200,
      body: {
        profile_uuid: expect.any(String),
        devices: { C02ONE: 'SUCCESS', C02NO: 'NOT_ACCESSIBLE' },
      },
    })
    const { profile_uuid: uuid } = put.body
    const { body } = await mdmctl('POST', '/v1/dep/profiles', { uuid })
    const { devices: _, org_magic: __, ...sent } = PROFILE
    expect(body).toEqual({ ...sent, profile_uuid: uuid, org_magic: '', devices: null })
    const serials = ['C02TWO', 'C02NO']
    turn(1000)
    expect(await mdmctl('POST', '/v1/dep/assign', { id: uuid, serials })).toMatchObject({
      status: 200,
      body: { profile_uuid: uuid, devices: { C02TWO: 'SUCCESS', C02NO: 'NOT_ACCESSIBLE' } },
    })
    expect(apple.state.devices['C02TWO']?.profile).toMatchObject({ uuid, status: 'assigned' })
    expect(await mdmctl('DELETE', '/v1/dep/profiles', { serials })).toMatchObject({
      status: 200,
      body: { serials: { C02TWO: 'SUCCESS', C02NO: 'NOT_ACCESSIBLE' } },
    })
    expect(apple.state.devices['C02TWO']?.profile).toMatchObject({ status: 'removed' })
  })

  it('sends Apple keys that MicroMDM does not have, and an explicit false', async () => {
    const uuid = await defined({
      Profile_Name: 'odd',
      URL: PROFILE.url,
      allow_pairing: false,
      is_return_to_service: true,
      profile_uuid: 'theirs',
      Future_Key: { x: 1 },
    })
    expect(apple.state.profiles[uuid]?.json).toEqual({
      profile_name: 'odd',
      url: PROFILE.url,
      allow_pairing: false,
      is_return_to_service: true,
      Future_Key: { x: 1 },
    })
  })

  it.each([
    ['profile_name', 'x'.repeat(126), 'CONFIG_NAME_INVALID', '126'],
    ['is_supervised', false, 'FLAGS_INVALID', 'is_supervised'],
    ['url', undefined, 'CONFIG_URL_REQUIRED', 'url'],
  ])('refuses a profile by its %s before Apple does', async (field, value, code, said) => {
    const before = apple.calls.length
    const { status, body } = await mdmctl('PUT', '/v1/dep/profiles', { ...PROFILE, [field]: value })
    expect([status, body.code]).toEqual([500, code])
    expect(body.error).toMatch(
      new RegExp(`^define profile: unexpected dep response\\. status=400 .*${code}.*${said}`),
    )
    expect(apple.calls).toHaveLength(before)
  })

  it.each([
    ['POST', '/v1/dep/profiles', { uuid: 'NONE' }, 'fetch profile', 400, 'NOT_FOUND'],
    ['POST', '/v1/dep/profiles', {}, 'fetch profile', 400, 'PROFILE_UUID_REQUIRED'],
    [
      'POST',
      '/v1/dep/assign',
      { id: 'NONE', serials: ['C02ONE'] },
      'assign profile',
      404,
      'PROFILE_NOT_FOUND',
    ],
    ['POST', '/v1/dep/devices', {}, 'get device details', 400, 'DEVICE_ID_REQUIRED'],
    ['POST', '/v1/dep/assign', { id: 'NONE' }, 'assign profile', 400, 'DEVICE_ID_REQUIRED'],
    [
      'DELETE',
      '/v1/dep/profiles',
      { serial: ['C02ONE'] },
      'remove profile',
      400,
      'DEVICE_ID_REQUIRED',
    ],
  ])('answers Apple’s refusal of %s %s %j', async (method, path, sent, what, status, code) => {
    expect(await mdmctl(method, path, sent)).toMatchObject({
      status: 500,
      type: 'application/json; charset=utf-8',
      body: {
        error: `${what}: unexpected dep response. status=${status} DEP API Error: ${code}`,
        code,
      },
    })
  })

  it('names what helps against new terms', async () => {
    const stop = apple.fail({
      path: '/account',
      status: 403,
      word: 'T_C_NOT_SIGNED',
      quoted: true,
      times: 1,
    })
    const { body } = await mdmctl('GET', '/v1/dep/account')
    expect(body.code).toBe('T_C_NOT_SIGNED')
    expect(body.error).toMatch(
      /^account request: unexpected dep response\. status=403 DEP API Error: T_C_NOT_SIGNED \(.*terms.*business\.apple\.com/,
    )
    stop()
  })

  it('answers a body that is missing or wrong, and never without a response', async () => {
    for (const path of ['/v1/dep/profiles', '/v1/dep/assign', '/v1/dep/devices']) {
      expect((await api('POST', path, '')).body).toEqual({ error: 'EOF' })
      expect((await api('POST', path, '{')).body).toEqual({ error: 'unexpected EOF' })
    }
    expect((await api('POST', '/v1/dep/devices', { serials: 'A' })).body['error']).toBe(
      'json: cannot unmarshal string into Go struct field deviceDetailsRequest.serials of type []string',
    )
    for (const body of [{}, { filter: 'mac', profile_uuid: 'U' }, { filter: '' }]) {
      expect((await mdmctl('POST', '/v1/dep/autoassigners', body)).body).toEqual({
        error: "saving AutoAssigner: only '*' filter auto-assigners supported",
      })
    }
    expect((await mdmctl('POST', '/v1/dep/autoassigners', { filter: '*' })).status).toBe(500)
    expect((await mdmctl('PUT', '/v1/dep/profiles', {})).status).toBe(500)
  })
})

describe('a second account', () => {
  it('is the one that calls are about, unless they name another', async () => {
    const first = await connected()
    turn(1000)
    const other = apple.addServer('Other')
    apple.add({ serial_number: 'C02THEIRS' }, other.uuid)
    const second = await connected(other.uuid)
    expect(second).not.toBe(first)
    const name = async (query: string) =>
      (await mdmctl('GET', `/v1/dep/account${query}`)).body.server_name
    expect(await name('')).toBe('Other')
    expect(await name(`?account=${second}`)).toBe('Other')
    expect(await name(`?account=${first}`)).toBe(apple.server().name)
    expect(await mdmctl('GET', '/v1/dep/account?account=none')).toMatchObject({
      status: 500,
      body: { error: 'no account of Apple Business Manager has the id none' },
    })
    const tokens = (await mdmctl('GET', '/v1/dep-tokens')).body.dep_tokens
    expect(tokens.map((token: Record<string, string>) => token['consumer_key'])).toEqual([
      other.consumerKey,
      apple.server().consumerKey,
    ])
    const theirs = { serials: ['C02THEIRS'] }
    const status = async (account: string) =>
      (await mdmctl('POST', `/v1/dep/devices?account=${account}`, theirs)).body.devices.C02THEIRS
        .response_status
    expect(await status(second)).toBe('SUCCESS')
    expect(await status(first)).toBe('NOT_ACCESSIBLE')
  })
})
