import { describe, expect, it } from 'vitest'
import samples from '../vectors/guide-samples.json'
import { clock } from './clock.ts'
import {
  api,
  events,
  letPush,
  enrolled,
  newDevice,
  newIdentity,
  pushes,
  resetRules,
  rule,
  seen,
  serve,
  until,
} from './server.ts'
import { passingOn } from './deployment.ts'
import { passRetries } from './webhook-tools.ts'

const BASIC = { authorization: `Basic ${btoa('micromdm:test-key')}` }

describe('admin authentication', () => {
  it.each([
    ['no credentials', {}],
    ['a wrong password', { authorization: `Basic ${btoa('micromdm:wrong')}` }],
    ['another user', { authorization: `Basic ${btoa('nanomdm:test-key')}` }],
  ])('refuses %s as MicroMDM does', async (_, headers) => {
    const response = await serve('/v1/devices', { method: 'POST', body: '{}', headers })
    expect(response.status).toBe(401)
    expect(response.headers.get('www-authenticate')).toBe(
      'Basic realm="micromdm", Bearer realm="micromdm"',
    )
    expect(await response.text()).toBe('{\n  "error": "Unauthorized"\n}\n')
  })
})

describe('commands', () => {
  it('accepts the guide’s request with its trailing comma and form content type', async () => {
    const response = await serve('/v1/commands', {
      method: 'POST',
      headers: { ...BASIC, 'content-type': 'application/x-www-form-urlencoded' },
      body: samples.command_request,
    })
    expect(response.status).toBe(201)
    expect(await response.json()).toMatchObject({
      payload: {
        command: { request_type: 'InstallProfile', payload: 'PD94bWwgdmVyc2lvbj0iMS4wIj8+' },
      },
    })
  })

  it.each([
    ['', 'EOF'],
    ['{', 'unexpected EOF'],
    ['{"udid":"U","request_type":"Nope"}', 'mdm: unknown RequestType: Nope'],
    ['{"request_type":"ProfileList"}', 'request must contain UDID of the device'],
    ['null', 'mdm: unknown RequestType: '],
  ])('answers the body %j with the error %j', async (body, error) => {
    expect(await api('POST', '/v1/commands', body)).toEqual({ status: 500, body: { error } })
  })

  it('hands a raw plist out byte for byte, and shows it in the queue', async () => {
    const device = newDevice({ answer: () => 'silence' })
    await device.enroll()
    const raw = new TextEncoder().encode(
      '<?xml version="1.0"?>\n<plist version="1.0"><dict>\n\t<key>CommandUUID</key><string>raw 1</string><key>Command</key><dict><key>RequestType</key><string>Whatever</string></dict></dict></plist>',
    )
    expect(await api('PUT', `/v1/commands/${device.udid}`, raw)).toEqual({
      status: 201,
      body: {
        payload: {
          udid: device.udid,
          command_uuid: 'raw 1',
          command: { request_type: 'Whatever' },
          payload: Buffer.from(raw).toString('base64'),
        },
      },
    })
    const given = await device.connect({ Status: 'Idle' })
    expect(given.body).toEqual(raw)
    const queue = await api('GET', `/v1/commands/${device.udid}`)
    expect(queue.body).toEqual({
      commands: [{ uuid: 'raw 1', payload: Buffer.from(raw).toString('base64') }],
    })
    expect(await api('DELETE', `/v1/commands/${device.udid}`, '{}')).toEqual({
      status: 200,
      body: {},
    })
    expect(await api('GET', `/v1/commands/${device.udid}`)).toEqual({ status: 200, body: {} })
  })

  it('loses and repeats none of fifty commands that are posted while the device answers', async () => {
    const device = newDevice()
    await device.enroll()
    const posting = Promise.all(
      Array.from({ length: 50 }, (_, n) =>
        api('POST', '/v1/commands', {
          udid: device.udid,
          request_type: 'ProfileList',
          command_uuid: `c${n}`,
        }),
      ),
    )
    await until(
      async () => {
        await device.poll()
        return device.received.length
      },
      (count) => count >= 25,
    )
    await posting
    await device.poll()
    expect(device.received.map(({ uuid }) => uuid).toSorted()).toEqual(
      Array.from({ length: 50 }, (_, n) => `c${n}`).toSorted(),
    )
  })
})

