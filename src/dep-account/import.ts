/** Brings an account in: by a token file of Apple, or from another server. */
import { createHash, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { clock } from '../clock.ts'
import type { Config } from '../config/config.ts'
import type { DepRefusal, DepLine } from '../dep/client.ts'
import { depCertificate, depKeySerial } from '../dep/exchange-key.ts'
import type { DepToken } from '../dep/records.ts'
import { openTokenFile, readTokenFile, TOKEN_FOR_OTHER_KEY } from '../dep/token-file.ts'
import {
  accountOfServer,
  findAccount,
  putAccount,
  type DepAccountRow,
} from '../directory/dep/accounts.ts'
import { addDepKey, claimDepKey, openDepKey, type DepKeyRow } from '../directory/dep/keys.ts'
import { callWithin } from './call.ts'
import { readDetail } from './detail.ts'
import type { DepAccount } from './object.ts'
import type { DepEnv, DepInstallation } from './state.ts'

/** An account's object as its callers see it, over RPC. */
export type DepStub = Omit<DepAccount, 'alarm'>

export interface DepImportEnv extends DepEnv {
  readonly DEP: { getByName(name: string): Pick<DepStub, 'install'> }
}

export type Imported =
  | { readonly kind: 'imported'; readonly account: DepAccountRow }
  /** A sentence for the admin. What was there stays as it was. */
  | { readonly kind: 'refused'; readonly error: string }

const RSA_BITS = 2048

/** Makes a key pair, whose certificate is for Apple. It waits for a token beside those in use. */
export async function newDepKey(
  env: Pick<DepEnv, 'DB'>,
  { sealer }: Pick<Config, 'sealer'>,
): Promise<DepKeyRow> {
  const pair = generateKeyPairSync('rsa', { modulusLength: RSA_BITS })
  const now = clock.now()
  const certificate = depCertificate(pair, now)
  const serial = depKeySerial(certificate)
  await addDepKey(env.DB, sealer, { serial, certificate, key: pair.privateKey }, now)
  return { serial, account: '', certificate, createdAt: now }
}

/** Reads a token file, asks Apple for the account, and only then puts the token in place. */
export async function importTokenFile(
  env: DepImportEnv,
  config: Pick<Config, 'sealer' | 'depUrl'>,
  file: Uint8Array,
): Promise<Imported> {
  const read = readTokenFile(file)
  if (!read.ok) {
    return { kind: 'refused', error: read.error }
  }
  const pair = await openDepKey(env.DB, config.sealer, read.keySerial)
  if (!pair) {
    return { kind: 'refused', error: TOKEN_FOR_OTHER_KEY }
  }
  const content = openTokenFile(read, pair.certificate, pair.key)
  if (!content.ok) {
    return { kind: 'refused', error: content.error }
  }
  const { token } = content
  const line: DepLine = { session: undefined }
  const answer = await callWithin(config, { token, line }, { method: 'GET', path: '/account' })
  if (answer.kind !== 'ok') {
    return { kind: 'refused', error: refusalOfToken(answer) }
  }
  const { known, row } = readDetail(answer.json)
  const given = { token, keySerial: read.keySerial, detail: known, session: line.session }
  const id = await accountFor(env, token, row.serverUuid)
  return put(env, id, { ...row, tokenAt: clock.now() }, given)
}

/** A key pair that came from another server. */
export interface MovedDepKey {
  readonly certificate: Uint8Array
  readonly key: KeyObject
}

/**
 * Takes an account over from another server. Apple is not asked now. With a cursor, automatic assignment
 * waits for `confirm()`.
 *
 * @param moved `tokenAt`: when the token came, in milliseconds; now if it is left out
 */
export async function importToken(
  env: DepImportEnv,
  { sealer }: Pick<Config, 'sealer'>,
  token: DepToken,
  moved: {
    readonly key?: MovedDepKey
    readonly tokenAt?: number
    readonly cursor?: DepInstallation['cursor']
  } = {},
): Promise<Imported> {
  const { key, cursor, tokenAt = clock.now() } = moved
  const keySerial = key ? depKeySerial(key.certificate) : ''
  if (key) {
    await addDepKey(env.DB, sealer, { serial: keySerial, ...key }, clock.now())
  }
  const nothing = { serverUuid: '', serverName: '', organization: '', tokenAt }
  const given = { token, keySerial, ...(cursor && { cursor }) }
  return put(env, depAccountId(token), nothing, given)
}

/** The server entry stays the same over renewals, and so does its account. */
async function accountFor(
  { DB }: DepImportEnv,
  token: DepToken,
  serverUuid: string,
): Promise<string> {
  const known = serverUuid === '' ? undefined : await accountOfServer(DB, serverUuid)
  return known?.id ?? depAccountId(token)
}

/** The id of the account that begins with a token. */
export function depAccountId({ consumerKey }: DepToken): string {
  return createHash('sha256').update(consumerKey).digest('hex').slice(0, 16)
}

/** Listed first: an account without a token is harmless, and a repeated import mends it. */
async function put(
  env: DepImportEnv,
  id: string,
  row: Omit<DepAccountRow, 'id' | 'addedAt'>,
  given: DepInstallation,
): Promise<Imported> {
  await putAccount(env.DB, { id, ...row })
  await env.DEP.getByName(id).install(given)
  if (given.keySerial) {
    await claimDepKey(env.DB, given.keySerial, id)
  }
  const account = await findAccount(env.DB, id)
  return account
    ? { kind: 'imported', account }
    : { kind: 'refused', error: 'the account was removed meanwhile: import it again' }
}

const REFUSALS: Readonly<Record<string, string>> = {
  T_C_NOT_SIGNED:
    'Apple has new terms: accept them in Apple Business Manager or Apple School Manager, then import the ' +
    'token again',
  ACCESS_TOKEN_EXPIRED: 'the token has expired: download a new one from Apple',
}

function refusalOfToken(answer: DepRefusal): string {
  if (answer.kind === 'unreachable') {
    return `${answer.reason}: import the token again later`
  }
  const { code, status, at } = answer
  const said = code === '' ? `status ${status}` : code
  const known = REFUSALS[code]
  if (known !== undefined) {
    return known
  }
  return at === 'session' && (status === 401 || status === 403)
    ? `Apple rejects the token (${said}): a newer one may have been downloaded; import that one`
    : `Apple refused to say which account this is (${said}): import the token again later`
}
