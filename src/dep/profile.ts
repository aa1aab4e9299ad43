/** Apple's rules for a profile, checked before Apple is called, so that a fault names its field. */
import { isObject } from '../apple/declarations.ts'
import { didYouMean } from '../apple/nearest.ts'
import type { DepProfile } from './records.ts'
import { SKIP_ITEMS } from './skip-items.ts'

export interface DepProfileFault {
  readonly field: string
  /** Apple's word for it. */
  readonly code: string
  readonly text: string
}

interface TextRule {
  readonly max: number
  readonly code: string
}

/** Lengths in characters (Apple, "Define a Profile"). */
const TEXTS: Readonly<Record<string, TextRule>> = {
  profile_name: { max: 125, code: 'CONFIG_NAME_INVALID' },
  department: { max: 125, code: 'DEPARTMENT_INVALID' },
  org_magic: { max: 256, code: 'MAGIC_INVALID' },
  support_email_address: { max: 250, code: 'SUPPORT_EMAIL_INVALID' },
  support_phone_number: { max: 50, code: 'SUPPORT_PHONE_INVALID' },
}
const MAX_URL = 2000
const LOCALES: Readonly<Record<string, readonly [pattern: RegExp, text: string]>> = {
  language: [/^[a-z]{2,3}(-[A-Za-z]{2,8})*$/, 'language is a code of ISO 639, such as "en"'],
  region: [/^[A-Z]{2}$/, 'region is a code of ISO 3166, such as "US"'],
}
const FLAGS = [
  'allow_pairing',
  'is_supervised',
  'is_mandatory',
  'is_mdm_removable',
  'await_device_configured',
  'auto_advance_setup',
  'is_multi_user',
  'is_return_to_service',
  'do_not_use_profile_from_backup',
] as const
const LISTS = ['skip_setup_items', 'anchor_certs', 'supervising_host_certs', 'devices'] as const
const ALL = 'all'

/**
 * The first fault of a profile; undefined when Apple will take it. Keys that are absent or null are not
 * judged, but for the name and the URL, and neither are unknown ones.
 */
export function faultOfDepProfile(profile: DepProfile): DepProfileFault | undefined {
  return missingName(profile) ?? textFault(profile) ?? urlFault(profile) ?? shapeFault(profile)
}

function missingName({ profile_name: name = '' }: DepProfile): DepProfileFault | undefined {
  return name === ''
    ? {
        field: 'profile_name',
        code: 'CONFIG_NAME_REQUIRED',
        text: 'profile_name is missing: give the profile a name',
      }
    : undefined
}

function textFault(profile: DepProfile): DepProfileFault | undefined {
  for (const [field, { max, code }] of Object.entries(TEXTS)) {
    const value = profile[field] ?? ''
    if (typeof value !== 'string') {
      return { field, code, text: `${field} is no text` }
    }
    const length = Array.from(value).length
    if (length > max) {
      return { field, code, text: `${field} has ${length} characters; Apple takes ${max}` }
    }
  }
  return undefined
}

function urlFault(profile: DepProfile): DepProfileFault | undefined {
  if (profile.url === undefined) {
    const text = 'url is missing: devices get their enrolment profile there'
    return { field: 'url', code: 'CONFIG_URL_REQUIRED', text }
  }
  for (const field of ['url', 'configuration_web_url'] as const) {
    const value = profile[field]
    const text = value === undefined || value === null ? undefined : faultOfUrl(value)
    if (text !== undefined) {
      return { field, code: 'CONFIG_URL_INVALID', text: `${field} ${text}` }
    }
  }
  return undefined
}

function faultOfUrl(value: unknown): string | undefined {
  const url = typeof value === 'string' ? URL.parse(value) : null
  if (!url || !['https:', 'http:'].includes(url.protocol)) {
    return 'is no URL that starts with https://'
  }
  if (url.protocol === 'http:' && !LOOPBACK.has(url.hostname)) {
    return 'has to start with https://: devices refuse http'
  }
  return url.href.length > MAX_URL
    ? `has ${url.href.length} characters; Apple takes ${MAX_URL}`
    : undefined
}

/** Simulated devices enrol at a server on the same machine. */
const LOOPBACK: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]'])

function shapeFault(profile: DepProfile): DepProfileFault | undefined {
  const flag = FLAGS.find((field) => typeof (profile[field] ?? false) !== 'boolean')
  if (flag !== undefined) {
    return { field: flag, code: 'FLAGS_INVALID', text: `${flag} is neither true nor false` }
  }
  if (profile['is_mdm_removable'] === false && profile['is_supervised'] !== true) {
    return {
      field: 'is_mdm_removable',
      code: 'FLAGS_INVALID',
      text: 'is_mdm_removable can be false only with is_supervised true',
    }
  }
  for (const [field, [pattern, text]] of Object.entries(LOCALES)) {
    const value = profile[field] ?? undefined
    if (value !== undefined && !(typeof value === 'string' && pattern.test(value))) {
      return { field, code: 'LOCALE_INVALID', text }
    }
  }
  const list = LISTS.find((field) => !isListOfTexts(profile[field] ?? []))
  return list !== undefined && !(list === 'skip_setup_items' && profile[list] === ALL)
    ? { field: list, code: 'MALFORMED_REQUEST_BODY', text: `${list} is no list of texts` }
    : undefined
}

function isListOfTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string')
}

/** Sentences about what Apple takes and devices do not know. */
export function warningsOfDepProfile({ skip_setup_items: items }: DepProfile): string[] {
  return (isListOfTexts(items) ? items : [])
    .filter((item) => !SKIP_ITEMS.includes(item))
    .map((item) => `skip_setup_items: devices know no ${item}${didYouMean(item, SKIP_ITEMS)}`)
}

/**
 * The profile as it is sent to `POST /profile`: without `devices`, which are assigned for themselves because
 * one unknown serial number makes Apple refuse all, without nulls, and without an empty `org_magic`, which
 * Apple refuses. All other keys are sent as they are, unknown ones and an explicit `false` too.
 */
export function profileForApple(profile: DepProfile): DepProfile {
  const sent = Object.entries(profile).filter(
    ([key, value]) => value !== null && key !== 'devices' && !(key === 'org_magic' && value === ''),
  )
  const items = profile['skip_setup_items'] === ALL ? { skip_setup_items: SKIP_ITEMS } : {}
  return { ...Object.fromEntries(sent), ...items }
}

/** The serial numbers in a profile's `devices`. */
export function devicesOfProfile({ devices }: DepProfile): readonly string[] {
  return isListOfTexts(devices) ? devices : []
}

/** The id in Apple's answer to `POST /profile`. */
export function definedUuid(json: unknown): string | undefined {
  const uuid = isObject(json) ? json['profile_uuid'] : undefined
  return typeof uuid === 'string' && /^[\w-]{1,64}$/.test(uuid) ? uuid : undefined
}
