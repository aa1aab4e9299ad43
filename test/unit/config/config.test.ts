import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { readConfig } from '../../../src/config/config.ts'
import type { UncheckedVars } from '../../../src/config/vars.ts'

const REQUIRED = { API_KEY: 'test-key', SEAL_KEYS: `k1:${randomBytes(32).toString('base64')}` }

function configured(vars: UncheckedVars) {
  const result = readConfig({ ...REQUIRED, ...vars })
  if (!result.ok) {
    throw new Error(result.problems.join('; '))
  }
  return result.config
}

function problems(vars: UncheckedVars): readonly string[] {
  const result = readConfig({ ...REQUIRED, ...vars })
  return result.ok ? [] : result.problems
}

it('the configuration names every required setting that is missing', () => {
  expect(readConfig({})).toEqual({
    ok: false,
    why: 'incomplete',
    publicUrl: '',
    problems: [
      'API_KEY is not set: add it with `wrangler secret put API_KEY`',
      'SEAL_KEYS is not set: add it with `wrangler secret put SEAL_KEYS`',
    ],
  })
})

it('the key before API_KEY is accepted beside it, and ADMIN_KEYS_ONLY accepts neither', () => {
  const keys = { API_KEY: 'new', API_KEY_PREVIOUS: 'old' }
  expect(configured(keys).bootstrapKeys.map(({ key }) => key)).toEqual(['new', 'old'])
  expect(configured({ ...keys, ADMIN_KEYS_ONLY: 'true' }).bootstrapKeys).toEqual([])
  expect(problems({ API_KEY: '', ADMIN_KEYS_ONLY: 'true' })).toEqual([])
})

it('a URL in a setting may end with a slash or without', () => {
  const urls = { PUBLIC_URL: 'https://mdm.example.com/', DM_URL: 'https://ada:x@dm.example.com/v1' }
  expect(configured(urls)).toMatchObject({
    publicUrl: 'https://mdm.example.com',
    dmUrl: 'https://dm.example.com/v1/',
    dmAuthorization: `Basic ${btoa('ada:x')}`,
  })
})

it('Apple’s service may be a simulator on this machine', () => {
  expect(configured({}).depUrl).toBe('https://mdmenrollment.apple.com')
  expect(configured({ DEP_URL: 'http://127.0.0.1:8080/' }).depUrl).toBe('http://127.0.0.1:8080')
  expect(configured({ DEP_URL: 'http://[::1]:8080/dep/' }).depUrl).toBe('http://[::1]:8080/dep')
})

it('a setting may be a boolean or a number, as TOML has them', () => {
  expect(configured({ TRUST_ON_FIRST_USE: false }).device.trustOnFirstUse).toBe(false)
  expect(configured({}).device.trustOnFirstUse).toBe(true)
  const vars = { WEBHOOK_URL: 'https://example.com/', WEBHOOK_CONCURRENCY: 2 }
  expect(configured(vars).webhooks[0]?.concurrency).toBe(2)
})

it('a setting’s MicroMDM name is read when its own is blank', () => {
  const vars = { API_KEY: ' ', MICROMDM_API_KEY: 'theirs' }
  expect(configured(vars).bootstrapKeys).toMatchObject([{ key: 'theirs', name: 'bootstrap' }])
})

it.each([
  [{ DEVICE_CA: '/etc/ca.pem' }, 'DEVICE_CA: holds no PEM CERTIFICATE block'],
  [{ DM_URL: 'ftp://x' }, 'DM_URL: not an http or https URL'],
  [{ DEP_URL: 'http://dep.example.com' }, 'DEP_URL: http to another machine: use https'],
  [{ DEP_URL: 'https://dep.example.com/?a=b' }, 'DEP_URL: more than an address: it has a query'],
  [{ WEBHOOK_TOPICS: 'mdm.Nothing' }, 'WEBHOOK_TOPICS: "mdm.Nothing" is no topic'],
  [{ WEBHOOK_RATE: '0' }, 'WEBHOOK_RATE: not a number of posts a minute from 1 to 100000'],
  [{ WEBHOOK_RATE: '100001' }, 'WEBHOOK_RATE: not a number of posts a minute from 1 to 100000'],
  [
    { WEBHOOK_MAX_IDLE_AGE: '0s' },
    'WEBHOOK_MAX_IDLE_AGE: not from 1s to 3d: leave it out for however long',
  ],
  [
    { WEBHOOK_MAX_IDLE_AGE: '4d' },
    'WEBHOOK_MAX_IDLE_AGE: not from 1s to 3d: leave it out for however long',
  ],
  [{ WEBHOOK_CONCURRENCY: '25' }, 'WEBHOOK_CONCURRENCY: not a whole number from 1 to 24'],
  [
    { WEBHOOK_URL: 'http://a%zz:b@receiver.test' },
    'WEBHOOK_URL: a % in its user or password has to be written as %25',
  ],
  [
    { PUBLIC_URL: 'https://mdm.example.com/mdm' },
    'PUBLIC_URL: more than scheme and host: give it as https://mdm.example.com',
  ],
  [{ ENROLLMENT: 'closed' }, 'ENROLLMENT: not one of: open, token, known'],
  [
    { ENROLLMENT: 'open', ENROLL_TOKEN: 'x' },
    'ENROLLMENT: open asks for no token: remove ENROLL_TOKEN, or set it to token',
  ],
  [
    { ENROLLMENT: 'known', ENROLL_TOKEN: 'x' },
    'ENROLLMENT: known asks for no token: remove ENROLL_TOKEN, or set it to token',
  ],
  [{ ORGANIZATION: 'é'.repeat(65) }, 'ORGANIZATION: longer than 64 characters'],
  ...['A\nB', 'A\u0000', 'A\u0085B', 'A\u2028B', 'A\ufffe', 'A\ud800'].map(
    (name): [UncheckedVars, string] => [
      { ORGANIZATION: name },
      'ORGANIZATION: not a name in one line: it has a line break or a control character',
    ],
  ),
  [{ TRUST_ON_FIRST_USE: 'maybe' }, 'TRUST_ON_FIRST_USE: not true or false'],
  [{ LOG_LEVEL: 'verbose' }, 'LOG_LEVEL: not warn, info or debug'],
  ...['89', '3651', '100.5', '1y'].map((days): [UncheckedVars, string] => [
    { AUDIT_DAYS: days },
    'AUDIT_DAYS: not a whole number of days from 90 to 3650',
  ]),
  [
    { LAST_SEEN_RESOLUTION: '1w' },
    'LAST_SEEN_RESOLUTION: not a duration such as 30s, 1m, 24h or 7d',
  ],
  [
    { KEEP_RESULTS: '100/30d/4' },
    'KEEP_RESULTS: not none, latest, a count such as 100, or a count and an age such as 100/30d',
  ],
])('a setting is refused with the reason: %j', (vars, problem) => {
  expect(problems(vars)).toEqual([problem])
})

