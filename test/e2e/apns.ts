/** An APNs for pushes that are not simulated, and push certificates that no Apple Account made. */
import { createPublicKey, X509Certificate } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createSecureServer } from 'node:http2'
import { once } from 'node:events'
import { join } from 'node:path'
import { TLSSocket } from 'node:tls'
import { localhostCertificate } from '../../src/cli/state.ts'
import { issueCertificate, pem, randomSerial } from '../../src/pki/x509/issue.ts'
import { newKey } from '../../src/simulator/device/identity.ts'

const DAY = 86_400_000

/** An APNs that answers as told, and knows who called. */
export async function startApns(state: string) {
  const own = localhostCertificate(Date.now())
  const seen: { client: string; topic: string; token: string }[] = []
  const sessions = new Set<{ destroy(): void }>()
  const close = (): void => {
    server.close()
    sessions.forEach((session) => session.destroy())
  }
  // To a token that no device has.
  const toFalseToken = { status: 400, reason: 'BadDeviceToken', hasId: true }
  const apns = { refuse: new Set<string>(), seen, toFalseToken, env: {}, url: '', close }
  const server = createSecureServer({
    cert: own.certificate,
    key: own.key,
    requestCert: true,
    rejectUnauthorized: false,
  })
  server.on('stream', (stream, headers) => {
    const socket = stream.session?.socket
    const peer = socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined
    const client = fingerprintOf(peer)
    const token = String(headers[':path']).split('/').at(-1) ?? ''
    if (/^0+$/.test(token)) {
      const { status, reason, hasId } = apns.toFalseToken
      stream.respond({ ':status': status, ...(hasId && { 'apns-id': headers['apns-id'] }) })
      stream.end(JSON.stringify({ reason }))
      return
    }
    seen.push({ client, topic: String(headers['apns-topic']), token })
    const refused = apns.refuse.has(client)
    stream.respond({ ':status': refused ? 403 : 200, 'apns-id': String(headers['apns-id']) })
    stream.end(refused ? '{"reason":"BadCertificate"}' : '')
  })
  server.on('session', (session) => sessions.add(session))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  apns.url = `https://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
  mkdirSync(state, { recursive: true })
  writeFileSync(join(state, 'apns.pem'), own.certificate)
  apns.env = { NODE_EXTRA_CA_CERTS: join(state, 'apns.pem') }
  return apns
}

export function fingerprintOf(certificate: X509Certificate | undefined): string {
  return certificate?.fingerprint256.replaceAll(':', '').toLowerCase() ?? ''
}

/** A push certificate as `PUT /v1/config/certificate` takes it. */
export function pushCertificate(topic: string, days: number) {
  const key = newKey('rsa')
  const der = issueCertificate({
    subject: [
      ['UID', topic],
      ['O', 'Apple Inc.'],
    ],
    publicKey: createPublicKey(key),
    signingKey: key,
    serial: randomSerial(),
    notBefore: Date.now() - DAY,
    notAfter: Date.now() + days * DAY + DAY / 2,
    keyUsage: ['digitalSignature'],
  })
  const keyPem = key.export({ type: 'pkcs1', format: 'pem' }).toString()
  const cert = Buffer.from(der).toString('base64')
  return {
    body: { cert: btoa(pem('CERTIFICATE', der)), key: btoa(keyPem) },
    cert,
    certPem: pem('CERTIFICATE', der),
    keyPem,
    fingerprint: fingerprintOf(new X509Certificate(der)),
  }
}
