import { createPublicKey, type KeyObject } from 'node:crypto'
import { once } from 'node:events'
import { createServer as createProxy } from 'node:http'
import { createServer, type ServerOptions } from 'node:https'
import { connect } from 'node:net'
import {
  createServer as createTlsServer,
  getCACertificates,
  setDefaultCACertificates,
  type TLSSocket,
} from 'node:tls'
import { afterEach, beforeAll, expect, it, vi } from 'vitest'
import { readCertificate } from '../../../src/pki/x509/certificate.ts'
import { issueCertificate, pem, randomSerial } from '../../../src/pki/x509/issue.ts'
import { createIssuer, newKey } from '../../../src/simulator/device/identity.ts'
import { examine, foundBy } from './doctor-tools.ts'

const DAY = 86_400_000
const publicCA = createIssuer({ commonName: 'A public CA' })
const closing: (() => unknown)[] = []

beforeAll(() => {
  const trusted = pem('CERTIFICATE', publicCA.certificate.der)
  setDefaultCACertificates([...getCACertificates('default'), trusted])
})
afterEach(async () => {
  for (const close of closing.splice(0)) {
    await close()
  }
})

interface Shown {
  readonly name?: string
  readonly notBefore?: number
  readonly notAfter?: number
  readonly issuer?: typeof publicCA | 'itself'
  readonly key?: KeyObject
}

/** A certificate as a public CA gives it for an address of this machine, but for what is said otherwise. */
function certify(shown: Shown): ServerOptions {
  const { key = newKey('ec'), issuer = publicCA, name } = shown
  const signer = issuer === 'itself' ? { signingKey: key } : signedBy(issuer)
  const der = issueCertificate({
    ...signer,
    subject: [['CN', name ?? 'localhost']],
    publicKey: createPublicKey(key),
    serial: randomSerial(),
    notBefore: shown.notBefore ?? Date.now() - DAY,
    notAfter: shown.notAfter ?? Date.now() + 89.5 * DAY,
    keyUsage: ['digitalSignature', 'keyEncipherment'],
    extKeyUsage: ['serverAuth'],
    ...(name === undefined ? { ipAddresses: ['127.0.0.1'] } : { dnsNames: [name] }),
  })
  return { cert: pem('CERTIFICATE', der), key: key.export({ type: 'pkcs8', format: 'pem' }) }
}

const signedBy = ({ certificate, privateKey }: typeof publicCA) => ({
  signingKey: privateKey,
  issuer: certificate,
})

async function listen(server: ReturnType<typeof createProxy> | ReturnType<typeof createServer>) {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closing.push(async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })
  const address = server.address()
  return typeof address === 'object' && address ? address.port : 0
}

const serveTls = (options: ServerOptions) =>
  listen(createServer(options, (_, response) => response.writeHead(404).end()))

async function findTls(options: ServerOptions, now?: () => number): Promise<string> {
  const url = `https://127.0.0.1:${await serveTls(options)}`
  const results = await examine(url, { only: [2], isLocal: false, ...(now && { now }) })
  return foundBy(results, 2)
}

it('a certificate of a trusted CA for this name, with TLS 1.3 or 1.2, is good', async () => {
  expect(await findTls(certify({}))).toMatch(/^ok: TLSv1\.3, until 20/)
  expect(await findTls({ ...certify({}), maxVersion: 'TLSv1.2' })).toMatch(/^ok: TLSv1\.2, until/)
})

const privateCA = createIssuer({ commonName: 'A private CA' })
const middleKey = newKey('ec')
const middle = {
  privateKey: middleKey,
  certificate: readCertificate(
    issueCertificate({
      ...signedBy(publicCA),
      subject: [['CN', 'An intermediate CA']],
      publicKey: createPublicKey(middleKey),
      serial: randomSerial(),
      notBefore: Date.now() - DAY,
      notAfter: Date.now() + 100 * DAY,
      ca: true,
      keyUsage: ['keyCertSign'],
    }),
  ),
}

it.each<[string, Shown, string]>([
  ['self-signed', { issuer: 'itself' }, 'the certificate is self-signed'],
  ['of another CA', { issuer: privateCA }, 'the chain is not complete, or its CA is not public'],
  ['without its intermediate', { issuer: middle }, 'send the intermediate certificates too'],
  ['for another name', { name: 'other.example' }, 'for other names (other.example, until 20'],
  ['that has ended', { notAfter: Date.now() - DAY / 2 }, 'the certificate has ended'],
  ['that has not begun', { notBefore: Date.now() + DAY }, 'the certificate is not valid yet'],
])('a certificate %s is found', async (_, shown, words) => {
  const found = await findTls(certify(shown))
  expect(found).toMatch(/^fail: /)
  expect(found).toContain(words)
})

