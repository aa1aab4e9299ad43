import { Buffer } from 'node:buffer'
import { generateKeyPairSync } from 'node:crypto'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { importToken, importTokenFile, newDepKey } from '../../src/dep-account/import.ts'
import { depCertificate } from '../../src/dep/exchange-key.ts'
import type { DepKeyRow } from '../../src/directory/dep/keys.ts'
import { newestDepKey, openDepKey } from '../../src/directory/dep/keys.ts'
import { findAccount, listAccounts } from '../../src/directory/dep/accounts.ts'
import { writeEnvelope } from '../../src/pki/cms/enveloped-data.ts'
import { clock, turn } from './clock.ts'
import { Apple } from './dep-apple.ts'
import { accountWith, DAY, newToken, serials, testConfig } from './dep-tools.ts'
import { env } from './server.ts'

let apple: Apple

beforeEach(() => {
  apple = new Apple()
})
afterEach(() => {
  vi.restoreAllMocks()
})

/** A token file for a key pair, as Apple makes it. */
function fileFor(
  { certificate }: DepKeyRow,
  consumerKey = `CK_${crypto.randomUUID()}`,
): Uint8Array {
  const json = JSON.stringify({
    consumer_key: consumerKey,
    consumer_secret: 'CS_1',
    access_token: `AT_${crypto.randomUUID()}`,
    access_secret: 'AS_1',
    access_token_expiry: new Date(clock.now() + 365 * DAY).toISOString(),
  })
  const mime = `Content-Type: text/plain;charset=UTF-8\r\n\r\n-----BEGIN MESSAGE-----\r\n${json}\r\n-----END MESSAGE-----\r\n`
  return writeEnvelope(Buffer.from(mime), certificate, 'aes-128-cbc')
}

async function imported(file: Uint8Array): Promise<string> {
  const result = await importTokenFile(env, testConfig(), file)
  if (result.kind !== 'imported') {
    throw new Error(result.error)
  }
  return result.account.id
}

const newKey = () => newDepKey(env, testConfig())

it('a token is checked with Apple, and then its account synchronizes in the same session', async () => {
  const key = await newKey()
  apple.add(serials(2))
  const id = await imported(fileFor(key))
  expect(apple.paths()).toEqual(['/session', '/account'])
  expect(await findAccount(env.DB, id)).toMatchObject({
    serverUuid: apple.account['server_uuid'],
    serverName: 'Test',
    organization: 'Org',
  })
  const account = accountWith(id)
  await account.pass(0)
  expect(apple.paths()).toEqual(['/session', '/account', '/server/devices', '/devices/sync'])
  expect(await account.stub.status()).toMatchObject({
    counts: { devices: 2 },
    keySerial: key.serial,
  })
  expect(await newestDepKey(env.DB, id)).toMatchObject({ serial: key.serial })
})

it('a newer token of the server entry replaces the one before, and keeps the cursor', async () => {
  const key = await newKey()
  turn(1000)
  const next = await newKey()
  const id = await imported(fileFor(key))
  const account = accountWith(id)
  await account.pass(0)
  const { cursor, token } = await account.state()
  turn(DAY)
  expect(await newestDepKey(env.DB, id)).toMatchObject({ serial: key.serial })
  expect(await imported(fileFor(next))).toBe(id)
  const after = await account.state()
  expect(after.cursor).toEqual(cursor)
  expect(after.token).not.toEqual(token)
  expect(await newestDepKey(env.DB, id)).toMatchObject({ serial: next.serial })
  apple.calls.length = 0
  await account.pass(0)
  expect(apple.paths()).toEqual(['/devices/sync'])
})

it('a token of another server entry is an account of its own', async () => {
  const key = await newKey()
  const [one = '', other = ''] = serials(2)
  apple.add([one])
  const first = await imported(fileFor(key))
  await accountWith(first).pass(0)
  const second = new Apple()
  second.add([other])
  const id = await imported(fileFor(key))
  expect(id).not.toBe(first)
  await accountWith(id).pass(0)
  const accounts = (await listAccounts(env.DB)).map((account) => account.id)
  expect(accounts).toEqual(expect.arrayContaining([first, id]))
  expect((await accountWith(first).device(one))?.account).toBe(first)
  expect((await accountWith(id).device(other))?.account).toBe(id)
  expect((await accountWith(id).stub.status())?.counts.devices).toBe(1)
})

it.each([
  ['no file', () => Buffer.from('hello!'), 'this is no server token'],
  ['a web page', () => Buffer.from('<html>Sign in</html>'), 'this is a web page'],
])('%s is refused with a sentence, and changes nothing', async (_, file, error) => {
  const before = await listAccounts(env.DB)
  expect(await importTokenFile(env, testConfig(), file())).toEqual({
    kind: 'refused',
    error: expect.stringContaining(error),
  })
  expect(await listAccounts(env.DB)).toEqual(before)
  expect(apple.calls).toEqual([])
})

it('a token for a key pair of another server is refused', async () => {
  const key = await newKey()
  const file = fileFor(key)
  await env.DB.prepare('DELETE FROM dep_keys WHERE serial = ?').bind(key.serial).run()
  expect(await importTokenFile(env, testConfig(), file)).toEqual({
    kind: 'refused',
    error: expect.stringContaining('made for another certificate'),
  })
})

it.each([
  [403, 'T_C_NOT_SIGNED', 'accept them'],
  [401, 'token_rejected', 'Apple rejects the token'],
  [500, '', 'import the token again later'],
])(
  'a token that Apple answers with %s %s to leaves the present one',
  async (status, body, error) => {
    const key = await newKey()
    const id = await imported(fileFor(key))
    const before = await accountWith(id).state()
    apple.fault({ path: '/session', times: 1, status, body })
    expect(await importTokenFile(env, testConfig(), fileFor(key))).toEqual({
      kind: 'refused',
      error: expect.stringContaining(error),
    })
    expect(await accountWith(id).state()).toEqual(before)
  },
)

it('an account moves in without Apple, with its key pair and its cursor', async () => {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const certificate = depCertificate({ publicKey, privateKey }, clock.now())
  const token = newToken()
  const cursor = { value: 's.0', at: clock.now() - DAY }
  const moved = { key: { certificate, key: privateKey }, cursor }
  const result = await importToken(env, testConfig(), token, moved)
  expect(result).toMatchObject({ kind: 'imported', account: { serverUuid: '' } })
  expect(apple.calls).toEqual([])
  const id = result.kind === 'imported' ? result.account.id : ''
  const account = accountWith(id)
  expect(await account.stub.status()).toMatchObject({
    consumerKey: token.consumerKey,
    phase: 'sync',
    cursorAge: DAY,
    assigns: 'nothing',
  })
  await account.pass(0)
  expect(apple.paths().slice(0, 3)).toEqual(['/session', '/account', '/devices/sync'])
  expect(await findAccount(env.DB, id)).toMatchObject({
    serverUuid: apple.account['server_uuid'],
  })
  expect(await account.stub.token()).toEqual(token)
  const serial = (await newestDepKey(env.DB, id))?.serial ?? ''
  const stored = await openDepKey(env.DB, testConfig().sealer, serial)
  expect(stored?.key.equals(privateKey)).toBe(true)
})

it('no secret of a token is stored in clear', async () => {
  const id = await imported(fileFor(await newKey()))
  const account = accountWith(id)
  await account.pass(0)
  const text = JSON.stringify(await account.state(), (_, value: unknown) =>
    value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : value,
  )
  const token = await account.stub.token()
  for (const secret of [token?.accessToken, token?.consumerKey, ...apple.sessions]) {
    expect(text).not.toContain(secret)
  }
})
