import { createPublicKey } from 'node:crypto'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { createSecureContext, TLSSocket } from 'node:tls'
import { readCertificate } from '../../src/pki/x509/certificate.ts'
import { issueCertificate, pem, randomSerial } from '../../src/pki/x509/issue.ts'
import { newKey } from '../../src/simulator/device/identity.ts'
import type { Account } from './account.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
/** Cloudflare's limit of all headers of a request. */
const MAX_HEADERS = 128 * 1024

/** What a deployed Worker answers. */
export type Serve = (request: Request) => Response | Promise<Response>

/**
 * Cloudflare's edge: a proxy on the server's own port that ends TLS for the hosts of deployed Workers. A child
 * whose environment names it reaches `https://NAME.SUBDOMAIN.workers.dev` without a name server.
 * @returns PEM of the CA that the child has to trust
 */
export function startEdge(server: Server, accounts: readonly Account[], serve: Serve): string {
  const ca = newAuthority()
  const edge = createServer({ maxHeaderSize: MAX_HEADERS }, (incoming, response) => {
    requestOf(incoming)
      .then(serve)
      .then(async (answer) => {
        response.writeHead(answer.status, [...answer.headers].flat())
        response.end(Buffer.from(await answer.arrayBuffer()))
      })
      .catch((error: unknown) => response.writeHead(500).end(String(error)))
  })
  server.on('connect', ({ url = '' }, socket: Duplex) => {
    const host = url.replace(/:443$/, '')
    if (!accounts.some((account) => hostsOf(account).includes(host))) {
      socket.end('HTTP/1.1 502 no such host\r\n\r\n')
      return
    }
    socket.write('HTTP/1.1 200 connected\r\n\r\n')
    const secureContext = createSecureContext(ca.certify(host))
    edge.emit('connection', new TLSSocket(socket, { isServer: true, secureContext }))
  })
  return ca.pem
}

export async function bytesOf(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of incoming) {
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

async function requestOf(incoming: IncomingMessage): Promise<Request> {
  const { method = 'GET', headers, url = '/' } = incoming
  const body = await bytesOf(incoming)
  return new Request(`https://${headers.host}${url}`, {
    method,
    headers: Object.entries(headers).map(([name, value]) => [name, String(value)]),
    ...(body.length > 0 ? { body } : {}),
  })
}

function hostsOf({ workers, domains, subdomain }: Account): string[] {
  const own = [...workers.values()].filter((worker) => worker.subdomain.enabled)
  return [
    ...own.map(({ name }) => `${name}.${subdomain}.workers.dev`),
    ...domains.map(({ hostname }) => hostname),
  ]
}

function newAuthority() {
  const signingKey = newKey('ec')
  const times = { notBefore: Date.now() - HOUR, notAfter: Date.now() + 90 * DAY }
  const own = issueCertificate({
    ...times,
    subject: [['CN', 'Edge of a test']],
    publicKey: createPublicKey(signingKey),
    signingKey,
    serial: randomSerial(),
    ca: true,
    keyUsage: ['keyCertSign'],
  })
  return {
    pem: pem('CERTIFICATE', own),
    certify(host: string) {
      const key = newKey('ec')
      const certificate = issueCertificate({
        ...times,
        subject: [['CN', host]],
        publicKey: createPublicKey(key),
        signingKey,
        issuer: readCertificate(own),
        serial: randomSerial(),
        keyUsage: ['digitalSignature'],
        extKeyUsage: ['serverAuth'],
        dnsNames: [host],
      })
      return {
        cert: pem('CERTIFICATE', certificate),
        key: key.export({ type: 'pkcs8', format: 'pem' }),
      }
    },
  }
}
