import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import worker from '../../src/index.ts'
import type { Env } from '../../src/env.ts'
import { writePlist } from '../../src/plist/write.ts'
import { createIdentity, createIssuer } from '../../src/simulator/device/identity.ts'
import { clock, turn } from './clock.ts'
import {
  bytesOf,
  declared,
  fetchFile,
  type Holder,
  holderOf,
  newName,
  offer,
  ORIGIN,
  PROFILE_TYPE,
  sha256,
  signedBy,
  upload,
} from './file-tools.ts'
import { api, BASIC, enrolled, env, newDevice, newIdentity, serve } from './server.ts'

const HOUR = 3_600_000
const TEXT = bytesOf('<plist version="1.0"><dict/></plist>')

/** A device that is offered a profile of this content. */
async function holding(
  content = TEXT,
): Promise<Holder & { url: string; name: string; declaration: string }> {
  const name = newName()
  const { body } = await upload(name, content)
  const declaration = await declared({ ProfileURL: `file:${name}` })
  return { ...(await holderOf(declaration)), url: body.url, name, declaration }
}

/** A request to a deployment with other bindings. */
async function fetchFrom(
  vars: object,
  url: string,
  headers: Record<string, string>,
): Promise<Response> {
  const context = createExecutionContext()
  const its = { ...env, ...vars } as unknown as Env
  const response = await worker.fetch(new Request(url, { headers }), its, context)
  // The work behind an answer ends when its body has been read.
  await response.clone().arrayBuffer()
  await waitOnExecutionContext(context)
  return response as Response
}

describe('a device that is offered a declaration with a file', () => {
  it('gets the file with its exact type and length', async () => {
    const { identity, url } = await holding()
    const response = await fetchFile(url, signedBy(identity))
    expect(response.status).toBe(200)
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': PROFILE_TYPE,
      'content-length': String(TEXT.length),
      etag: `"${sha256(TEXT)}"`,
      'cache-control': expect.stringContaining('no-transform'),
    })
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(TEXT)
  })

  it('gets only the headers with HEAD', async () => {
    const { identity, url } = await holding()
    const response = await fetchFile(url, signedBy(identity), 'HEAD')
    expect(response.status).toBe(200)
    expect(response.headers.get('content-length')).toBe(String(TEXT.length))
    expect(await response.text()).toBe('')
  })

  it('gets the whole file when it asks for a range', async () => {
    const { identity, url } = await holding()
    for (const range of ['bytes=0-3', 'bytes=4-', 'bytes=0-1,3-4', 'bytes=900-']) {
      const response = await fetchFile(url, { ...signedBy(identity), range })
      expect([response.status, response.headers.get('content-length')]).toEqual([
        200,
        String(TEXT.length),
      ])
      expect(new Uint8Array(await response.arrayBuffer())).toEqual(TEXT)
    }
  })

  it('gets a file of several parts', async () => {
    const long = new Uint8Array(2_345_678).map((_, at) => (at * 31) % 251)
    const { identity, url } = await holding(long)
    const response = await fetchFile(url, signedBy(identity))
    expect(response.headers.get('content-length')).toBe('2345678')
    expect(sha256(new Uint8Array(await response.arrayBuffer()))).toBe(sha256(long))
  })

  it('gets it with a signature without attributes, as devices make it, in any isolate', async () => {
    const { identity, url } = await holding()
    const headers = signedBy(identity, { withAttributes: false })
    expect((await fetchFrom({}, url, headers)).status).toBe(200)
  })

  it('gets it by the certificate that a trusted proxy passes on', async () => {
    const { identity, url } = await holding()
    const certificate = `:${Buffer.from(identity.certificate).toString('base64')}:`
    const trusting = { CLIENT_CERT_HEADER: 'Client-Cert' }
    expect((await fetchFrom(trusting, url, { 'client-cert': certificate })).status).toBe(200)
    expect((await fetchFrom({}, url, { 'client-cert': certificate })).status).toBe(400)
  })

  it('gets the new content after a change, and no longer the earlier one', async () => {
    const { device, identity, url, name, declaration } = await holding()
    const changed = await upload(name, bytesOf('<plist>2</plist>'))
    expect(changed.body.declarations).toEqual([declaration])
    expect((await fetchFile(changed.body.url, signedBy(identity))).status).toBe(404)
    expect((await fetchFile(url, signedBy(identity))).status).toBe(200)
    await offer(device.udid)
    expect((await fetchFile(changed.body.url, signedBy(identity))).status).toBe(200)
    expect((await fetchFile(url, signedBy(identity))).status).toBe(404)
  })

  it('gets no file that its declarations do not name', async () => {
    const { identity } = await holding()
    const { url } = await holding(bytesOf('of another device'))
    expect((await fetchFile(url, signedBy(identity))).status).toBe(404)
    for (const name of ['0'.repeat(64), 'x', '%00', 'a'.repeat(5000)]) {
      expect((await fetchFile(`/ddm/files/${name}`, signedBy(identity))).status).toBe(404)
    }
  })

  it('gets nothing once it is blocked, and is not told to leave', async () => {
    const { device, identity, url } = await holding()
    await api('POST', `/api/devices/${device.udid}/block`)
    expect((await fetchFile(url, signedBy(identity))).status).toBe(404)
  })
})

