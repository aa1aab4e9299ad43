/** The state directory: what is generated on the first start and kept. Everything in it is for its owner only. */
import { createPublicKey, type KeyObject, randomBytes, randomUUID } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join, resolve } from 'node:path'
import { issueCertificate, pem, randomSerial } from '../pki/issue.ts'
import { newKey } from '../simulator/identity.ts'
import { CliError, messageOf } from './error.ts'

const URL_FILE = 'url'
const HOUR = 3_600_000
const YEARS_10 = 10 * 365 * 24 * HOUR

export interface PemPair {
  certificate: string
  key: string
}

export interface State {
  directory: string
  apiKey: string
  /** `id:base64`, newest first. */
  sealKeys: string
  /** What we push with until there is a real one. Kept, because devices remember the topic in it. */
  simulatedPush: PemPair
}

/** @throws CliError when the directory cannot be made or written. */
export function makeStateDirectory(path: string): string {
  const directory = resolve(path)
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    chmodSync(directory, 0o700)
  } catch (error) {
    throw new CliError(`cannot use ${directory} as state directory: ${messageOf(error)}`)
  }
  return directory
}

export function openState(directory: string, now: number): State {
  return {
    directory,
    apiKey: keep(directory, 'api-key', () => randomBytes(24).toString('base64url')),
    sealKeys: keep(directory, 'seal-keys', () => `local:${randomBytes(32).toString('base64')}`),
    simulatedPush: keepPair(directory, 'simulated-push', () => simulatedPushCertificate(now)),
  }
}

/** Other commands find the running server by it. */
export function rememberUrl(directory: string, url: string): void {
  writeFileSync(join(directory, URL_FILE), `${url}\n`, { mode: 0o600 })
}

export function forgetUrl(directory: string): void {
  rmSync(join(directory, URL_FILE), { force: true })
}

/** Where the server of this directory listens; undefined while it is starting. */
export function rememberedUrl(directory: string): string | undefined {
  const file = join(directory, URL_FILE)
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : undefined
}

/** A certificate for a simulated APNs on this machine; it changes with every start. */
export function localhostCertificate(now: number): PemPair {
  const key = newKey('ec')
  const certificate = issueCertificate({
    subject: [['CN', 'Simulated APNs']],
    publicKey: createPublicKey(key),
    signingKey: key,
    serial: randomSerial(),
    notBefore: now - HOUR,
    notAfter: now + YEARS_10,
    keyUsage: ['digitalSignature'],
    extKeyUsage: ['serverAuth'],
    dnsNames: ['localhost'],
    ipAddresses: ['127.0.0.1'],
  })
  return pair(certificate, key)
}

export function simulatedPushCertificate(now: number): PemPair {
  const key = newKey('rsa')
  const topic = `com.apple.mgmt.External.${randomUUID()}`
  const certificate = issueCertificate({
    subject: [
      ['UID', topic],
      ['CN', 'EdgeMDM simulated push'],
    ],
    publicKey: createPublicKey(key),
    signingKey: key,
    serial: randomSerial(),
    notBefore: now - HOUR,
    notAfter: now + YEARS_10,
    keyUsage: ['digitalSignature'],
    extKeyUsage: ['clientAuth'],
  })
  return pair(certificate, key)
}

function pair(certificate: Uint8Array, key: KeyObject): PemPair {
  return {
    certificate: pem('CERTIFICATE', certificate),
    key: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}

/** One file for both, so that a start that is cut short never leaves a key without its certificate. */
function keepPair(directory: string, name: string, make: () => PemPair): PemPair {
  const text = keep(directory, `${name}.pem`, () => {
    const { certificate, key } = make()
    return certificate + key
  })
  const block = (label: string) =>
    new RegExp(`-----BEGIN ${label}-----[^-]+-----END ${label}-----\n?`).exec(text)?.[0]
  const certificate = block('CERTIFICATE')
  const key = block('PRIVATE KEY')
  if (certificate === undefined || key === undefined) {
    throw new CliError(`${join(directory, name)}.pem does not hold a certificate and its key`)
  }
  return { certificate, key }
}

function keep(directory: string, name: string, make: () => string): string {
  const path = join(directory, name)
  try {
    if (!existsSync(path)) {
      // Renamed into place, so that a start that is cut short never leaves half a key.
      writeFileSync(`${path}.new`, `${make().trimEnd()}\n`, { mode: 0o600 })
      renameSync(`${path}.new`, path)
    }
    return readFileSync(path, 'utf8').trim()
  } catch (error) {
    throw new CliError(`cannot keep ${path}: ${messageOf(error)}`)
  }
}
