import worker from '../../src/index.ts'
import { describe, expect, it } from 'vitest'
import { challengeMode } from '../../src/directory/challenges.ts'
import { signedContent } from '../../src/pki/cms/cms.ts'
import { pem } from '../../src/pki/x509/issue.ts'
import { requiredDict, requiredString } from '../../src/plist/dict.ts'
import { readPlist } from '../../src/plist/read.ts'
import type { PlistDict } from '../../src/plist/value.ts'
import { writePlist } from '../../src/plist/write.ts'
import { createIssuer, type SimulatedIdentity } from '../../src/simulator/device/identity.ts'
import { clock, turn, turnTimers } from './clock.ts'
import { ask, bytes, payloadsOf, post, profileOf, signed } from './enroll-tools.ts'
import { api, env, events, newDevice, newIdentity, TOPIC, serve } from './server.ts'
import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test'

const { MACHINE_INFO } = env as unknown as Record<string, string>
const ENROLL_ID = 'com.github.micromdm.micromdm.enroll'

describe('GET /mdm/enroll', () => {
  it('gives a profile for this server, with the present push topic', async () => {
    const profile = await profileOf(await ask('/mdm/enroll?site=7'))
    expect(profile['PayloadIdentifier']).toBe(ENROLL_ID)
    expect(payloadsOf(profile)).toMatchObject([
      { PayloadType: 'com.apple.security.scep', PayloadContent: { URL: 'https://mdm.test/scep' } },
      {
        ServerURL: 'https://mdm.test/mdm/connect?site=7',
        CheckInURL: 'https://mdm.test/mdm/checkin?site=7',
        Topic: TOPIC,
      },
    ])
    const other = await ask('/mdm/enroll', {}, { PUSH_TOPIC: 'com.apple.mgmt.other' })
    expect(payloadsOf(await profileOf(other))[1]?.['Topic']).toBe('com.apple.mgmt.other')
  })

  it('names the public URL, if there is one, and not the host of the request', async () => {
    const settings = { PUBLIC_URL: 'https://public.test/' }
    const [, mdm] = payloadsOf(await profileOf(await ask('/mdm/enroll', {}, settings)))
    expect(mdm?.['ServerURL']).toBe('https://public.test/mdm/connect')
  })

  it('gives no profile without a push certificate, and says that it is missing', async () => {
    for (const path of ['/mdm/enroll', '/ota/enroll']) {
      const response = await ask(path, {}, { PUSH_TOPIC: '' })
      expect(response.status).toBe(503)
      expect(await response.text()).toMatch(/no push certificate/)
    }
  })

  it('is signed if there is a certificate for it', async () => {
    const { certificate, privateKey } = newIdentity()
    const response = await ask(
      '/mdm/enroll',
      {},
      {
        PROFILE_SIGNING_CERT: pem('CERTIFICATE', certificate),
        PROFILE_SIGNING_KEY: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      },
    )
    const content = signedContent(new Uint8Array(await response.arrayBuffer()))
    expect(content && readPlist(content)).toMatchObject({ PayloadIdentifier: ENROLL_ID })
  })

  it('needs the token, if there is one', async () => {
    const settings = { ENROLLMENT: '', ENROLL_TOKEN: 'opensesame' }
    for (const path of ['/mdm/enroll', '/mdm/enroll?token=opensesam', '/ota/enroll?token=']) {
      const response = await ask(path, {}, settings)
      expect(response.status).toBe(403)
      expect(await response.text()).toMatch(/token/)
    }
    for (const path of ['/mdm/enroll', '/ota/phase23']) {
      expect((await ask(path, post(bytes(MACHINE_INFO)), settings)).status).toBe(403)
    }
    const profile = await profileOf(await ask('/mdm/enroll?token=opensesame', {}, settings))
    expect(payloadsOf(profile)[1]?.['ServerURL']).toBe('https://mdm.test/mdm/connect')
  })

  it('returns the query of the enrolment URL as url_params', async () => {
    const [, mdm = {}] = payloadsOf(await profileOf(await ask('/mdm/enroll?site=7&user=ada')))
    const device = newDevice({ checkInUrl: requiredString(mdm, 'CheckInURL') })
    await device.authenticate()
    const [event] = await events(device.udid, 1)
    expect(event?.checkin_event).toMatchObject({ url_params: { site: '7', user: 'ada' } })
  })
})

