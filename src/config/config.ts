import { createHash, type KeyObject } from 'node:crypto'
import type { Certificate } from '../pki/x509/certificate.ts'
import { createSealer, type Sealer } from '../pki/seal/seal.ts'
import {
  DAY,
  MINUTE,
  readAuditDays,
  readBoolean,
  readCertificates,
  readConcurrency,
  readDepUrl,
  readDuration,
  readCount,
  readHeaderName,
  readIdleAge,
  readKeepEvents,
  readKeepResults,
  readLimit,
  readLogLevel,
  readPush,
  readRate,
  readRepoLinks,
  readReceiver,
  readTopics,
  readOrigin,
} from './values.ts'
import {
  enrollmentSettings,
  readScep,
  type ReadSetting,
  type EnrollmentSettings,
  type ScepSettings,
} from './enrollment.ts'
import type { DeviceSettings, KeepResults, RepoLinks } from './settings.ts'
import { reasonOf, OwnError } from '../reason.ts'
import type { LogLevel } from '../figures/lines.ts'
import { setLogLevel } from '../log.ts'
import { MICROMDM_TOPICS } from '../events/topics.ts'
import { VAR_WEBHOOK, type Webhook } from '../events/webhook.ts'

/**
 * The settings as the runtime gives them: every var and secret is optional until {@link readConfig} has
 * checked it.
 */
export type UncheckedVars = Readonly<Record<string, unknown>>

export interface Config {
  readonly publicUrl: string
  readonly bootstrapKeys: readonly BootstrapKey[]
  readonly sealer: Sealer
  /** Recognises a repeated request. The oldest of SEAL_KEYS: a newer one in front of it changes nothing. */
  readonly repeatKey: KeyObject
  readonly deviceCAs: readonly Certificate[]
  /** The subscriber of `WEBHOOK_URL`, if it is set. The others are in D1. */
  readonly webhooks: readonly Webhook[]
  /** Whether webhooks may lead to this machine and its network. */
  readonly allowPrivateWebhooks: boolean
  /** Ends with `/`, because `Endpoint` is resolved against it. */
  readonly dmUrl: string
  /** `Authorization` for the user and password in it; empty without. */
  readonly dmAuthorization: string
  /** Apple's service for device assignment, without a slash at the end. */
  readonly depUrl: string
  /** The push certificate without its key, which the binding `APNS` presents. */
  readonly pushCertificate: Certificate | undefined
  /** Its topic and an id of the certificate itself; empty while they are not known. */
  readonly pushTopic: string
  readonly pushCertificateId: string
  /** The header in which a trusted proxy passes client certificates; empty when there is none. */
  readonly clientCertHeader: string
  readonly enrollment: EnrollmentSettings
  readonly scep: ScepSettings
  readonly device: DeviceSettings
  /** `GET /v1/dep-tokens` shows the secrets of tokens, as MicroMDM does. */
  readonly exportsDepTokens: boolean
  /** Whether the links of `/repo` need a signature. */
  readonly repoLinks: RepoLinks
  readonly logLevel: LogLevel
  /** Days after which a month of the audit is deleted. */
  readonly auditDays: number
  /** Milliseconds by which `last_seen` in lists may lag. */
  readonly lastSeenResolution: number
  /** How many devices one job may call within ten seconds; 0 for no limit. */
  readonly jobBurst: number
  /** How many device objects stay in memory while nothing calls them; 0 in production. */
  readonly residentObjects: number
}

/** A key with all scopes, out of the settings: it works while the list of keys cannot be read. */
export interface BootstrapKey {
  readonly key: string
  /** Names the key in lists and in the audit: the first eight hex digits of its SHA-256. */
  readonly id: string
  readonly name: string
}

export type ConfigResult =
  | { readonly ok: true; readonly config: Config }
  | { readonly ok: false; readonly problems: readonly string[] }