describe('paths that are not there', () => {
  it.each(['/boltbackup', '/v1/profiles', '/v1/nothing'])(
    '%s is a JSON error of 400 or more',
    async (path) => {
      const { status, body } = await api('GET', path)
      expect(status).toBeGreaterThanOrEqual(400)
      expect(body['error']).toBeTypeOf('string')
    },
  )
})

describe('device routes', () => {
  it('answer a bad signature, a stranger, another device’s certificate and garbage with 400', async () => {
    const device = newDevice()
    await device.enroll()
    const body = new TextEncoder().encode('<plist><dict/></plist>')
    const unsigned = await serve('/mdm/connect', { method: 'PUT', body })
    expect(unsigned.status).toBe(400)
    const other = newDevice({ udid: device.udid })
    expect((await other.connect({ Status: 'Idle' })).status).toBe(400)
    const thief = newDevice()
    await thief.enroll()
    const borrowed = newDevice({ udid: device.udid })
    borrowed.useIdentity(newIdentity())
    expect((await borrowed.checkIn('TokenUpdate', {})).status).toBe(400)
    expect((await device.send(new TextEncoder().encode('garbage'), 'connect')).status).toBe(400)
    expect((await device.send(new Uint8Array(), 'connect')).status).toBe(400)
    expect((await device.connect({})).status).toBe(400)
  })

  it('never accept a certificate of one device for another', async () => {
    const identity = newIdentity()
    const device = newDevice({ identity })
    await device.enroll()
    expect((await newDevice({ identity }).authenticate()).status).toBe(400)
  })

  it('answer 413 above 20 MB', async () => {
    const device = newDevice()
    const { status } = await device.send(new Uint8Array(20_000_001), 'connect')
    expect(status).toBe(413)
  })

  it('accept a device without an Authenticate, if its certificate is acceptable', async () => {
    const device = newDevice()
    expect((await device.tokenUpdate()).status).toBe(200)
    await api('POST', '/v1/commands', { udid: device.udid, request_type: 'ProfileList' })
    await device.poll()
    expect(device.received).toHaveLength(1)
  })

  it('accept no device with an expired certificate, and list none', async () => {
    const identity = newIdentity(undefined, 'ec', new Date('2020-01-01'))
    const device = newDevice({ identity })
    for (const answer of [device.authenticate(), device.connect({ Status: 'Idle' })]) {
      expect((await answer).status).toBe(400)
    }
    const { body } = await api('POST', '/v1/devices', { filter_udid: [device.udid] })
    expect(body['devices']).toBeNull()
  })

  it('answer the connect of a blocked device with 401, and no other message of it', async () => {
    const device = newDevice()
    await device.enroll()
    expect((await api('POST', `/v1/devices/${device.udid}/unblock`)).body).toEqual({
      error: `delete device with udid ${device.udid}: not found: Device udid ${device.udid}`,
    })
    expect(await api('POST', `/v1/devices/${device.udid}/block`)).toEqual({ status: 200, body: {} })
    expect((await device.tokenUpdate()).status).toBe(200)
    expect((await device.connect({ Status: 'Idle' })).status).toBe(401)
    await api('POST', `/v1/devices/${device.udid}/unblock`)
    expect((await device.connect({ Status: 'Idle' })).status).toBe(200)
  })

  it('accept no device that was blocked before its first message, and list none', async () => {
    const device = newDevice()
    await api('POST', `/v1/devices/${device.udid}/block`)
    expect((await device.connect({ Status: 'Idle' })).status).toBe(401)
    const { body } = await api('POST', '/v1/devices', { filter_udid: [device.udid] })
    expect(body['devices']).toBeNull()
  })
})

