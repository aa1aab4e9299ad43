/** The account of Apple Business Manager that a request is about, and its calls of Apple. */
import type { Context } from 'hono'
import type { DepStub } from '../../dep-account/import.ts'
import type { DepStatus } from '../../dep-account/status.ts'
import { findAccount, newestAccount, type DepAccountRow } from '../../directory/dep/accounts.ts'
import type { Env } from '../../env.ts'
import type { AppEnv } from '../app-env.ts'
import { RequestError } from '../request-error.ts'
import { depError } from './refusal.ts'

/** An account, and its object, which alone calls Apple for it. */
export interface DepAccountInUse {
  readonly row: DepAccountRow
  readonly object: DepStub
}

/** MicroMDM's words. */
const NO_TOKEN = 'DEP not configured yet. add a DEP token to enable DEP'

/** The account with this id, or the newest one; undefined while there is none. @throws RequestError 404 */
export async function depAccountIfAny(
  env: Env,
  id: string | undefined,
): Promise<DepAccountInUse | undefined> {
  const row = id === undefined ? await newestAccount(env.DB) : await findAccount(env.DB, id)
  if (row === undefined && id !== undefined) {
    throw noDepAccount(`no account of Apple Business Manager has the id ${id}`)
  }
  return row && { row, object: env.DEP.getByName(row.id) }
}

/** The same. @throws RequestError while there is none */
export async function depAccountOf(env: Env, id: string | undefined): Promise<DepAccountInUse> {
  const account = await depAccountIfAny(env, id)
  if (account === undefined) {
    throw noDepAccount(NO_TOKEN)
  }
  return account
}

function noDepAccount(text: string): RequestError {
  return new RequestError(text, 'dep_account_not_found', { micromdm: 500 })
}

/** How an account stands. @throws RequestError for one whose token was never put in place */
export async function depStatusOf({ object }: DepAccountInUse): Promise<DepStatus> {
  const status = await object.status()
  if (status === undefined) {
    throw noDepAccount(NO_TOKEN)
  }
  return status
}

/** The account that `?account=` names. @throws RequestError */
export function depAccountOfQuery(c: Context<AppEnv>): Promise<DepAccountInUse> {
  return depAccountOf(c.env, c.req.query('account'))
}

/** The JSON of a call that Apple carried out. @throws RequestError */
export async function askApple(
  { object }: DepAccountInUse,
  what: string,
  call: Parameters<DepStub['call']>[0],
): Promise<unknown> {
  const answer = await object.call(call)
  if (answer.kind !== 'ok') {
    throw depError(what, answer)
  }
  return answer.json
}
