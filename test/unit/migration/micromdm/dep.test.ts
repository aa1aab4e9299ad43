import { createPrivateKey, X509Certificate } from 'node:crypto'
import { expect, it } from 'vitest'
import { createDepKey } from '../../../../src/dep/exchange-key.ts'
import { readFleet } from '../../../../src/migration/micromdm/fleet.ts'
import { type FleetPlan, writeMicroMdm } from '../micromdm-file.ts'

const NOW = Date.UTC(2027, 0)
const EXPIRY = '2027-06-01T12:00:00Z'
const CURSOR = '{"cursor":{"value":"abc","created_at":"2026-12-31T10:00:00.123456789Z"}}'

const read = (plan: FleetPlan) => readFleet(writeMicroMdm(plan), { now: NOW })

/** As MicroMDM stores it. */
const tokenJson = (key: string, more: object = {}): string =>
  JSON.stringify({
    consumer_key: key,
    consumer_secret: 'CS_1',
    access_token: 'AT_1',
    access_secret: 'AS_1',
    access_token_expiry: EXPIRY,
    ...more,
  })
const tokenOf = (consumerKey: string) => ({
  consumerKey,
  consumerSecret: 'CS_1',
  accessToken: 'AT_1',
  accessSecret: 'AS_1',
  expiresAt: Date.parse(EXPIRY),
})
const pair = createDepKey(NOW)
const keys = {
  'mdm.DEPToken': {
    key: pair.privateKey.export({ type: 'pkcs1', format: 'der' }),
    certificate: pair.certificate,
  },
}

it('the account in use has key pair, cursor and auto-assigner, and others their token alone', () => {
  const fleet = read({
    depTokens: { CK_2: tokenJson('CK_2'), CK_1: tokenJson('CK_1') },
    depCursor: CURSOR,
    autoAssigners: { '*': 'PROFILE' },
    raw: keys,
  })
  expect(fleet.depAccounts).toEqual([
    { token: tokenOf('CK_2') },
    {
      token: tokenOf('CK_1'),
      keySerial: pair.serial,
      cursor: { value: 'abc', at: Date.parse('2026-12-31T10:00:00.123Z') },
      autoAssign: 'PROFILE',
    },
  ])
  const { certificate = '', key = '' } = fleet.depKey ?? {}
  const der = Buffer.from(key, 'base64')
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  expect(new X509Certificate(Buffer.from(certificate, 'base64')).checkPrivateKey(privateKey)).toBe(
    true,
  )
  expect([fleet.kept, fleet.odd]).toEqual([[], []])
})

it('a key pair that waits for its token comes without an account', () => {
  const fleet = read({ raw: keys, depCursor: CURSOR, autoAssigners: { '*': 'PROFILE' } })
  expect(fleet.depKey?.serial).toBe(pair.serial)
  expect(fleet.depAccounts).toEqual([])
  expect(fleet.kept.map(({ kind }) => kind)).toEqual(['dep_cursor', 'dep_auto_assigner'])
})

it.each<[string, FleetPlan]>([
  ['without a cursor', {}],
  ['whose cursor is of no time', { depCursor: '{"cursor":{"value":"x"}}' }],
  ['whose cursor is empty', { depCursor: '{"cursor":{"value":"","created_at":"0001-01-01"}}' }],
])('an account %s begins with all devices, and waits to be confirmed all the same', (_, plan) => {
  const fleet = read({ ...plan, depTokens: { CK_1: tokenJson('CK_1') } })
  expect(fleet.depAccounts).toEqual([{ token: tokenOf('CK_1'), cursor: { value: '', at: 0 } }])
  expect(fleet.odd).toEqual([])
})

it('of tokens without a word about the newest, the one that ends last is in use', () => {
  const { depAccounts } = read({
    depTokens: {
      CK_1: tokenJson('CK_1', { access_token_expiry: '2027-09-01T00:00:00Z' }),
      CK_2: tokenJson('CK_2'),
    },
    raw: { 'mdm.DEPToken': { last_added: undefined } },
  })
  expect(depAccounts.map(({ token, cursor }) => [token.consumerKey, cursor !== undefined])).toEqual(
    [
      ['CK_2', false],
      ['CK_1', true],
    ],
  )
})

it.each<[string, FleetPlan, readonly string[]]>([
  ['a token that is none', { depTokens: { CK_1: '{}' } }, ['dep_token']],
  [
    'a cursor that is none',
    { depTokens: { CK_1: tokenJson('CK_1') }, depCursor: 'x' },
    ['dep_cursor'],
  ],
  [
    'half of a key pair',
    { raw: { 'mdm.DEPToken': { certificate: pair.certificate } } },
    ['dep_certificate'],
  ],
  [
    'a key that is not that of the certificate',
    { raw: { 'mdm.DEPToken': { certificate: pair.certificate, key: 'KEY' } } },
    ['dep_certificate', 'dep_key'],
  ],
])('%s is kept, and said', (_, plan, kinds) => {
  const fleet = read(plan)
  expect(fleet.kept.map(({ kind }) => kind)).toEqual(kinds)
  expect(new Set(fleet.odd.map(({ what }) => what))).toEqual(new Set(['bad_dep']))
})

it('filters that MicroMDM never looks at are kept', () => {
  const { depAccounts, kept } = read({
    depTokens: { CK_1: tokenJson('CK_1') },
    autoAssigners: { 'iPad*': 'PROFILE' },
  })
  expect(depAccounts[0]?.autoAssign).toBeUndefined()
  expect(kept).toMatchObject([{ kind: 'dep_auto_assigner', name: 'iPad*' }])
})