describe('the guide’s samples', () => {
  it('have the results that the guide shows', async () => {
    const udid = samples.events[0]?.checkin_event?.udid ?? ''
    const device = newDevice({ udid })
    for (const sample of samples.events) {
      const payload = (sample.checkin_event ?? sample.acknowledge_event)?.raw_payload ?? ''
      const path = sample.topic === 'mdm.Connect' ? 'connect' : 'checkIn'
      expect((await device.send(Buffer.from(payload, 'base64'), path)).status).toBe(200)
    }
    const got = await events(udid, samples.events.length)
    for (const [index, sample] of samples.events.entries()) {
      const event = got[index]
      expect(event?.topic).toBe(sample.topic)
      if (sample.checkin_event) {
        expect(event?.checkin_event).toMatchObject(sample.checkin_event)
      } else {
        const { url_params: documentedAsNull, ...rest } = sample.acknowledge_event ?? {}
        expect(documentedAsNull).toBeNull()
        expect(event?.acknowledge_event).toMatchObject(rest)
        expect(event?.acknowledge_event).not.toHaveProperty('url_params')
      }
    }
  })
})

describe('pushes', () => {
  it('are sent once for a burst of commands, with the magic and nothing else', async () => {
    const device = newDevice()
    await device.enroll()
    for (let n = 0; n < 5; n++) {
      await api('POST', '/v1/commands', { udid: device.udid, request_type: 'ProfileList' })
    }
    await pushes(device)
    // A second push of the burst would have left before this one.
    await letPush()
    await api('GET', `/push/${device.udid}`)
    const found = await seen(device.magic, 'apns')
    expect(found).toHaveLength(2)
    expect(found[0]).toMatchObject({
      url: `https://api.push.apple.com/3/device/${Buffer.from(device.token).toString('hex')}`,
      body: JSON.stringify({ mdm: device.magic }),
      headers: {
        'apns-push-type': 'mdm',
        'apns-priority': '10',
        'apns-topic': 'com.apple.mgmt.External.test',
      },
    })
  })

  it('refuse an expiration in milliseconds, for which APNs would blame the certificate', async () => {
    const device = newDevice()
    await device.enroll()
    const pushed = await api('POST', `/v1/push/${device.udid}?expiration=1900000000000`)
    expect(pushed.status).toBe(500)
    expect(pushed.body['error']).toContain('seconds since 1970')
    expect(await seen(device.magic, 'apns')).toEqual([])
  })

  it('answer on both routes with APNs’s id, or with the reason of its refusal', async () => {
    const device = newDevice()
    await device.enroll()
    const pushed = await api('POST', `/v1/push/${device.udid}?expiration=1900000000`)
    expect(pushed.body).toMatchObject({
      status: 'success',
      push_notification_id: expect.any(String),
    })
    await rule({
      on: 'apns',
      match: device.magic,
      status: 410,
      times: 1,
      headers: { 'apns-id': 'x' },
      body: JSON.stringify({ reason: 'Unregistered', timestamp: clock.now() + 60_000 }),
    })
    expect(await api('GET', `/push/${device.udid}`)).toEqual({
      status: 500,
      body: { error: 'Unregistered' },
    })
    expect((await api('GET', `/push/${device.udid}`)).body['error']).toContain('TokenUpdate')
    await device.tokenUpdate()
    expect((await api('GET', `/push/${device.udid}`)).status).toBe(200)
  })

  it('name the fault of a short token, another topic and an unknown device', async () => {
    const device = newDevice({ topic: 'com.apple.mgmt.other' })
    await device.enroll()
    expect((await api('GET', `/push/${device.udid}`)).body['error']).toContain(
      'com.apple.mgmt.other',
    )
    await device.tokenUpdate({ token: new Uint8Array(16) })
    expect((await api('GET', `/push/${device.udid}`)).body).toEqual({ error: 'invalid push token' })
    expect((await api('GET', '/push/unknown')).body).toEqual({
      error: 'retrieving PushInfo by UDID: not found: PushInfo udid unknown',
    })
  })
})

