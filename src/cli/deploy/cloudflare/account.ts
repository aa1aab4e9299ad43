/** The login, and the account that a deployment is made in. */
import type { DeployOrder } from '../arguments.ts'
import { DeployStop } from '../failures.ts'
import type { Deployment } from '../folder.ts'
import type { Screen } from '../screen.ts'
import {
  type AccountRef,
  type ApiEffects,
  type CloudflareApi,
  createCloudflareApi,
  type Credentials,
  credentialsIn,
  listCloudAccounts,
} from './api.ts'
import { type CallWrangler, credentialsOfLogin } from './wrangler.ts'

export interface CloudAccount {
  readonly api: CloudflareApi
  readonly account: AccountRef
}

/** What a command may say of the account. */
export type AccountOrder = Pick<DeployOrder, 'account' | 'ci' | 'dryRun'>

export interface AccountEffects extends ApiEffects {
  readonly projectDir: string
  readonly screen: Screen
  readonly callWrangler: CallWrangler
}

/** A login is asked for at a terminal. Without one, only a plan is possible. */
export async function openCloudflare(
  order: AccountOrder,
  kept: Deployment,
  effects: AccountEffects,
): Promise<CloudAccount | undefined> {
  const credentials = await findCredentials(order, effects)
  if (credentials === undefined) {
    return undefined
  }
  const api = createCloudflareApi(credentials, effects)
  return { api, account: await chooseAccount(order, kept, api, effects) }
}

async function findCredentials(
  order: AccountOrder,
  { env, projectDir, callWrangler, screen }: AccountEffects,
): Promise<Credentials | undefined> {
  const given = credentialsIn(env)
  if (given || order.ci) {
    return given ?? refuseWithoutToken()
  }
  const place = { projectDir, env }
  const known = await credentialsOfLogin(callWrangler, place)
  if (known || order.dryRun) {
    return known
  }
  if (screen.ask) {
    await callWrangler({ ...place, args: ['login'], atTerminal: true })
  }
  return (await credentialsOfLogin(callWrangler, place)) ?? refuseWithoutToken()
}

export function refuseWithoutToken(): never {
  throw new DeployStop(
    2,
    'there is no login at Cloudflare',
    'run `npx wrangler login`; in CI set CLOUDFLARE_API_TOKEN (docs/deploy.md has the rights that it needs)',
  )
}

async function chooseAccount(
  order: AccountOrder,
  kept: Deployment,
  api: CloudflareApi,
  { env, screen }: AccountEffects,
): Promise<AccountRef> {
  const wanted = order.account ?? env['CLOUDFLARE_ACCOUNT_ID'] ?? kept.account
  const all = await listCloudAccounts(api)
  const found =
    wanted === undefined ? all : all.filter(({ id, name }) => [id, name].includes(wanted))
  const [only, ...others] = found
  // A token may use an account that it may not list.
  const account =
    only && others.length === 0
      ? only
      : wanted !== undefined && /^[0-9a-f]{32}$/.test(wanted)
        ? { id: wanted, name: wanted }
        : await askAccount(all, wanted, screen)
  if (kept.account !== undefined && kept.account !== account.id) {
    const fault = `this deployment is in the account ${kept.account}, not in ${account.id}`
    throw new DeployStop(3, fault, 'leave --account out, or take another name with --name')
  }
  return account
}

async function askAccount(
  all: readonly AccountRef[],
  wanted: string | undefined,
  { ask }: Screen,
): Promise<AccountRef> {
  const list = all.map(({ id, name }) => `${name} (${id})`).join(', ')
  const [first] = all
  if (!ask || !first) {
    const may = `it may use ${list || 'none that it may list'}`
    const fault =
      wanted === undefined
        ? `the account is not clear from the login: ${may}`
        : `the login may not use an account ${wanted}: ${may}`
    throw new DeployStop(2, fault, 'name one with --account ID or CLOUDFLARE_ACCOUNT_ID')
  }
  const lines = all.map(({ name, id }, n) => `  ${n + 1}  ${name} (${id})\n`).join('')
  return all[Number(await ask(`${lines}Account [1]: `)) - 1] ?? first
}
