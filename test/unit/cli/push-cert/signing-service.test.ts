import { X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { openSigned, orderSignature } from '../../../../src/cli/push-cert/signing-service.ts'
import { openOpenssl } from '../../pki/openssl.ts'
import { type Asked, type Said, serving } from '../move/http.ts'
import { DAY, mailed, orderIn } from './vendor.ts'

const openssl = openOpenssl()
const NOW = Date.now()
const SUCCESS: Said = { status: 200, body: { result: 'success' } }
let folder = ''

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'edgemdm-signing-'))
  return () => rmSync(folder, { recursive: true })
})
afterAll(openssl.cleanUp)

const order = (url: string, now = NOW) =>
  orderSignature({
    folder,
    url,
    fetch,
    now,
    csr: 'PEM of a request',
    email: 'it@example.com',
    clientKey: 'client-key',
  })

/** A service that says one thing, and what it was asked. */
async function service(said: Said | 'close' = SUCCESS) {
  const asked: Asked[] = []
  const url = await serving((request) => {
    asked.push(request)
    return said
  })
  return { url, asked, encrypt: (index = 0) => orderIn(asked[index]?.body ?? '').encrypt }
}

describe('a request to the signing service', () => {
  it('carries the CSR and the exchange certificate as base64 of PEM, with the client key', async () => {
    const { url, asked } = await service()
    await order(url)
    const [{ body, headers, ...request } = expect.fail('no request')] = asked
    expect(request).toMatchObject({ method: 'POST', path: '/api/v1/signrequest' })
    expect(headers).toMatchObject({
      'content-type': 'application/json',
      'user-agent': expect.stringMatching(/^EdgeMDM/),
    })
    expect(Object.keys(JSON.parse(body))).toEqual(['csr', 'email', 'key', 'encrypt'])
    const { encrypt, ...sent } = orderIn(body)
    expect(sent).toEqual({ csr: 'PEM of a request', email: 'it@example.com', key: 'client-key' })
    const exchange = new X509Certificate(encrypt)
    expect(exchange.subject).toBe('CN=mdmcert.download')
    expect(exchange.verify(exchange.publicKey)).toBe(true)
    expect(Math.round((exchange.validToDate.getTime() - NOW) / DAY)).toBe(365)
    expect(exchange.publicKey.asymmetricKeyDetails?.modulusLength).toBe(2048)
    expect(statSync(join(folder, 'exchange.pem')).mode & 0o777).toBe(0o600)
  })

  it('names the same exchange certificate until it is about to end', async () => {
    const { url, encrypt } = await service()
    await order(url)
    await order(url, NOW + 300 * DAY)
    await order(url, NOW + 340 * DAY)
    expect(encrypt(1)).toBe(encrypt(0))
    expect(encrypt(2)).not.toBe(encrypt(0))
  })

  it.each<[string, Said, string]>([
    [
      'a refusal, with its reason verbatim',
      {
        status: 200,
        body: { result: 'failure', reason: 'Email not registered: sign up, then verify.' },
      },
      '(status 200) and says: Email not registered: sign up, then verify.',
    ],
    [
      'a server error, with its text as one line without control characters',
      { status: 500, body: Buffer.from('Internal\u001B[31m\nServer Error') },
      '(status 500) and says: Internal [31m Server Error',
    ],
    ['an empty answer', { status: 502, body: Buffer.from('') }, '(status 502) and says: nothing'],
    ['a success with a bad status', { ...SUCCESS, status: 202 }, '(status 202)'],
    [
      'a redirection, without following it',
      { status: 307, body: {}, headers: { location: 'http://127.0.0.1:1/' } },
      '(status 307)',
    ],
    [
      'an answer that is no object',
      { status: 200, body: Buffer.from('null') },
      '(status 200) and says: null',
    ],
  ])('fails for %s', async (_, said, message) => {
    const { url } = await service(said)
    await expect(order(url)).rejects.toThrow(
      `${URL.parse(url)?.host} did not take the request ${message}`,
    )
  })

  it('reads no more than the beginning of an endless answer', async () => {
    const { url } = await service({ status: 400, body: Buffer.alloc(5_000_000, 'x') })
    const refused = await order(url).catch(String)
    expect(String(refused).length).toBeLessThan(2200)
  })

  it('says that a service cannot be reached, and why', async () => {
    const { url } = await service('close')
    await expect(order(url)).rejects.toThrow(/^127\.0\.0\.1:\d+ cannot be reached: .*closed/)
  })

  it.each(['http://mdmcert.download', 'ftp://127.0.0.1', 'nothing'])(
    'is not sent to %s: the client key stays secret',
    async (url) => {
      await expect(order(url)).rejects.toThrow('neither an https URL nor one of this machine')
    },
  )
})

describe('a file that comes back', () => {
  const SIGNED = Buffer.from('<plist>').toString('base64')
  const opened = (content: string) => openSigned(folder, 'mail.p7', Buffer.from(content))

  it.each([
    ['as it is', (hex: string) => hex],
    ['in capitals, in lines', (hex: string) => hex.toUpperCase().replaceAll(/.{60}/g, '$&\r\n')],
  ])('is opened with the exchange key %s', async (_, written) => {
    const { url, encrypt } = await service()
    await order(url)
    expect(opened(written(mailed(openssl, `${SIGNED}\n`, encrypt())))).toBe(SIGNED)
  })

  it('that was never encrypted is taken as it is', () => {
    expect(opened(`${SIGNED}\n`)).toBe(SIGNED)
  })

  it('for another exchange key is refused', async () => {
    const { url, encrypt } = await service()
    await order(url)
    const hex = mailed(openssl, SIGNED, encrypt())
    rmSync(join(folder, 'exchange.pem'))
    expect(() => opened(hex)).toThrow('exchange.pem is not there: this folder made no request')
    await order(url)
    expect(() => opened(hex)).toThrow(/mail\.p7 cannot be opened .* request of another folder/)
  })

  it.each([
    ['the text of the mail', 'Dear customer, …', 'neither a signed request nor the hex text'],
    ['hex of something else', 'abcd', 'is not encrypted as expected'],
    ['a huge file', 'ab'.repeat(600_000), '1200000 bytes'],
    ['an empty file', '', 'neither a signed request'],
  ])('is refused when it is %s', async (_, content, message) => {
    const { url } = await service()
    await order(url)
    expect(() => opened(content)).toThrow(message)
  })
})