describe('a file is refused', () => {
  it('to another device, and to a certificate that no enrolment has', async () => {
    const { url } = await holding()
    const other = newIdentity()
    await enrolled({ identity: other })
    expect((await fetchFile(url, signedBy(other))).status).toBe(404)
    expect((await fetchFile(url, signedBy(newIdentity()))).status).toBe(404)
  })

  it('to the identity of an earlier enrolment of the device', async () => {
    const { device, identity, url, declaration } = await holding()
    const { udid, serial } = device
    await device.checkOut()
    const next = newIdentity()
    await newDevice({ udid, serial, identity: next }).enroll()
    await offer(udid, declaration)
    expect((await fetchFile(url, signedBy(identity))).status).toBe(404)
  })

  it('to a certificate of a strange CA', async () => {
    const { url } = await holding()
    const ca = createIssuer({ commonName: 'strange', now: new Date(clock.now()) })
    const stranger = createIdentity({ ca, commonName: 'x', kind: 'ec', now: new Date(clock.now()) })
    expect((await fetchFile(url, signedBy(stranger))).status).toBe(400)
  })

  it('without a signature, and with one over other bytes', async () => {
    const { identity, url } = await holding()
    const idle = signedBy(identity, { body: bytesOf('<plist/>') })
    expect((await fetchFile(url, {})).status).toBe(400)
    expect((await fetchFile(url, { 'mdm-signature': 'AAAA' })).status).toBe(400)
    expect((await fetchFile(url, idle)).status).toBe(400)
    expect((await fetchFile(url, { authorization: BASIC })).status).toBe(400)
  })

  it('when a captured signature comes again after a day', async () => {
    const { identity, url } = await holding()
    const captured = signedBy(identity, { signingTime: clock.now() })
    turn(23 * HOUR)
    expect((await fetchFile(url, captured)).status).toBe(200)
    turn(2 * HOUR)
    expect((await fetchFile(url, captured)).status).toBe(400)
  })

  it('with 405 for other methods', async () => {
    const { identity, url } = await holding()
    for (const method of ['PUT', 'POST', 'DELETE']) {
      const response = await fetchFile(url, signedBy(identity), method)
      expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
    }
  })

  it('with 503 while the directory does not answer', async () => {
    const { identity, url } = await holding()
    const failing = {
      prepare() {
        throw new Error('D1_ERROR: away')
      },
    }
    const response = await fetchFrom({ DB: failing }, url, signedBy(identity))
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '30'])
  })
})

it('a file is sealed at rest', async () => {
  const secret = `secret-${crypto.randomUUID()}`
  const { url, name } = await holding(bytesOf(secret))
  const { results } = await env.DB.prepare('SELECT data FROM declaration_file_parts').all<{
    data: string
  }>()
  expect(results.length).toBeGreaterThan(0)
  const stored = results.map(({ data }) => Buffer.from(data, 'base64').toString('latin1')).join()
  expect(stored).not.toContain(secret)
  const content = await serve(`/api/files/${name}/content`, { headers: { authorization: BASIC } })
  expect(await content.text()).toBe(secret)
  expect(url.startsWith(`${ORIGIN}/ddm/files/`)).toBe(true)
})

describe('a profile that a declaration manages', () => {
  const profile = (identifier: string): Uint8Array<ArrayBuffer> =>
    Uint8Array.from(
      writePlist({
        PayloadType: 'Configuration',
        PayloadIdentifier: identifier,
        PayloadContent: [],
      }),
    )
  const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')

  it('is not installed or removed by a command', async () => {
    const { device, declaration } = await holding(profile('com.example.wifi'))
    const queue = (body: object, query = '') =>
      api<{ code?: string; detail?: string }>(
        'POST',
        `/api/devices/${device.udid}/commands${query}`,
        body,
      )
    const install = (identifier: string) => ({
      request_type: 'InstallProfile',
      payload: base64(profile(identifier)),
    })
    const remove = { request_type: 'RemoveProfile', identifier: 'com.example.wifi' }
    for (const body of [install('com.example.wifi'), remove]) {
      const refused = await queue(body)
      expect(refused).toMatchObject({ status: 409, body: { code: 'profile_declared' } })
      expect(refused.body.detail).toContain(`${declaration} brings the profile com.example.wifi`)
      expect(await queue(body, '?force=true')).toMatchObject({ status: 202 })
    }
    expect(await queue(install('com.example.mail'))).toMatchObject({ status: 202 })
  })

  it('is queued by MicroMDM’s API, with an event that says why the device refuses it', async () => {
    const { device, declaration } = await holding(profile('com.example.wifi'))
    const command = {
      request_type: 'RemoveProfile',
      udid: device.udid,
      identifier: 'com.example.wifi',
    }
    expect(await api('POST', '/v1/commands', command)).toMatchObject({ status: 201 })
    const path = `/api/devices/${device.udid}/events?topic=command.unsupported`
    expect(await api('GET', path)).toMatchObject({
      body: { items: [{ reasons: [expect.stringContaining(`${declaration} brings`)] }] },
    })
  })
})
