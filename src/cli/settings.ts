/**
 * The Worker's vars and secrets under `npm start`, from the command line, the state directory and the
 * environment.
 */
import { readFileSync } from 'node:fs'
import { checkPushCertificate } from '../pki/x509/push-certificate.ts'
import { readCertificate, readPem } from '../pki/x509/certificate.ts'
import { SETTINGS_KNOWN } from '../config/known.ts'
import { CliError, messageOf } from './error.ts'
import { jobBurst, residentObjects } from './guard.ts'
import type { StartOptions } from './options.ts'
import type { PemPair, State } from './state.ts'

/** Passed on unchanged: only config.ts knows their meaning. */
const PASSED_THROUGH = SETTINGS_KNOWN.flatMap(([name, , , facts]) =>
  facts?.ofStart ? [] : [name, facts?.alias ?? name],
)

export interface PushPair extends PemPair {
  topic: string
  fingerprint: string
  notAfter: number
}

export type Environment = Readonly<Record<string, string | undefined>>

/** @throws CliError unless it is a push certificate, valid at `now`, with its key */
export function pushIdentity(pair: PemPair, now: number): PushPair {
  const check = checkPushCertificate(pair.certificate, pair.key, now)
  if (!check.ok) {
    throw new CliError(check.error)
  }
  return {
    certificate: check.certificatePem,
    key: check.keyPem,
    topic: check.topic,
    fingerprint: check.fingerprint,
    notAfter: check.notAfter,
  }
}

export function readPushFiles(files: NonNullable<StartOptions['push']>): PemPair {
  return {
    certificate: readTextFile('--push-cert', files.certificateFile),
    key: readTextFile('--push-key', files.keyFile),
  }
}

/** The PEM of a `--device-ca`, after checking that it holds certificates that can be read. */
export function readDeviceCA(file: string): string {
  const text = readTextFile('--device-ca', file)
  try {
    if (readPem(text).map(readCertificate).length > 0) {
      return text
    }
  } catch (error) {
    throw new CliError(`--device-ca ${file}: ${messageOf(error)}`)
  }
  throw new CliError(`--device-ca ${file}: holds no PEM CERTIFICATE block`)
}

/** The environment may name other keys than the generated ones, for the Worker and for the CLI. */
export function sealKeysOf(state: State, env: Environment): string {
  return env['SEAL_KEYS'] ?? state.sealKeys
}

export function apiKeyOf(state: State, env: Environment, given: string | undefined): string {
  return given ?? env['API_KEY'] ?? env['MICROMDM_API_KEY'] ?? state.apiKey
}

/** The vars and secrets by name. The ones that are named here are always set. */
export type Bindings = Record<string, string> & { API_KEY: string; WEBHOOK_URL: string }

export function workerBindings(
  options: StartOptions,
  state: State,
  env: Environment,
  facts: {
    url: string
    push: PushPair
    deviceCAs: readonly string[]
    /** The simulated service of Apple: its URL, and the PEM of its devices’ CA. */
    dep?: { url: string; deviceCa: string }
  },
): Bindings {
  const bindings: Bindings = {
    API_KEY: apiKeyOf(state, env, options.apiKey),
    SEAL_KEYS: sealKeysOf(state, env),
    PUBLIC_URL: env['PUBLIC_URL'] ?? env['MICROMDM_SERVER_URL'] ?? facts.url,
    WEBHOOK_URL: options.webhook ?? env['WEBHOOK_URL'] ?? env['MICROMDM_WEBHOOK_URL'] ?? '',
    DEVICE_CA: [...facts.deviceCAs, env['DEVICE_CA'] ?? ''].filter(Boolean).join('\n'),
    PUSH_CERTIFICATE: facts.push.certificate,
    // Under `npm start` most receivers are on the same machine.
    ALLOW_PRIVATE_WEBHOOKS: 'true',
    JOB_BURST: String(jobBurst(options.memory)),
    RESIDENT_OBJECTS: String(residentObjects(options.memory)),
    // All simulated devices enrol at once.
    ...(options.devices > 60 ? { SCEP_RATE: String(options.devices) } : {}),
  }
  for (const name of PASSED_THROUGH) {
    const value = env[name]
    if (value !== undefined) {
      bindings[name] = value
    }
  }
  if (facts.dep) {
    const { url, deviceCa } = facts.dep
    const others = bindings['APPLE_DEVICE_CA'] ?? ''
    Object.assign(bindings, { DEP_URL: url, APPLE_DEVICE_CA: `${others}\n${deviceCa}`.trim() })
  }
  if (!bindings['ENROLLMENT'] && !bindings['ENROLL_TOKEN'] && isPrivate(options.host, bindings)) {
    bindings['ENROLLMENT'] = 'open'
  }
  return bindings
}

/** Whether only this machine reaches the server, as far as the settings tell. */
function isPrivate(host: string, { PUBLIC_URL: publicUrl = '' }: Bindings): boolean {
  return isLoopback(host) && (publicUrl === '' || isLoopback(URL.parse(publicUrl)?.hostname ?? ''))
}

function isLoopback(host: string): boolean {
  return /^(localhost|127(\.\d+){3}|::1|\[::1\])$/i.test(host)
}

function readTextFile(flag: string, file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new CliError(`${flag} ${file}: ${messageOf(error)}`)
  }
}