describe('the webhook', () => {
  it('gets the URL’s credentials as Basic auth', async () => {
    const device = newDevice()
    await device.authenticate()
    await events(device.udid, 1)
    const [post] = await seen(device.udid, 'webhook')
    expect(post?.headers['authorization']).toBe(`Basic ${btoa('user:pass')}`)
    expect(post?.headers['content-type']).toBe('application/json; charset=utf-8')
  })

  it('continues after a refused event, and keeps the order while the receiver is down', async () => {
    const refused = newDevice()
    await rule({ on: 'webhook', match: `${refused.udid}</string></dict>`, status: 500, times: 0 })
    await rule({ on: 'webhook', match: refused.serial, status: 500, times: 3 })
    await refused.enroll()
    const got = await events(refused.udid, 1, () => passRetries('webhook'))
    expect(got[0]?.topic).toBe('mdm.TokenUpdate')
    const held = newDevice()
    await rule({ on: 'webhook', match: held.serial, status: 503, times: 2 })
    await held.enroll()
    expect(
      (await events(held.udid, 2, () => passRetries('webhook'))).map(({ topic }) => topic),
    ).toEqual(['mdm.Authenticate', 'mdm.TokenUpdate'])
    await resetRules()
  })

  it('gets url_params of the device’s URL', async () => {
    const device = newDevice({ checkInUrl: 'http://mdm.test/mdm/checkin?tenant=one&tenant=two' })
    await device.authenticate()
    const [event] = await events(device.udid, 1)
    expect(event?.checkin_event).toMatchObject({ url_params: { tenant: 'one' } })
  })

  it('gets each key of them, in Go’s order', async () => {
    const query = 'b=1&10=2&9=3&__proto__=4&constructor=5&toString=6&b=7'
    const device = newDevice({ checkInUrl: `http://mdm.test/mdm/checkin?${query}` })
    await device.authenticate()
    await events(device.udid, 1)
    const [post] = await seen(device.udid, 'webhook')
    const params = /"url_params": (\{[^}]*\})/.exec(post?.body ?? '')?.[1] ?? ''
    expect(
      [...params.matchAll(/"(\w+)": "(\w)"/g)].map(([, key, value]) => `${key}${value}`),
    ).toEqual(['102', '93', '__proto__4', 'b1', 'constructor5', 'toString6'])
  })
})

describe('declarative management', () => {
  it('is passed on, and a 404 reaches the device only for a declaration that is not listed', async () => {
    const device = await enrolled({ fetch: passingOn })
    const items = {
      Declarations: {
        Activations: [],
        Configurations: [{ Identifier: 'kept.one', ServerToken: '1' }],
        Management: [],
      },
      DeclarationsToken: 't',
    }
    await rule({
      on: 'ddm',
      match: '/declaration-items',
      status: 200,
      times: 1,
      body: JSON.stringify(items),
    })
    const listed = await device.checkIn('DeclarativeManagement', { Endpoint: 'declaration-items' })
    expect(new TextDecoder().decode(listed.body)).toBe(JSON.stringify(items))
    await rule({ on: 'ddm', match: '/declaration/', status: 404, times: 2 })
    const ask = async (Endpoint: string) =>
      (await device.checkIn('DeclarativeManagement', { Endpoint })).status
    expect(await ask('declaration/configuration/gone.one')).toBe(404)
    expect(await ask('declaration/configuration/kept.one')).toBe(503)
    await rule({ on: 'ddm', match: '/tokens', status: 500, times: 1 })
    expect(await ask('tokens')).toBe(503)
    expect(await ask('../secret')).toBe(400)
    const headers = { location: 'http://away.example.com/' }
    await rule({ on: 'ddm', match: '/tokens', status: 307, times: 1, headers })
    expect(await ask('tokens')).toBe(503)
    expect(await seen('away.example.com', 'webhook')).toEqual([])
    const [asked] = await seen('/declaration-items', 'ddm')
    expect(asked?.headers['x-enrollment-id']).toBe(device.udid)
  })
})
