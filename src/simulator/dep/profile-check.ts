/** The refusals of `POST /profile` (Apple: "Define a Profile"), in Apple's words. */

type Json = Readonly<Record<string, unknown>>
type Check = readonly [word: string, fails: (profile: Json) => boolean]

const TEXTS = [
  'profile_name',
  'url',
  'configuration_web_url',
  'org_magic',
  'department',
  'support_phone_number',
  'support_email_address',
  'language',
  'region',
] as const
const SWITCHES = [
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
const LISTS = ['anchor_certs', 'supervising_host_certs', 'skip_setup_items', 'devices'] as const

/** In the order in which they are reported. Empty texts count as absent, but for the URL's. */
const CHECKS: readonly Check[] = [
  ['MALFORMED_REQUEST_BODY', (profile) => !isTyped(profile)],
  ['CONFIG_NAME_REQUIRED', (profile) => !profile['profile_name']],
  ['CONFIG_NAME_INVALID', (profile) => lengthOf(profile, 'profile_name') > 125],
  ['CONFIG_URL_REQUIRED', (profile) => profile['url'] === undefined],
  ['CONFIG_URL_INVALID', (profile) => !isUrl(profile['url'])],
  [
    'CONFIG_URL_INVALID',
    ({ configuration_web_url: url }) => url !== undefined && url !== '' && !isUrl(url),
  ],
  ['DEPARTMENT_INVALID', (profile) => lengthOf(profile, 'department') > 125],
  ['SUPPORT_PHONE_INVALID', (profile) => lengthOf(profile, 'support_phone_number') > 50],
  ['SUPPORT_EMAIL_INVALID', (profile) => lengthOf(profile, 'support_email_address') > 250],
  ['MAGIC_INVALID', (profile) => lengthOf(profile, 'org_magic') > 256],
  [
    'FLAGS_INVALID',
    ({ is_mdm_removable: removable, is_supervised: supervised }) =>
      removable === false && supervised !== true,
  ],
  [
    'LOCALE_INVALID',
    ({ language = '', region = '' }) =>
      !/^([a-z]{2,3}(-[A-Za-z0-9]+)*)?$/.test(String(language)) ||
      !/^([A-Z]{2})?$/.test(String(region)),
  ],
]

/** Apple's word for the first fault; undefined for a good profile. */
export function profileRefusalWord(profile: Json): string | undefined {
  return CHECKS.find(([, fails]) => fails(profile))?.[0]
}

/** Go programs send `null` for what they do not set. */
function isTyped(profile: Json): boolean {
  const isAbsent = (key: string): boolean => profile[key] === undefined || profile[key] === null
  return (
    TEXTS.every((key) => isAbsent(key) || typeof profile[key] === 'string') &&
    SWITCHES.every((key) => isAbsent(key) || typeof profile[key] === 'boolean') &&
    LISTS.every((key) => isAbsent(key) || isTexts(profile[key]))
  )
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}

function lengthOf(profile: Json, key: string): number {
  const value = profile[key]
  return typeof value === 'string' ? value.length : 0
}

function isUrl(value: unknown): boolean {
  const url = typeof value === 'string' && /^[\x21-\x7e]+$/.test(value) ? URL.parse(value) : null
  return url !== null && /^https?:$/.test(url.protocol) && String(value).length <= 2000
}
