/** The state directory: values that the first start generates and keeps. Only its owner can read it. */
import { createPublicKey, type KeyObject, randomBytes, randomUUID } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { newApiKey } from './api-key.ts'
import { type CertificateRequest, issueCertificate, pem, randomSerial } from '../pki/x509/issue.ts'
import { newKey } from '../simulator/device/identity.ts'
import { CliError, hindranceOf, messageOf } from './error.ts'
import { writeWhole } from './write-whole.ts'

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
  /** The push pair until there is a real one. It is kept, because devices remember its topic. */
  simulatedPush: PemPair
}

/**
 * The longest path of Linux. Without this check the directories above a longer one would be made and stay.
 */
const MAX_PATH = 4000
const TOO_LONG = 'the name is too long'
/** A state directory holds one of these from its first moment on, complete or not. */
const OWN_FILE = /^(api-key|lock\.sqlite|push-cert)/

/** @throws CliError when the directory cannot be made or written, or belongs to another program */
export function makeStateDirectory(path: string): string {
  const directory = resolve(path)
  try {
    makeDirectory(directory)
    requireOwn(directory)
    chmodSync(directory, 0o700)
  } catch (error) {
    const shown = directory.length > 200 ? `${directory.slice(0, 200)}…` : directory
    throw new CliError(
      `cannot use ${shown} as state directory: ${reasonFor(error)} name another with --state`,
    )
  }
  return directory
}

/**
 * With its parents. Node's `recursive` tries for ever on file systems without directories (ENOENT in /proc).
 */
function makeDirectory(directory: string): void {
  if (directory.length > MAX_PATH) {
    throw new CliError(TOO_LONG)
  }
  const missing: string[] = []
  for (let at = directory; !existsSync(at); at = dirname(at)) {
    missing.push(at)
  }
  for (const at of missing.toReversed()) {
    mkdirSync(at, { mode: 0o700 })
  }
}

const FOR_OTHERS = 0o077
const STICKY = 0o1000

/** Refuses a directory such as /etc or /tmp: closing it to other users would break their programs. */
function requireOwn(directory: string): void {
  const { mode } = statSync(directory)
  const names = readdirSync(directory).filter((name) => name !== 'lost+found')
  const isForeign = names.length > 0 && !names.some((name) => OWN_FILE.test(name))
  if ((mode & STICKY) !== 0 || ((mode & FOR_OTHERS) !== 0 && isForeign)) {
    throw new CliError('it is open to other users, who have or may have files there')
  }
}

const REASONS: readonly (readonly [RegExp, string])[] = [
  [/^ENOENT:/, 'its file system takes no directories there'],
  [/^(ENOTDIR|EEXIST):/, 'a file is in the way'],
  [/^ENAMETOOLONG:/, TOO_LONG],
]

/** The beginning of a sentence that continues with advice. */
function reasonFor(error: unknown): string {
  const message = messageOf(error)
  const hindrance = hindranceOf(error)
  return hindrance === undefined
    ? `${REASONS.find(([sign]) => sign.test(message))?.[1] ?? message}:`
    : `${hindrance}, or`
}

export function openState(directory: string, now: number): State {
  return {
    directory,
    apiKey: keep(directory, 'api-key', newApiKey),
    sealKeys: keep(directory, 'seal-keys', () => `local:${randomBytes(32).toString('base64')}`),
    simulatedPush: keepPair(directory, 'simulated-push', () => simulatedPushCertificate(now)),
  }
}

/** Other commands find the running server by it. */
export function rememberUrl(directory: string, url: string): void {
  writeWhole(join(directory, URL_FILE), `${url}\n`)
}

export function forgetUrl(directory: string): void {
  rmSync(join(directory, URL_FILE), { force: true })
}

/** The address of this directory's server; undefined while it is starting. */
export function rememberedUrl(directory: string): string | undefined {
  const file = join(directory, URL_FILE)
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : undefined
}

/** A certificate for a simulated APNs on this machine; it changes with every start. */
export function localhostCertificate(now: number): PemPair {
  return selfSigned(newKey('ec'), now, {
    subject: [['CN', 'Simulated APNs']],
    extKeyUsage: ['serverAuth'],
    dnsNames: ['localhost'],
    ipAddresses: ['127.0.0.1'],
  })
}

export function simulatedPushCertificate(now: number): PemPair {
  return selfSigned(newKey('rsa'), now, {
    subject: [
      ['UID', `com.apple.mgmt.External.${randomUUID()}`],
      ['CN', 'EdgeMDM simulated push'],
    ],
    extKeyUsage: ['clientAuth'],
  })
}

function selfSigned(
  key: KeyObject,
  now: number,
  facts: Pick<CertificateRequest, 'subject' | 'extKeyUsage' | 'dnsNames' | 'ipAddresses'>,
): PemPair {
  const certificate = issueCertificate({
    ...facts,
    publicKey: createPublicKey(key),
    signingKey: key,
    serial: randomSerial(),
    notBefore: now - HOUR,
    notAfter: now + YEARS_10,
    keyUsage: ['digitalSignature'],
  })
  return {
    certificate: pem('CERTIFICATE', certificate),
    key: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}

/** One file for both, so that an interrupted start never leaves a key without its certificate. */
export function keepPair(directory: string, name: string, make: () => PemPair): PemPair {
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
      writeWhole(path, `${make().trimEnd()}\n`)
    }
    return readFileSync(path, 'utf8').trim()
  } catch (error) {
    throw new CliError(`cannot keep ${path}: ${hindranceOf(error) ?? messageOf(error)}`)
  }
}

/** Names of the deployments that a state directory has. */
export function listDeployments(stateDir: string): readonly string[] {
  const parent = join(stateDir, 'deployments')
  return existsSync(parent) ? readdirSync(parent).toSorted() : []
}