/** MicroMDM's names for settings that this server has too. */
const ALIASES: Readonly<Record<string, string>> = {
  API_KEY: 'MICROMDM_API_KEY',
  PUBLIC_URL: 'MICROMDM_SERVER_URL',
  WEBHOOK_URL: 'MICROMDM_WEBHOOK_URL',
  DM_URL: 'DM',
  UDID_CERT_AUTH_WARN_ONLY: 'MICROMDM_UDID_CERT_AUTH_WARN_ONLY',
  NO_COMMAND_HISTORY: 'MICROMDM_NO_COMMAND_HISTORY',
  HOMEPAGE: 'MICROMDM_HTTP_HOMEPAGE',
  SCEP_CLIENT_VALIDITY: 'MICROMDM_SCEP_CLIENT_VALIDITY',
  USE_DYNAMIC_CHALLENGE: 'MICROMDM_USE_DYNAMIC_CHALLENGE',
}

/** The only reader of vars and secrets. A Worker with missing settings reports each of them. */
export function readConfig(vars: UncheckedVars): ConfigResult {
  const problems: string[] = []
  const attempt: ReadSetting = (name, read, fallback) => {
    const text = setting(vars, name)
    if (text === '') {
      return fallback
    }
    try {
      return read(text)
    } catch (error) {
      problems.push(`${name}: ${reasonOf(error).replace(`${name} `, '')}`)
      return fallback
    }
  }
  const text = (name: string): string => setting(vars, name)
  const keys = attempt('SEAL_KEYS', readKeys, undefined)
  const adminKeysOnly = attempt('ADMIN_KEYS_ONLY', readBoolean, false)
  for (const name of adminKeysOnly ? ['SEAL_KEYS'] : ['API_KEY', 'SEAL_KEYS']) {
    if (setting(vars, name) === '') {
      problems.push(`${name} is not set: add it with \`wrangler secret put ${name}\``)
    }
  }
  const pushCertificate = attempt('PUSH_CERTIFICATE', readPush, undefined)
  const pushTopic = pushCertificate?.uid ?? setting(vars, 'PUSH_TOPIC')
  const dm = attempt('DM_URL', readReceiver, { url: '', authorization: '' })
  const config: Omit<Config, 'sealer' | 'repeatKey'> = {
    publicUrl: attempt('PUBLIC_URL', readOrigin, ''),
    bootstrapKeys: adminKeysOnly ? [] : BOOTSTRAP_KEYS.flatMap(bootstrapKey(text)),
    deviceCAs: attempt('DEVICE_CA', readCertificates, []),
    webhooks: readWebhook(attempt),
    allowPrivateWebhooks: attempt('ALLOW_PRIVATE_WEBHOOKS', readBoolean, false),
    dmUrl: dm.url.replace(/([^/])$/, '$1/'),
    dmAuthorization: dm.authorization,
    depUrl: attempt('DEP_URL', readDepUrl, 'https://mdmenrollment.apple.com'),
    pushCertificate,
    pushTopic,
    pushCertificateId: pushCertificate?.fingerprint ?? setting(vars, 'PUSH_CERTIFICATE_ID'),
    clientCertHeader: attempt('CLIENT_CERT_HEADER', readHeaderName, ''),
    enrollment: enrollmentSettings(text, attempt, keys?.enrollTokens ?? []),
    scep: readScep(text, attempt),
    repoLinks: attempt<RepoLinks>('REPO_LINKS', readRepoLinks, 'open'),
    jobBurst: attempt('JOB_BURST', readCount, 0),
    residentObjects: attempt('RESIDENT_OBJECTS', readCount, 0),
    device: readDevice(attempt, pushTopic),
    exportsDepTokens: attempt('DEP_EXPORT_TOKENS', readBoolean, false),
    logLevel: attempt<LogLevel>('LOG_LEVEL', readLogLevel, 'info'),
    auditDays: attempt('AUDIT_DAYS', readAuditDays, 400),
    lastSeenResolution: attempt('LAST_SEEN_RESOLUTION', readDuration, MINUTE),
  }
  return problems.length > 0 || keys === undefined
    ? { ok: false, problems }
    : { ok: true, config: { ...config, sealer: keys.sealer, repeatKey: keys.repeatKey } }
}

/**
 * The key ring, and one token for enrolment links from each key: a Worker cannot write a secret of its own.
 */
