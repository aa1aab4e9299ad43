import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type AccountRef,
  type CloudflareApi,
  createCloudflareApi,
  credentialsIn,
  listCloudAccounts,
} from '../../deploy/cloudflare/api.ts'
import { findWorkerAt } from '../../deploy/cloudflare/serving.ts'
import { callWrangler, credentialsOfLogin } from '../../deploy/cloudflare/wrangler.ts'
import { CliError } from '../../error.ts'
import type { DoctorOrder } from '../arguments.ts'
import type { DoctorAccount } from '../check.ts'

const PROJECT = resolve(import.meta.dirname, '../../../..')

/**
 * The account and the Worker of a server: the Worker of the name that was given, else the one that has the
 * server's host at workers.dev or as a custom domain. All accounts of the login are looked through.
 *
 * @throws CliError without a login, or without such a Worker
 */
export async function openDoctorAccount({ url, name }: DoctorOrder): Promise<DoctorAccount> {
  const { env } = process
  const credentials =
    credentialsIn(env) ?? (await credentialsOfLogin(callWrangler, { projectDir: PROJECT, env }))
  if (!credentials) {
    throw new CliError(
      '--account: there is no login at Cloudflare: run `npx wrangler login`, or set CLOUDFLARE_API_TOKEN',
    )
  }
  const api = createCloudflareApi(credentials, { env, fetch, sleep })
  const wanted = env['CLOUDFLARE_ACCOUNT_ID']
  // A token may use an account that it may not list.
  const accounts = wanted ? [{ id: wanted, name: wanted }] : await listCloudAccounts(api)
  const host = new URL(url).hostname
  for (const account of accounts) {
    const worker = await findWorkerOf(api, account, { host, name })
    if (worker !== undefined) {
      return { api, account, worker }
    }
  }
  const names = accounts.map((account) => account.name).join(', ') || 'none that it may list'
  const what = name ?? `with ${host} at workers.dev or as a custom domain`
  throw new CliError(
    `--account: no Worker ${what} is in the accounts of this login (${names}): ` +
      'log in to the right account, or give CLOUDFLARE_ACCOUNT_ID, or the name of the Worker with --name',
  )
}

async function findWorkerOf(
  api: CloudflareApi,
  { id }: AccountRef,
  { host, name }: { readonly host: string; readonly name: string | undefined },
): Promise<string | undefined> {
  if (name === undefined) {
    return findWorkerAt(api, id, host)
  }
  const settings = await api.read(`/accounts/${id}/workers/scripts/${name}/settings`)
  return settings === undefined ? undefined : name
}
