/**
 * Turns the text of a setting into a value. The errors say what is wrong; config.ts adds the setting's name.
 */
import type { KeepResults, Limit, RepoLinks } from './settings.ts'
import type { LogLevel } from '../figures/lines.ts'
import { LOG_LEVELS } from '../log.ts'
import { isTopic, type Topic } from '../events/topics.ts'
import type { Webhook } from '../events/webhook.ts'
import { readPushCertificate } from '../pki/x509/push-certificate.ts'
import { readCertificate, readPem, type Certificate } from '../pki/x509/certificate.ts'
import { OwnError } from '../reason.ts'

export const MINUTE = 60_000
export const DAY = 86_400_000
const UNITS: Readonly<Record<string, number>> = { s: 1000, m: MINUTE, h: 3_600_000, d: DAY }
/** The connections of one invocation. */
export const CONNECTIONS = 6
/** Each post has its event in the memory of one object. */
export const MAX_CONCURRENCY = 24
export const MAX_RATE = 100_000
/** Nothing is retried for longer. */
export const MAX_IDLE_AGE = 3 * DAY

function readUrl(text: string): string {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    throw new OwnError('not an http or https URL')
  }
  return text
}

/**
 * The deployment's own URL. A Worker has its host to itself, so a path would be a mistake in every
 * enrolment profile.
 */
export function readOrigin(text: string): string {
  const { origin, pathname, search, hash } = new URL(readUrl(text))
  if (pathname + search + hash !== '/') {
    throw new OwnError('more than scheme and host: give it as https://mdm.example.com')
  }
  return origin
}

/** Whether a URL's host is this machine. */
export function isLoopback(hostname: string): boolean {
  return /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname)
}

/** A simulator on this machine may speak http: tokens leave it on no other line. */
export function readDepUrl(text: string): string {
  const { protocol, hostname, origin, pathname, search } = new URL(readUrl(text))
  if (protocol === 'http:' && !isLoopback(hostname)) {
    throw new OwnError('http to another machine: use https')
  }
  if (search !== '') {
    throw new OwnError('more than an address: it has a query')
  }
  return (origin + pathname).replace(/\/+$/, '')
}

export function readLogLevel(text: string): LogLevel {
  const level = LOG_LEVELS.find((one) => one === text.toLowerCase())
  if (level === undefined) {
    throw new OwnError('not warn, info or debug')
  }
  return level
}

export function readPush(pem: string): Certificate | undefined {
  const certificate = readPushCertificate(pem)
  if (typeof certificate === 'string') {
    throw new OwnError(certificate)
  }
  return certificate
}

export function readCertificates(pem: string): Certificate[] {
  const certificates = readPem(pem).map(readCertificate)
  if (certificates.length === 0) {
    throw new OwnError('holds no PEM CERTIFICATE block')
  }
  return certificates
}

/**
 * The maximum length of an organisation's name in the subject of a certificate (RFC 5280,
 * `ub-organization-name`).
 */
const MAX_ORGANIZATION = 64

/** A name for profiles, which are XML, and for a page: one line, of characters that both can show. */
export function readOrganization(text: string): string {
  if (/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\ufffe\uffff]/u.test(text)) {
    throw new OwnError('not a name in one line: it has a line break or a control character')
  }
  if (Array.from(text).length > MAX_ORGANIZATION) {
    throw new OwnError(`longer than ${MAX_ORGANIZATION} characters`)
  }
  return text
}

/** The characters of a header name (RFC 9110 §5.1) that proxies use. */
export function readHeaderName(text: string): string {
  if (!/^[A-Za-z0-9-]+$/.test(text)) {
    throw new OwnError('not the name of a header')
  }
  return text
}

/** User and password in the URL become Basic auth, as in MicroMDM. */
export function readReceiver(text: string): Pick<Webhook, 'url' | 'authorization'> {
  const url = new URL(readUrl(text))
  const { username, password } = url
  if (username === '' && password === '') {
    return { url: url.href, authorization: '' }
  }
  let credentials: string
  try {
    credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  } catch {
    throw new OwnError('a % in its user or password has to be written as %25')
  }
  url.username = ''
  url.password = ''
  return {
    url: url.href,
    authorization: `Basic ${Buffer.from(credentials).toString('base64')}`,
  }
}