describe('a stored profile', () => {
  it('takes the place of the enrolment profile byte for byte, with a topic or without, and opens no static challenge', async () => {
    const nobodyChose = { dynamicChallenge: undefined, challenge: 'micromdm', challengeLifetime: 1 }
    const own = writePlist({ PayloadIdentifier: ENROLL_ID, PayloadType: 'Configuration' })
    const put = {
      profile: { Identifier: ENROLL_ID, Mobileconfig: btoa(String.fromCharCode(...own)) },
    }
    expect((await api('PUT', '/v1/profiles', put)).status).toBe(200)
    expect(await challengeMode(env.DB, nobodyChose)).toEqual({ kind: 'one-time' })
    for (const settings of [{}, { PUSH_TOPIC: '' }]) {
      const response = await ask('/mdm/enroll?site=7', {}, settings)
      expect(new Uint8Array(await response.arrayBuffer())).toEqual(own)
      expect(await (await ask('/', {}, settings)).text()).toContain('/mdm/enroll')
    }
    expect((await api('DELETE', '/v1/profiles', { ids: [ENROLL_ID] })).status).toBe(200)
    expect(payloadsOf(await profileOf(await ask('/mdm/enroll')))).toHaveLength(2)
  })
})

describe('Automated Device Enrollment', () => {
  it('gives the profile to a device whose SHA-1 signature by a 1024-bit CA OpenSSL made', async () => {
    const response = await ask('/mdm/enroll?site=7', post(bytes(MACHINE_INFO)))
    const [, mdm] = payloadsOf(await profileOf(response))
    expect(mdm?.['ServerURL']).toBe('https://mdm.test/mdm/connect?site=7')
  })

  it('requires an older device to update first, with the body that Apple specifies', async () => {
    const settings = { MINIMUM_OS: 'iOS=18.2' }
    const response = await ask('/mdm/enroll', post(bytes(MACHINE_INFO)), settings)
    expect(response.status).toBe(403)
    expect(response.headers.get('content-type')).toMatch(/^application\/json/)
    expect(await response.json()).toMatchObject({
      code: 'com.apple.softwareupdate.required',
      details: { OSVersion: '18.2' },
    })
    const newer = signed({ PRODUCT: 'iPhone16,2', VERSION: '22', OS_VERSION: '18.2', SERIAL: 'S' })
    await profileOf(await ask('/mdm/enroll', post(newer), settings))
  })

  it('answers strangers, enrolled identities and garbage with 400, and never with a profile', async () => {
    const info = { PRODUCT: 'Mac14,2', VERSION: '23A1', SERIAL: 'S' }
    const stranger = createIssuer({ commonName: 'stranger' })
    for (const body of [
      signed(info, { certificate: stranger.certificate.der, privateKey: stranger.privateKey }),
      signed(info, newIdentity()),
      signed(['no dictionary']),
      signed({ SERIAL: 1 }),
      bytes(MACHINE_INFO).slice(0, -1),
      writePlist(info),
      new Uint8Array(),
    ]) {
      const response = await ask('/mdm/enroll', post(body))
      expect(response.status).toBe(400)
      expect(await response.text()).toBe('the body is not signed by a device that may enrol\n')
    }
  })

  it('does not read a body of 5 MB', async () => {
    expect((await ask('/mdm/enroll', post(new Uint8Array(5_000_000)))).status).toBe(413)
  })

  it('accepts no device as long as no CA of Apple is known', async () => {
    const response = await ask('/mdm/enroll', post(bytes(MACHINE_INFO)), { APPLE_DEVICE_CA: '' })
    expect(response.status).toBe(400)
  })
})

