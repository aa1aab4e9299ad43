import { readCertificate, readPem, type Certificate } from './pki/x509.ts'
import { createSealer, type Sealer } from './pki/seal.ts'
import type { DeviceSettings, KeepResults } from './device/context.ts'
import { isTopic, MICROMDM_TOPICS, type Topic } from './events/topics.ts'

/** What the runtime may give: every var and secret is optional until {@link readConfig} has looked at it. */
export type UncheckedVars = Readonly<Record<string, unknown>>

export interface WebhookSettings {
  /** Names its cursors: stays the same when the URL changes. */
  readonly id: string
  readonly url: string
  /** `Authorization` for the URL's user and password; empty when it has none. */
  readonly authorization: string
  readonly topics: readonly Topic[]
  readonly concurrency: number
}

export interface Config {
  readonly publicUrl: string
  readonly apiKey: string
  readonly sealer: Sealer
  readonly deviceCAs: readonly Certificate[]
  readonly webhooks: readonly WebhookSettings[]
  /** Ends with `/`, because `Endpoint` is resolved against it. */
  readonly dmUrl: string
  /** The push certificate's topic and an id of the certificate itself; empty when nobody told us. */
  readonly pushTopic: string
  readonly pushCertificateId: string
  readonly device: DeviceSettings
}

export type ConfigResult =
  | { readonly ok: true; readonly config: Config }
  | { readonly ok: false; readonly problems: readonly string[] }

/** MicroMDM's names for settings that we have too (micromdm-contract §8.1). */
const ALIASES: Readonly<Record<string, string>> = {
  API_KEY: 'MICROMDM_API_KEY',
  PUBLIC_URL: 'MICROMDM_SERVER_URL',
  WEBHOOK_URL: 'MICROMDM_WEBHOOK_URL',
  DM_URL: 'DM',
  UDID_CERT_AUTH_WARN_ONLY: 'MICROMDM_UDID_CERT_AUTH_WARN_ONLY',
  NO_COMMAND_HISTORY: 'MICROMDM_NO_COMMAND_HISTORY',
}

const DAY = 86_400_000
const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: DAY }
/** Subscribers' posts may not use up the six connections that one invocation has. */
const MAX_CONCURRENCY = 6

/** The only reader of vars and secrets. A half-configured Worker says what is missing. */
export function readConfig(vars: UncheckedVars): ConfigResult {
  const problems: string[] = []
  const attempt = <T>(name: string, read: (text: string) => T, fallback: T): T => {
    const text = setting(vars, name)
    if (text === '') {
      return fallback
    }
    try {
      return read(text)
    } catch (error) {
      problems.push(`${name}: ${error instanceof Error ? error.message : 'not readable'}`)
      return fallback
    }
  }
  const sealer = attempt<Sealer | undefined>('SEAL_KEYS', createSealer, undefined)
  for (const name of ['API_KEY', 'SEAL_KEYS']) {
    if (setting(vars, name) === '') {
      problems.push(`${name} is not set: add it with \`wrangler secret put ${name}\``)
    }
  }
  const receiver = attempt('WEBHOOK_URL', readReceiver, { url: '', authorization: '' })
  const webhook: WebhookSettings = {
    id: 'webhook',
    ...receiver,
    topics: attempt('WEBHOOK_TOPICS', readTopics, [...MICROMDM_TOPICS]),
    concurrency: attempt('WEBHOOK_CONCURRENCY', readConcurrency, 4),
  }
  const pushTopic = setting(vars, 'PUSH_TOPIC')
  const webhooks = receiver.url === '' ? [] : [webhook]
  const config: Omit<Config, 'sealer'> = {
    publicUrl: attempt('PUBLIC_URL', readUrl, '').replace(/\/$/, ''),
    apiKey: setting(vars, 'API_KEY'),
    deviceCAs: attempt('DEVICE_CA', (pem) => readPem(pem).map(readCertificate), []),
    webhooks,
    dmUrl: attempt('DM_URL', readUrl, '').replace(/([^/])$/, '$1/'),
    pushTopic,
    pushCertificateId: setting(vars, 'PUSH_CERTIFICATE_ID'),
    device: {
      keepResults: attempt(
        'KEEP_RESULTS',
        readKeepResults,
        attempt('NO_COMMAND_HISTORY', readBoolean, false)
          ? { kind: 'none', count: 0, ms: 0 }
          : { kind: 'bounded', count: 100, ms: 30 * DAY },
      ),
      trustOnFirstUse: attempt('TRUST_ON_FIRST_USE', readBoolean, true),
      udidCertAuthWarnOnly: attempt('UDID_CERT_AUTH_WARN_ONLY', readBoolean, false),
      lastSeenResolution: attempt('LAST_SEEN_RESOLUTION', readDuration, DAY),
      pushTopic,
      subscribers: webhooks.map(({ id }) => id),
    },
  }
  return problems.length > 0 || sealer === undefined
    ? { ok: false, problems }
    : { ok: true, config: { ...config, sealer } }
}

