import { Agent, request } from 'node:https'
import { type PeerCertificate, TLSSocket } from 'node:tls'
import { messageOf } from '../../error.ts'
import type { DoctorContext, DoctorVerdict } from '../check.ts'

const DAY = 86_400_000
const DAYS_LEFT = 14
const SECONDS = 9

interface Handshake {
  /** Node's word for what is wrong with the certificate; empty if it is trusted. */
  readonly fault: string
  readonly certificate: PeerCertificate
  readonly protocol: string
  readonly cipher: string
}

const NEW_CERTIFICATE =
  'put a certificate of a public CA on what ends TLS. With a custom domain of the Worker, Cloudflare does it'

/** Node's words for what devices refuse too. */
const FAULTS: Readonly<Record<string, readonly [seen: string, fix: string]>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: ['the certificate is self-signed', NEW_CERTIFICATE],
  SELF_SIGNED_CERT_IN_CHAIN: ['the chain ends at a CA that is not public', NEW_CERTIFICATE],
  CERT_HAS_EXPIRED: ['the certificate has ended', 'renew it, and look why it was not renewed'],
  CERT_NOT_YET_VALID: [
    'the certificate is not valid yet',
    'set the clock of this machine, or wait until it begins',
  ],
  ERR_TLS_CERT_ALTNAME_INVALID: [
    'the certificate is for other names',
    'get one with this name, or use the name that it has',
  ],
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: [
    'the chain is not complete, or its CA is not public',
    'send the intermediate certificates too (the fullchain file)',
  ],
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: [
    'the chain is not complete, or its CA is not public',
    'send the intermediate certificates too (the fullchain file)',
  ],
}

/** Without any connection, check 1 says what to do. */
const OF_TLS = /protocol version|unsupported protocol|no answer within/

/** Check 2: what devices ask of TLS (Apple: "Preventing Insecure Network Connections"). */
export async function checkTls({ url, now }: DoctorContext): Promise<DoctorVerdict> {
  let shaken: Handshake
  try {
    shaken = await handshakeWith(url)
  } catch (error) {
    if (!OF_TLS.test(messageOf(error))) {
      return { level: 'skip', seen: 'they need 1' }
    }
    const fix =
      'look whether TLS 1.2 or later is on, and wait some minutes if the host name is new: its ' +
      'certificate may still be made'
    return { level: 'fail', seen: `no TLS connection: ${messageOf(error).trim()}`, fix }
  }
  const { fault, certificate, protocol, cipher } = shaken
  const ends = Date.parse(certificate.valid_to)
  const until = `until ${new Date(ends).toISOString().slice(0, 10)}`
  if (fault !== '') {
    const [seen, fix] = FAULTS[fault] ?? [`the certificate is refused: ${fault}`, NEW_CERTIFICATE]
    const names = certificate.subjectaltname?.replaceAll('DNS:', '') ?? certificate.subject.CN
    const about = `${String(names).slice(0, 200)}, ${until}`
    return { level: 'fail', seen: `${seen} (${about})`, want: 'a certificate that is trusted', fix }
  }
  if (protocol !== 'TLSv1.3' && !(protocol === 'TLSv1.2' && /^(ECDHE|DHE)-/.test(cipher))) {
    return {
      level: 'fail',
      seen: `${protocol} with ${cipher}`,
      want: 'TLS 1.2 or later with forward secrecy',
      fix: 'turn on TLS 1.2 and 1.3 with ECDHE ciphers on what ends TLS',
    }
  }
  const left = Math.floor((ends - now()) / DAY)
  return left < DAYS_LEFT
    ? {
        level: 'warn',
        seen: `the certificate ends in ${left} days`,
        want: `more than ${DAYS_LEFT} days`,
        fix: 'look why it was not renewed: devices that find it ended do not connect',
      }
    : { level: 'ok', seen: `${protocol}, ${until}` }
}

/**
 * One request, also through the proxy that the environment names. It holds no key, so a bad certificate is
 * looked at too. A server that sends a byte now and then keeps it no longer than one that is silent.
 */
function handshakeWith(url: string): Promise<Handshake> {
  return new Promise((resolve, reject) => {
    const agent = new Agent({ rejectUnauthorized: false, proxyEnv: process.env })
    const asked = request(`${url}/healthz`, { agent }, (response) => {
      const { socket } = response
      if (socket instanceof TLSSocket) {
        resolve({
          fault: socket.authorized ? '' : String(socket.authorizationError),
          certificate: socket.getPeerCertificate(),
          protocol: socket.getProtocol() ?? '',
          cipher: socket.getCipher().name,
        })
      } else {
        reject(new Error('the answer came without TLS'))
      }
      response.destroy()
    })
    const timer = setTimeout(() => {
      // Without a connection, the request tells of no error.
      reject(new Error(`no answer within ${SECONDS} s`))
      asked.destroy()
    }, SECONDS * 1000)
    asked.once('close', () => clearTimeout(timer))
    asked.once('error', reject)
    asked.end()
  })
}