describe('over-the-air enrolment', () => {
  it('goes from the service payload to an identity to the enrolment profile, by the signer', async () => {
    const settings = { ENROLLMENT: '', ENROLL_TOKEN: 'opensesame' }
    const service = await profileOf(await ask('/ota/enroll?token=opensesame&site=7', {}, settings))
    expect(service).toMatchObject({ PayloadType: 'Profile Service' })
    const url = requiredString(requiredDict(service, 'PayloadContent'), 'URL')
    expect(url).toBe('https://mdm.test/ota/phase23?token=opensesame&site=7')
    const attributes = { UDID: 'U', SERIAL: 'S', PRODUCT: 'iPhone16,2', VERSION: '22A1' }
    const phase2 = await profileOf(await ask(url, post(signed(attributes)), settings))
    expect(phase2['PayloadIdentifier']).toBe('com.github.micromdm.micromdm.ota.phase2')
    expect(payloadsOf(phase2)).toHaveLength(1)
    const phase3 = await ask(url, post(signed(attributes, newIdentity())), settings)
    const [, mdm] = payloadsOf(await profileOf(phase3))
    expect(mdm?.['ServerURL']).toBe('https://mdm.test/mdm/connect?site=7')
  })

  it('answers a stranger with 400, and not with an empty profile as MicroMDM does', async () => {
    const { certificate, privateKey } = createIssuer({ commonName: 'stranger' })
    const body = signed({ UDID: 'U' }, { certificate: certificate.der, privateKey })
    expect((await ask('/ota/phase23', post(body))).status).toBe(400)
  })
})

describe('the page at /', () => {
  it('has the link with the query of its own URL, and loads nothing else', async () => {
    const response = await ask('/?site=%22%3E%3Cb%3E')
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(response.headers.get('content-security-policy')).toMatch(/default-src 'none'/)
    const page = await response.text()
    expect(page).toContain('href="https://mdm.test/mdm/enroll?site=%22%3E%3Cb%3E"')
    expect(page).toContain('<svg role="img" aria-label="QR code')
    expect(page).not.toMatch(/<script|<link|<img|src=/)
  })

  it('names the missing push certificate or token', async () => {
    const bare = await (await ask('/', {}, { PUSH_TOPIC: '' })).text()
    expect(bare).toMatch(/no push certificate/)
    const settings = { ENROLLMENT: '', ENROLL_TOKEN: 'opensesame' }
    const closed = await (await ask('/', {}, settings)).text()
    expect(closed).toMatch(/full link/)
    for (const page of [bare, closed]) {
      expect(page).not.toContain('/mdm/enroll')
      expect(page).not.toContain('opensesame')
    }
    const open = await (await ask('/?token=opensesame', {}, settings)).text()
    expect(open).toContain('https://mdm.test/mdm/enroll?token=opensesame')
  })

  it('has no code for a link that is too long, and does not exist if it is off', async () => {
    const page = await (await ask(`/?site=${'x'.repeat(5000)}`)).text()
    expect(page).toContain('Download')
    expect(page).not.toContain('<svg')
    expect((await ask('/', {}, { HOMEPAGE: 'false' })).status).toBe(404)
  })
})

it('Apple Configurator gets the enrolment URL without the token', async () => {
  const response = await ask('/MDMServiceConfig?token=x', {}, { ENROLLMENT: '', ENROLL_TOKEN: 'x' })
  expect(response.headers.get('content-type')).toBe('application/json; charset=UTF8')
  const config = await response.json<Record<string, string>>()
  expect(config).toEqual({
    dep_enrollment_url: 'https://mdm.test/mdm/enroll',
    dep_anchor_certs_url: 'https://mdm.test/mdm/anchor-certs',
  })
  expect(await (await ask('/mdm/anchor-certs')).json()).toEqual([])
})

const mobileconfig = (identifier: string, extra = '') =>
  Buffer.from(writePlist({ PayloadIdentifier: identifier, Extra: extra })).toString('base64')