it('user and password in WEBHOOK_URL are decoded, sent as Basic auth and kept out of the URL', () => {
  const [webhook] = configured({
    WEBHOOK_URL: 'http://ü%40b:p%3Ass@receiver.test/hook?x=1',
  }).webhooks
  expect(webhook).toMatchObject({
    url: 'http://receiver.test/hook?x=1',
    authorization: `Basic ${Buffer.from('ü@b:p:ss').toString('base64')}`,
  })
  const plain = configured({ WEBHOOK_URL: 'https://receiver.test' }).webhooks
  expect(plain).toMatchObject([{ authorization: '' }])
})

it('WEBHOOK_RATE and WEBHOOK_MAX_IDLE_AGE limit the posts to WEBHOOK_URL', () => {
  const vars = { WEBHOOK_URL: 'https://receiver.test' }
  const told = { WEBHOOK_RATE: 600, WEBHOOK_MAX_IDLE_AGE: '1h' }
  expect(configured(vars).webhooks).toMatchObject([{ rate: 0, maxIdleAge: 0 }])
  expect(configured({ ...vars, ...told }).webhooks).toMatchObject([
    { rate: 600, maxIdleAge: 3_600_000 },
  ])
})

describe('enrolment', () => {
  it('shows the name of the organisation, of up to 64 characters of any script, or none', () => {
    const name = (vars: UncheckedVars) => configured(vars).enrollment.organization
    expect(name({})).toBe('')
    expect(name({ ORGANIZATION: '  ' })).toBe('')
    for (const told of ['Müller & Söhne <AG>', '🍏'.repeat(64), 'شرکت می\u200cخواهم']) {
      expect(name({ ORGANIZATION: told })).toBe(told)
    }
  })

  const [older, newer] = [randomBytes(32), randomBytes(32)].map((key) => key.toString('base64'))
  const access = (vars: UncheckedVars) => configured(vars).enrollment.access

  it('without a setting requires the token of the newest sealing key, and accepts those of older keys', () => {
    const before = access({ SEAL_KEYS: `k1:${older}` })
    expect(before).toEqual({
      mode: 'token',
      token: expect.stringMatching(/^[0-9a-f]{32}$/),
      olderTokens: [],
      isDerived: true,
    })
    const { token } = before as { token: string }
    expect(access({ SEAL_KEYS: `renamed:${older}` })).toMatchObject({ token })
    const after = access({ SEAL_KEYS: `k2:${newer} k1:${older}` })
    expect(after).toMatchObject({ olderTokens: [token] })
    expect(after).not.toMatchObject({ token })
    expect(access({ SEAL_KEYS: `k2:${newer}` })).toEqual({ ...after, olderTokens: [] })
  })

  it('requires ENROLL_TOKEN and accepts no other, if it is set', () => {
    for (const vars of [{}, { ENROLLMENT: 'token' }]) {
      const chosen = { ENROLL_TOKEN: 'opensesame', SEAL_KEYS: `k2:${newer} k1:${older}` }
      expect(access({ ...vars, ...chosen })).toEqual({
        mode: 'token',
        token: 'opensesame',
        olderTokens: [],
        isDerived: false,
      })
    }
  })

  it('is open, or for known devices, only when a setting says so', () => {
    expect(access({ ENROLLMENT: 'open' })).toEqual({ mode: 'open' })
    expect(access({ ENROLLMENT: 'known' })).toEqual({ mode: 'known' })
  })
})

it('KEEP_RESULTS says which results are kept', () => {
  const keep = (vars: UncheckedVars) => configured(vars).device.keepResults
  expect(keep({})).toEqual({ kind: 'bounded', count: 100, ms: 30 * 86_400_000 })
  expect(keep({ MICROMDM_NO_COMMAND_HISTORY: 'true' }).kind).toBe('none')
  expect(keep({ KEEP_RESULTS: '5/1h' })).toEqual({ kind: 'bounded', count: 5, ms: 3_600_000 })
})