function readKeys(ring: string) {
  const sealer = createSealer(ring)
  const [newest, ...older] = sealer.derive('edgemdm repeated request')
  return {
    sealer,
    repeatKey: older.at(-1) ?? newest,
    // Hex, because mail programs end a link before a hyphen that is its last character.
    enrollTokens: sealer
      .derive('edgemdm enrolment token')
      .map((key) => key.export().toString('hex').slice(0, 32)),
  }
}

const BOOTSTRAP_KEYS = [
  ['API_KEY', 'bootstrap'],
  ['API_KEY_PREVIOUS', 'bootstrap (previous)'],
] as const

/** The key of a setting; none if it is not set. */
function bootstrapKey(text: (name: string) => string) {
  return ([variable, name]: (typeof BOOTSTRAP_KEYS)[number]): BootstrapKey[] => {
    const key = text(variable)
    const id = createHash('sha256').update(key).digest('hex').slice(0, 8)
    return key === '' ? [] : [{ key, id, name }]
  }
}

function readWebhook(attempt: ReadSetting): Webhook[] {
  const receiver = attempt('WEBHOOK_URL', readReceiver, { url: '', authorization: '' })
  const webhook: Webhook = {
    id: VAR_WEBHOOK,
    enabled: true,
    ...receiver,
    topics: attempt('WEBHOOK_TOPICS', readTopics, [...MICROMDM_TOPICS]),
    statuses: null,
    headers: {},
    secrets: [],
    redact: false,
    concurrency: attempt('WEBHOOK_CONCURRENCY', readConcurrency, 4),
    rate: attempt('WEBHOOK_RATE', readRate, 0),
    rampUp: 1,
    maxIdleAge: attempt('WEBHOOK_MAX_IDLE_AGE', readIdleAge, 0),
  }
  return receiver.url === '' ? [] : [webhook]
}

function readDevice(attempt: ReadSetting, pushTopic: string): DeviceSettings {
  return {
    keepResults: readHistory(attempt),
    keepEvents: attempt('KEEP_EVENTS', readKeepEvents, { count: 100, ms: 30 * DAY }),
    maxQueue: attempt('MAX_QUEUE', readCount, 10_000),
    deferredAfter: attempt('DEFERRED_AFTER', readLimit, { count: 10, ms: DAY }),
    autoDeviceConfigured: attempt('AUTO_DEVICE_CONFIGURED', readBoolean, false),
    trustOnFirstUse: attempt('TRUST_ON_FIRST_USE', readBoolean, true),
    udidCertAuthWarnOnly: attempt('UDID_CERT_AUTH_WARN_ONLY', readBoolean, false),
    pushTopic,
  }
}

function readHistory(attempt: ReadSetting): KeepResults {
  const byDefault: KeepResults = attempt('NO_COMMAND_HISTORY', readBoolean, false)
    ? { kind: 'none', count: 0, ms: 0 }
    : { kind: 'bounded', count: 100, ms: 30 * DAY }
  return attempt('KEEP_RESULTS', readKeepResults, byDefault)
}

const checked = new WeakMap<object, ConfigResult>()

/**
 * {@link readConfig}, once for each environment of the runtime: keys are parsed once. It sets the level of
 * the isolate's log.
 */
export function configOf(env: object): ConfigResult {
  const known = checked.get(env)
  if (known) {
    return known
  }
  const result = readConfig({ ...env })
  checked.set(env, result)
  if (result.ok) {
    setLogLevel(result.config.logLevel)
  }
  return result
}

/**
 * {@link configOf} for callers that run before any request has checked the configuration. @throws when it
 * is incomplete
 */
export function requireConfig(env: object): Config {
  const result = configOf(env)
  if (!result.ok) {
    throw new OwnError(`EdgeMDM is not configured: ${result.problems.join('; ')}`)
  }
  return result.config
}

/** A var under its own name or MicroMDM's. TOML has booleans and numbers too. */
function setting(vars: UncheckedVars, name: string): string {
  return [name, ALIASES[name] ?? name]
    .map((alias) => vars[alias])
    .map((value) => (/string|boolean|number/.test(typeof value) ? String(value).trim() : ''))
    .reduce((first, second) => first || second)
}