export function readTopics(text: string): Topic[] {
  const topics = text.split(/[\s,]+/).filter(Boolean)
  return topics.map((topic) => {
    if (!isTopic(topic)) {
      throw new OwnError(`"${topic}" is no topic`)
    }
    return topic
  })
}

export function readConcurrency(text: string): number {
  const number = Number(text)
  if (!Number.isInteger(number) || number < 1 || number > MAX_CONCURRENCY) {
    throw new OwnError(`not a whole number from 1 to ${MAX_CONCURRENCY}`)
  }
  return number
}

/** Posts a minute. */
export function readRate(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text) || Number(text) > MAX_RATE) {
    throw new OwnError(`not a number of posts a minute from 1 to ${MAX_RATE}`)
  }
  return Number(text)
}

export function readIdleAge(text: string): number {
  const age = readDuration(text)
  if (age === 0 || age > MAX_IDLE_AGE) {
    throw new OwnError('not from 1s to 3d: leave it out for however long')
  }
  return age
}

/** Go's booleans, as MicroMDM reads them from its environment. */
export function readBoolean(text: string): boolean {
  const known = { true: true, yes: true, '1': true, false: false, no: false, '0': false }
  const value = Object.entries(known).find(([word]) => word === text.toLowerCase())
  if (!value) {
    throw new OwnError('not true or false')
  }
  return value[1]
}

export function readDuration(text: string): number {
  const match = /^(\d+)([smhd])$/.exec(text)
  const unit = UNITS[match?.[2] ?? '']
  if (!match || unit === undefined) {
    throw new OwnError('not a duration such as 30s, 1m, 24h or 7d')
  }
  return Number(match[1]) * unit
}

const ENROLLMENT_MODES = ['open', 'token', 'known'] as const

/** `token` is ENROLL_TOKEN. In the other modes it would have no effect, and its owner would not notice. */
export function readEnrollmentMode(text: string, token: string): (typeof ENROLLMENT_MODES)[number] {
  const mode = ENROLLMENT_MODES.find((known) => known === text)
  if (mode === undefined) {
    throw new OwnError(`not one of: ${ENROLLMENT_MODES.join(', ')}`)
  }
  if (token !== '' && mode !== 'token') {
    throw new OwnError(`${mode} asks for no token: remove ENROLL_TOKEN, or set it to token`)
  }
  return mode
}

export function readRepoLinks(text: string): RepoLinks {
  if (text !== 'open' && text !== 'signed') {
    throw new OwnError('not open or signed')
  }
  return text
}

/** Days without a unit, as in MicroMDM. */
export function readDays(text: string): number {
  if (!/^[1-9]\d{0,4}$/.test(text)) {
    throw new OwnError('not a number of days, such as 365')
  }
  return Number(text) * DAY
}

/** `none`, `latest`, a count such as `100`, or a count and an age such as `100/30d`. */
export function readKeepResults(text: string): KeepResults {
  if (text === 'none' || text === 'latest') {
    return { kind: text, count: 0, ms: 0 }
  }
  return { kind: 'bounded', ...readLimit(text, 'none, latest, ') }
}

/** `none`, a count, or a count and an age. */
export function readKeepEvents(text: string): Limit {
  return text === 'none' ? { count: 0, ms: 0 } : readLimit(text, 'none, ')
}

/** A count such as `100`, or a count and an age such as `100/30d`. A count alone means a year. */
export function readLimit(text: string, others = ''): Limit {
  const [count = '', age, ...more] = text.split('/')
  if (!/^\d+$/.test(count) || more.length > 0) {
    throw new OwnError(`not ${others}a count such as 100, or a count and an age such as 100/30d`)
  }
  return { count: Number(count), ms: age === undefined ? 365 * DAY : readDuration(age) }
}

export function readCount(text: string): number {
  if (!/^[1-9]\d{0,6}$/.test(text)) {
    throw new OwnError('not a whole number from 1 to 9999999')
  }
  return Number(text)
}

/** The audit of fewer days would not outlive a quarter. */
const MIN_AUDIT_DAYS = 90
const MAX_AUDIT_DAYS = 3650

export function readAuditDays(text: string): number {
  const days = Number(text)
  if (!Number.isInteger(days) || days < MIN_AUDIT_DAYS || days > MAX_AUDIT_DAYS) {
    throw new OwnError(`not a whole number of days from ${MIN_AUDIT_DAYS} to ${MAX_AUDIT_DAYS}`)
  }
  return days
}