const put = (Identifier: string, Mobileconfig: string) =>
  api('PUT', '/v1/profiles', { profile: { Identifier, Mobileconfig } })

it('a list of profiles says what is in each, and when it was stored', async () => {
  const named = (name: string, type: string) => ({
    PayloadIdentifier: 'c.named',
    PayloadDisplayName: name,
    PayloadContent: [{ PayloadType: type }],
  })
  const inBase64 = (plist: PlistDict) => Buffer.from(writePlist(plist)).toString('base64')
  await put('c.named', inBase64(named('Old', 'com.apple.vpn.managed')))
  turn(60_000)
  await put('c.named', inBase64(named('Office', 'com.apple.wifi.managed')))
  const { body } = await api<{ items: object[] }>('GET', '/api/profiles')
  expect(body.items).toContainEqual({
    id: 'c.named',
    size: expect.any(Number),
    name: 'Office',
    payload_types: ['com.apple.wifi.managed'],
    signed_by: null,
    changed_at: new Date(clock.now()).toISOString(),
  })
  await api('DELETE', '/api/profiles/c.named')
})

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
])('%s in %s /v1/profiles is an error with the reason', async (_, method, body, error) => {
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

it('profiles need the API key', async () => {
  expect((await serve('/v1/profiles', { method: 'POST', body: '{}' })).status).toBe(401)
})

const rfc9440 = ({ certificate }: SimulatedIdentity) =>
  `:${Buffer.from(certificate).toString('base64')}:`
const escapedPem = ({ certificate }: SimulatedIdentity) =>
  encodeURIComponent(pem('CERTIFICATE', certificate))

/** A device behind a proxy that passes on the certificate of its TLS connection. */
function proxied(header: (() => string) | undefined, name: string, signs = false) {
  const identity = newIdentity()
  const device = newDevice({
    identity,
    fetch: async (url, init) => {
      const request = new Request(url, init as RequestInit)
      if (!signs) {
        request.headers.delete('mdm-signature')
      }
      if (header) {
        request.headers.set('client-cert', header())
      }
      const context = createExecutionContext()
      const settings = { ...env, CLIENT_CERT_HEADER: name }
      const response = await worker.fetch(request as never, settings as never, context)
      // It notes for a while when devices were seen.
      await Promise.all([waitOnExecutionContext(context), turnTimers(20_000)])
      return response
    },
  })
  return { device, identity }
}

describe('a client certificate in a header', () => {
  it.each([
    ['RFC 9440', rfc9440],
    ['URL-escaped PEM', escapedPem],
  ])('as %s is the identity of a device that does not sign', async (_, write) => {
    const { device, identity } = proxied(() => write(identity), 'Client-Cert')
    expect((await device.enroll()).status).toBe(200)
    expect((await device.connect({ Status: 'Idle' })).status).toBe(200)
  })

  it('is the same identity as that of Mdm-Signature', async () => {
    let header = ''
    const { device, identity } = proxied(() => header, 'Client-Cert', true)
    expect((await device.enroll()).status).toBe(200)
    header = rfc9440(identity)
    expect((await device.connect({ Status: 'Idle' })).status).toBe(200)
    header = rfc9440(newIdentity())
    expect((await device.connect({ Status: 'Idle' })).status).toBe(400)
  })

  it('is ignored as long as no setting names the header', async () => {
    const { device, identity } = proxied(() => rfc9440(identity), '')
    expect((await device.authenticate()).status).toBe(400)
    const other = proxied(() => rfc9440(newIdentity()), 'X-Other-Header', true)
    expect((await other.device.enroll()).status).toBe(200)
  })

  it('that is unreadable is refused, even beside a good signature', async () => {
    for (const value of ['nonsense', `${rfc9440(newIdentity())}, ${rfc9440(newIdentity())}`]) {
      const { device } = proxied(() => value, 'Client-Cert', true)
      expect((await device.authenticate()).status).toBe(400)
    }
  })
})
