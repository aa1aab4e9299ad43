/** Every var and secret that the server reads, with default and meaning: docs/settings.md has more. */

interface SettingFacts {
  /** MicroMDM's name for it. */
  readonly alias?: string
  /** `secret`: never shown. `pem`: too long to show. `address`: only its origin is shown. */
  readonly is?: 'secret' | 'pem' | 'address'
  /** `npm start` sets it by itself, or from a flag: it is not passed through. */
  readonly ofStart?: true
  /** Descriptions of the API name it. */
  readonly isInApi?: true
}

type KnownSetting = readonly [name: string, usual: string, says: string, facts?: SettingFacts]

export const SETTINGS_KNOWN: readonly KnownSetting[] = [
  [
    'API_KEY',
    'required',
    'the bootstrap key, which has all scopes',
    { alias: 'MICROMDM_API_KEY', is: 'secret', ofStart: true, isInApi: true },
  ],
  ['API_KEY_PREVIOUS', 'none', 'the bootstrap key before, accepted beside it', { is: 'secret' }],
  ['ADMIN_KEYS_ONLY', 'false', 'accepts no bootstrap key, only keys that an admin has made'],
  ['ACCESS_TEAM', 'none', 'the team of Cloudflare Access whose people may sign in to the console'],
  ['ACCESS_AUD', 'none', 'the AUD tag of its application for the console'],
  ['SEAL_KEYS', 'required', 'the keys that seal secrets at rest', { is: 'secret', ofStart: true }],
  ['SETUP_CODE', 'none', 'the code that claims a new server', { is: 'secret', ofStart: true }],
  ['SETUP_CODE_HASH', 'none', 'the same by its SHA-256', { is: 'secret', ofStart: true }],
  [
    'PUBLIC_URL',
    'none',
    'the URL at which devices reach the server',
    { alias: 'MICROMDM_SERVER_URL', is: 'address', ofStart: true },
  ],
  ['DEVICE_CA', 'none', 'further CAs whose identities are accepted', { is: 'pem', ofStart: true }],
  ['ENROLLMENT', 'token', 'who may enrol: `open`, `token` or `known`'],
  ['ENROLL_TOKEN', 'derived', 'the `?token=` that enrolment URLs need', { is: 'secret' }],
  ['PROFILE_SIGNING_CERT', 'none', 'signs enrolment profiles, with its key', { is: 'pem' }],
  ['PROFILE_SIGNING_KEY', 'none', 'the key of that certificate', { is: 'secret' }],
  ['APPLE_DEVICE_CA', 'none', 'further CAs for device signatures, beside Apple’s', { is: 'pem' }],
  ['MINIMUM_OS', 'none', 'the oldest OS for Automated Device Enrollment'],
  ['DEP_ONLY_KNOWN', 'false', 'refuses Automated Device Enrollment to unknown serial numbers'],
  ['DEP_EXPORT_TOKENS', 'false', 'shows the secrets of server tokens, as MicroMDM does'],
  ['HOMEPAGE', 'true', 'the page at `/`', { alias: 'MICROMDM_HTTP_HOMEPAGE' }],
  ['ORGANIZATION', 'none', 'the name that people see on the page and in profiles'],
  ['CLIENT_CERT_HEADER', 'none', 'the header in which a trusted proxy passes client certificates'],
  [
    'SCEP_CLIENT_VALIDITY',
    '365',
    'days that an identity is valid',
    { alias: 'MICROMDM_SCEP_CLIENT_VALIDITY' },
  ],
  [
    'USE_DYNAMIC_CHALLENGE',
    'true',
    'one-time SCEP challenges, or the static one',
    { alias: 'MICROMDM_USE_DYNAMIC_CHALLENGE' },
  ],
  ['SCEP_CHALLENGE', 'micromdm', 'the static SCEP challenge', { is: 'secret' }],
  ['SCEP_CHALLENGE_LIFETIME', '1d', 'how long the challenge in a downloaded profile is valid'],
  ['SCEP_RATE', '60', 'certificates a minute that a stranger could get'],
  [
    'WEBHOOK_URL',
    'none',
    'an address for events in MicroMDM’s form: a webhook that only the vars change',
    { alias: 'MICROMDM_WEBHOOK_URL', is: 'address', ofStart: true, isInApi: true },
  ],
  ['WEBHOOK_TOPICS', "MicroMDM's six", 'the topics that are posted there'],
  ['WEBHOOK_CONCURRENCY', '4', 'posts in flight'],
  ['WEBHOOK_RATE', 'no limit', 'posts a minute'],
  ['WEBHOOK_MAX_IDLE_AGE', 'no limit', 'an Idle that waited longer is not posted'],
  [
    'ALLOW_PRIVATE_WEBHOOKS',
    'false',
    'whether webhooks may lead to private networks; `npm start`: `true`',
    { isInApi: true },
  ],
  [
    'KEEP_EVENTS',
    '100/30d',
    'how many events of a device are kept for replay: the newest 100, each for 30 days; also `none`',
    { isInApi: true },
  ],
  [
    'DM_URL',
    'none',
    'another server that devices get their declarations from',
    { alias: 'DM', is: 'address' },
  ],
  [
    'DEP_URL',
    'https://mdmenrollment.apple.com',
    'Apple’s service for Automated Device Enrollment',
    { is: 'address' },
  ],
  [
    'AUTO_DEVICE_CONFIGURED',
    'false',
    'releases devices that wait in Setup Assistant without a blueprint',
  ],
  [
    'PUSH_CERTIFICATE',
    'none',
    'the push certificate, without its key',
    { is: 'pem', ofStart: true },
  ],
  ['PUSH_TOPIC', 'none', 'its topic, if it is not set', { ofStart: true }],
  ['PUSH_CERTIFICATE_ID', 'none', 'a text that changes with it', { ofStart: true }],
  [
    'KEEP_RESULTS',
    '100/30d',
    'how many commands with their answers a channel keeps: the newest 100, each for 30 days; also `none` ' +
      'or `latest`',
    { isInApi: true },
  ],
  [
    'NO_COMMAND_HISTORY',
    'false',
    'MicroMDM’s word for `KEEP_RESULTS=none`',
    { alias: 'MICROMDM_NO_COMMAND_HISTORY' },
  ],
  [
    'REPO_LINKS',
    'open',
    'whether `/repo` gives out a file only by a link that ends',
    { isInApi: true },
  ],
  ['JOB_BURST', 'none', 'the devices that one bulk job calls within ten seconds'],
  [
    'RESIDENT_OBJECTS',
    'none',
    'the device objects that stay in memory, under `npm start`',
    { ofStart: true },
  ],
  ['MAX_QUEUE', '10000', 'how many commands may wait on a channel', { isInApi: true }],
  [
    'DEFERRED_AFTER',
    '10/1d',
    'after 10 NotNows to a command, or one day of them, the server posts the event `command.deferred`',
    { isInApi: true },
  ],
  ['AUDIT_DAYS', '400', 'days that rows of the audit are kept'],
  [
    'LAST_SEEN_RESOLUTION',
    '1m',
    'how far `last_seen_at` in lists may lag, beside 20 seconds',
    { isInApi: true },
  ],
  ['LOG_LEVEL', 'info', 'which lines of the log are written: `warn`, `info` or `debug`'],
  ['TRUST_ON_FIRST_USE', 'true', 'accepts devices that never sent Authenticate here'],
  [
    'UDID_CERT_AUTH_WARN_ONLY',
    'false',
    'accepts a message whose certificate is not the device’s, and logs it',
    { alias: 'MICROMDM_UDID_CERT_AUTH_WARN_ONLY' },
  ],
]

/** All names that the server reads. */
export const SETTING_NAMES: readonly string[] = SETTINGS_KNOWN.flatMap(([name, , , facts]) =>
  facts?.alias === undefined ? [name] : [name, facts.alias],
)