it('with its intermediate, that certificate is good', async () => {
  const { cert, key } = certify({ issuer: middle })
  const chain = `${String(cert)}${pem('CERTIFICATE', middle.certificate.der)}`
  expect(await findTls({ cert: chain, ...(key && { key }) })).toMatch(/^ok/)
})

it('a certificate that ends soon is a warning', async () => {
  const later = () => Date.now() + 80 * DAY
  expect(await findTls(certify({}), later)).toBe(
    'warn: the certificate ends in 9 days. look why it was not renewed: ' +
      'devices that find it ended do not connect',
  )
})

it('a key exchange without forward secrecy, and TLS before 1.2, are found', async () => {
  const old = { ...certify({ key: newKey('rsa') }), maxVersion: 'TLSv1.2' } as const
  expect(await findTls({ ...old, ciphers: 'AES128-GCM-SHA256' })).toBe(
    'fail: TLSv1.2 with AES128-GCM-SHA256. ' +
      'turn on TLS 1.2 and 1.3 with ECDHE ciphers on what ends TLS',
  )
  const older = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1' } as const
  const found = await findTls({ ...old, ...older, ciphers: 'DEFAULT@SECLEVEL=0' })
  expect(found).toMatch(/^fail: no TLS connection: .*look whether TLS 1\.2 or later is on/s)
})

it('behind a certificate that is refused, check 1 leads to check 2, and the rest is skipped', async () => {
  const url = `https://127.0.0.1:${await serveTls(certify({ issuer: 'itself' }))}`
  const results = await examine(url, { isLocal: false, key: 'k' })
  expect(foundBy(results, 1)).toContain('check 2 says what is wrong with the TLS certificate')
  const failed = results.filter(({ level }) => level === 'fail')
  expect(failed.map(({ number }) => number)).toEqual([1, 2])
})

it('a server that sends a byte now and then is left after nine seconds', async () => {
  const bytes = (socket: TLSSocket): void => {
    socket.write('HTTP/1.1 200 OK\r\nx: ')
    opened.resolve(socket)
  }
  const opened = Promise.withResolvers<TLSSocket>()
  const server = createTlsServer(certify({}), bytes)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closing.push(() => server.close())
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  closing.push(() => vi.useRealTimers())
  const url = `https://127.0.0.1:${port}`
  const done = examine(url, { only: [2], isLocal: false })
  const socket = await opened.promise
  const closed = once(socket, 'close')
  socket.on('error', () => undefined).resume()
  const drip = setInterval(() => socket.write('a'), 500)
  closing.push(() => clearInterval(drip))
  vi.advanceTimersByTime(9000)
  expect(foundBy(await done, 2)).toMatch(/^fail: no TLS connection: no answer within 9 s/)
  await closed
})

it('a host that does not exist is one finding, which names the DNS', async () => {
  const results = await examine('https://nothing.invalid', { isLocal: false, key: 'k' })
  expect(foundBy(results, 1)).toMatch(
    /^fail: https:\/\/nothing\.invalid does not answer: DNS .*is the name spelled right/,
  )
  expect(foundBy(results, 2)).toBe('skip: they need 1')
  expect(results.filter(({ level }) => level === 'fail')).toHaveLength(1)
})

it('a server of http under https is one finding', async () => {
  const url = `https://127.0.0.1:${await listen(createProxy())}`
  const results = await examine(url, { isLocal: false, key: 'k' })
  expect(foundBy(results, 1)).toContain('the server takes http, not https: name it with http://')
  expect(results.filter(({ level }) => level === 'fail')).toHaveLength(1)
})

it('the certificate is read through the proxy of this machine', async () => {
  const port = await serveTls(certify({ name: 'mdm.test.example' }))
  const proxy = createProxy().on('connect', (_, socket) => {
    const onward = connect(port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 connected\r\n\r\n')
      socket.pipe(onward).pipe(socket)
    })
    onward.on('error', () => socket.destroy())
    socket.on('error', () => onward.destroy())
  })
  process.env['HTTPS_PROXY'] = `http://127.0.0.1:${await listen(proxy)}`
  closing.push(() => delete process.env['HTTPS_PROXY'])
  const results = await examine('https://mdm.test.example', { only: [2], isLocal: false })
  expect(foundBy(results, 2)).toMatch(/^ok: TLSv1\.3/)
})