const checked = new WeakMap<object, ConfigResult>()

/** {@link readConfig}, once for each environment that the runtime hands us: keys are parsed once. */
export function configOf(env: object): ConfigResult {
  const result = checked.get(env) ?? readConfig({ ...env })
  checked.set(env, result)
  return result
}

/** Subscribers that want a topic. */
export function listenersOf(config: Config, topic: Topic): readonly string[] {
  return config.webhooks.filter(({ topics }) => topics.includes(topic)).map(({ id }) => id)
}

function setting(vars: UncheckedVars, name: string): string {
  const value = vars[name] ?? vars[ALIASES[name] ?? name]
  return typeof value === 'string' ? value.trim() : ''
}

function readUrl(text: string): string {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    throw new Error('not an http or https URL')
  }
  return text
}

/** User and password in the URL become Basic auth, as MicroMDM has it (micromdm-contract §2.1). */
function readReceiver(text: string): Pick<WebhookSettings, 'url' | 'authorization'> {
  const url = new URL(readUrl(text))
  const { username, password } = url
  if (username === '' && password === '') {
    return { url: url.href, authorization: '' }
  }
  let credentials: string
  try {
    credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  } catch {
    throw new Error('a % in its user or password has to be written as %25')
  }
  url.username = ''
  url.password = ''
  return {
    url: url.href,
    authorization: `Basic ${Buffer.from(credentials).toString('base64')}`,
  }
}

function readTopics(text: string): Topic[] {
  return text.split(/[\s,]+/).map((topic) => {
    if (!isTopic(topic)) {
      throw new Error(`"${topic}" is no topic`)
    }
    return topic
  })
}

function readConcurrency(text: string): number {
  const number = Number(text)
  if (!Number.isInteger(number) || number < 1 || number > MAX_CONCURRENCY) {
    throw new Error(`not a whole number from 1 to ${MAX_CONCURRENCY}`)
  }
  return number
}

/** Go's booleans, as MicroMDM reads them from its environment. */
function readBoolean(text: string): boolean {
  const known = { true: true, yes: true, '1': true, false: false, no: false, '0': false }
  const value = Object.entries(known).find(([word]) => word === text.toLowerCase())
  if (!value) {
    throw new Error('not true or false')
  }
  return value[1]
}

function readDuration(text: string): number {
  const match = /^(\d+)([smhd])$/.exec(text)
  const unit = UNITS[match?.[2] ?? '']
  if (!match || unit === undefined) {
    throw new Error('not a duration such as 30s, 1m, 24h or 7d')
  }
  return Number(match[1]) * unit
}

/** `none`, `latest`, a count such as `100`, or a count and an age such as `100/30d`. */
function readKeepResults(text: string): KeepResults {
  if (text === 'none' || text === 'latest') {
    return { kind: text, count: 0, ms: 0 }
  }
  const [count = '', age] = text.split('/')
  if (!/^\d+$/.test(count)) {
    throw new Error('not none, latest, a count such as 100, or a count and an age such as 100/30d')
  }
  return {
    kind: 'bounded',
    count: Number(count),
    ms: age === undefined ? 365 * DAY : readDuration(age),
  }
}
