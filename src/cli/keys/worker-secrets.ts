/** The Worker behind a server, and its secrets. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AdminAccess } from '../api-client.ts'
import { folderOfDeployment } from '../deploy/arguments.ts'
import {
  type AccountEffects,
  type CloudAccount,
  openCloudflare,
} from '../deploy/cloudflare/account.ts'
import { type AccountRef, CloudflareError } from '../deploy/cloudflare/api.ts'
import { findWorkerAt } from '../deploy/cloudflare/serving.ts'
import { findWorker } from '../deploy/cloudflare/survey.ts'
import { requireWrangler } from '../deploy/cloudflare/wrangler.ts'
import { publicUrlIn } from '../deploy/config.ts'
import { type Deployment, deploymentNames, readDeployment } from '../deploy/folder.ts'
import type { Secrets } from '../deploy/inputs/secrets.ts'
import { CliError } from '../error.ts'

/** Where the keys go. */
export interface SecretOrder {
  /** Of the Worker, and of its deployment; undefined for the one that serves the address. */
  readonly name: string | undefined
  readonly account: string | undefined
  readonly stateDir: string
}

export interface ServingWorker {
  readonly name: string
  readonly account: string
  /** The names of its secrets. */
  readonly secrets: readonly string[]
}

/**
 * The name of the Worker at an address. One at workers.dev begins with it; of another host, the folder of
 * deployments or the account knows it.
 *
 * @throws CliError
 */
export async function nameOfServer(
  { url }: AdminAccess,
  { account: wanted, stateDir }: SecretOrder,
  effects: AccountEffects,
): Promise<string> {
  const { host } = new URL(url)
  const [label = ''] = host.split('.')
  if (host.endsWith('.workers.dev')) {
    return label
  }
  const [known, ...others] = deploymentNames(stateDir).filter((name) =>
    hostsOf(readDeployment(folderOfDeployment(stateDir, name))).includes(host),
  )
  if (known !== undefined && others.length === 0) {
    return known
  }
  const { api, account } = await openAccount(wanted, {}, effects)
  const found = await allowedIn(account, () => findWorkerAt(api, account.id, host))
  if (found === undefined) {
    throw new CliError(
      `no Worker of the account ${account.name} has the address ${host}: name the server with --server, ` +
        'and its Worker with --name, or its account with --account',
    )
  }
  return found
}

function hostsOf({ host, deployed }: Deployment): readonly (string | undefined)[] {
  return [host, hostOfUrl(publicUrlIn(deployed?.config ?? {}))]
}

function hostOfUrl(url: string | undefined): string | undefined {
  return url === undefined ? undefined : URL.parse(url)?.host
}

/**
 * The Worker of this name, if it serves this address: keys that another Worker got would replace its own, and
 * wrangler makes a Worker that is not there.
 *
 * @throws CliError
 */
export async function workerOfServer(
  { url }: AdminAccess,
  { name, account: wanted }: SecretOrder & { readonly name: string },
  kept: Deployment,
  effects: AccountEffects,
): Promise<ServingWorker> {
  const { api, account } = await openAccount(wanted, kept, effects)
  const { host } = new URL(url)
  return allowedIn(account, async () => {
    const worker = await findWorker(api, `/accounts/${account.id}`, name)
    if (!worker) {
      throw new CliError(
        `the account ${account.name} has no Worker ${name}: name the right one with --name, or its account ` +
          'with --account',
      )
    }
    const publicUrl = worker.bindings.find((binding) => binding.name === 'PUBLIC_URL')?.text
    if (hostOfUrl(publicUrl) !== host) {
      refuseOther(name, host, await findWorkerAt(api, account.id, host))
    }
    const secrets = worker.bindings.filter(({ type }) => type === 'secret_text')
    return { name, account: account.id, secrets: secrets.map((secret) => secret.name) }
  })
}

/** @throws CliError */
function refuseOther(name: string, host: string, serving: string | undefined): void {
  if (serving !== name) {
    const remedy =
      serving === undefined
        ? 'name the right one with --name, or its account with --account. If it is a route of a zone, set ' +
          'PUBLIC_URL to it first'
        : `its Worker is ${serving}, so leave --name out`
    throw new CliError(`the Worker ${name} does not serve ${host}: ${remedy}`)
  }
}

async function openAccount(
  account: string | undefined,
  kept: Deployment,
  effects: AccountEffects,
): Promise<CloudAccount> {
  const cloud = await openCloudflare({ account, ci: false, dryRun: false }, kept, effects)
  if (!cloud) {
    throw new CliError('there is no login at Cloudflare: run `npx wrangler login`')
  }
  return cloud
}

/** @throws CliError that names the account and the right, when Cloudflare refuses the login */
async function allowedIn<Found>(
  { id, name }: AccountRef,
  look: () => Promise<Found>,
): Promise<Found> {
  try {
    return await look()
  } catch (error) {
    if (!(error instanceof CloudflareError) || (error.status !== 401 && error.status !== 403)) {
      throw error
    }
    const account = name === id ? id : `${name} (${id})`
    throw new CliError(
      `the login may not look at the Workers of the account ${account}: use a token with the permission ` +
        'Workers Scripts Edit there, or run `npx wrangler login` again, or name the right account with ' +
        `--account. ${error.message}`,
    )
  }
}

/** Sets all of them in one version of the Worker. @throws DeployStop */
export async function setSecrets(
  { name, account }: ServingWorker,
  secrets: Secrets,
  { projectDir, env, callWrangler }: AccountEffects,
): Promise<void> {
  const temporary = mkdtempSync(join(tmpdir(), 'edgemdm-secrets-'))
  const remove = (): void => rmSync(temporary, { recursive: true, force: true })
  process.once('exit', remove)
  try {
    const file = join(temporary, 'secrets.json')
    writeFileSync(file, JSON.stringify(secrets), { mode: 0o600 })
    const { WRANGLER_CI_OVERRIDE_NAME: _, ...others } = env
    await requireWrangler(callWrangler, {
      projectDir,
      env: { ...others, CLOUDFLARE_ACCOUNT_ID: account },
      args: ['secret', 'bulk', file, '--name', name],
    })
  } finally {
    process.off('exit', remove)
    remove()
  }
}
