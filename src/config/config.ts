import type { KeyObject } from 'node:crypto'
import type { AccessApplication } from '../keys/access-token.ts'
import type { Certificate } from '../pki/x509/certificate.ts'
import type { Sealer } from '../pki/seal/seal.ts'
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
import { readAccess } from './access.ts'
import { claimOf, type ServerClaim } from './claim.ts'
import { isExample } from './examples.ts'
import { joinRings, refuseConstantKeys, type RingKey, type SealRing } from './ring.ts'
import {
  missingSecrets,
  readBootstrapKeys,
  whyNot,
  type BootstrapKey,
  type NotConfigured,
} from './secrets.ts'
import type { DeviceSettings, KeepResults, RepoLinks } from './settings.ts'
import { setting, type UncheckedVars } from './vars.ts'
import { reasonOf, OwnError } from '../reason.ts'
import type { LogLevel } from '../figures/lines.ts'
import { setLogLevel } from '../log.ts'
import { MICROMDM_TOPICS } from '../events/topics.ts'
import { VAR_WEBHOOK, type Webhook } from '../events/webhook.ts'

export interface Config {
  readonly publicUrl: string
  readonly bootstrapKeys: readonly BootstrapKey[]
  /** Settings of keys that are examples of some page: they are not accepted. */
  readonly exampleKeys: readonly BootstrapKey[]
  /** People of this application of Cloudflare Access may sign in to the console. */
  readonly access: AccessApplication | undefined
  readonly sealer: Sealer
  /** Recognises a repeated request. The oldest of the ring: a newer one in front of it changes nothing. */
  readonly repeatKey: KeyObject
  /** The seal keys, newest first. */
  readonly sealKeys: readonly RingKey[]
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

export type ConfigResult = { readonly ok: true; readonly config: Config } | NotOk

/** Settings that are not complete. */
export interface NotOk {
  readonly ok: false
  readonly why: NotConfigured
  readonly problems: readonly string[]
  readonly publicUrl: string
}

/**
 * The only reader of vars and secrets. A Worker with missing settings reports each of them.
 *
 * @param claim what Control knows of the server; absent with complete secrets, which need nothing else
 */
export function readConfig(vars: UncheckedVars, claim?: ServerClaim): ConfigResult {
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
  const adminKeysOnly = attempt('ADMIN_KEYS_ONLY', readBoolean, false)
  const why = whyNot(text, claim)
  const ring = readRing(text('SEAL_KEYS'), claim, problems)
  problems.push(...missingSecrets(text, adminKeysOnly, claim))
  const bootstrapKeys = adminKeysOnly ? [] : readBootstrapKeys(text)
  const pushCertificate = attempt('PUSH_CERTIFICATE', readPush, undefined)
  const pushTopic = pushCertificate?.uid ?? setting(vars, 'PUSH_TOPIC')
  const dm = attempt('DM_URL', readReceiver, { url: '', authorization: '' })
  const config: Omit<Config, 'sealer' | 'repeatKey' | 'sealKeys'> = {
    publicUrl: attempt('PUBLIC_URL', readOrigin, ''),
    bootstrapKeys: bootstrapKeys.filter(({ key }) => !isExample(key)),
    exampleKeys: bootstrapKeys.filter(({ key }) => isExample(key)),
    access: readAccess(text, attempt),
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
    enrollment: enrollmentSettings(text, attempt, ring?.enrollTokens ?? []),
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
  if (problems.length > 0 || !ring) {
    return { ok: false, why, problems, publicUrl: config.publicUrl }
  }
  const { sealer, repeatKey, keys } = ring
  return { ok: true, config: { ...config, sealer, repeatKey, sealKeys: keys } }
}

function readRing(
  secrets: string,
  claim: ServerClaim | undefined,
  problems: string[],
): SealRing | undefined {
  const held = claim && 'ring' in claim ? claim.ring : ''
  try {
    refuseConstantKeys(secrets)
    return secrets + held === '' ? undefined : joinRings(secrets, held)
  } catch (error) {
    problems.push(`SEAL_KEYS: ${reasonOf(error).replace('SEAL_KEYS ', '')}`)
    return undefined
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

const checked = new WeakMap<
  object,
  { readonly claim: ServerClaim | undefined; readonly result: ConfigResult }
>()

/**
 * {@link readConfig}, once for each environment of the runtime and for what `prepareConfig` has found of the
 * claim: keys are parsed once. It sets the level of the isolate's log.
 */
export function configOf(env: object): ConfigResult {
  const claim = claimOf(env)
  const known = checked.get(env)
  if (known && known.claim === claim) {
    return known.result
  }
  const result = readConfig({ ...env }, claim)
  checked.set(env, { claim, result })
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
