/** Gathers what a plan needs: answers, the account, what it has, and what the tree has. */
import { existsSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { CliError } from '../error.ts'
import { listDeployments } from '../state.ts'
import { checkedHost, checkedName, type DeployOrder, folderOfDeployment } from './arguments.ts'
import { type AccountEffects, type CloudAccount, openCloudflare } from './cloudflare/account.ts'
import { NOTHING_FOUND, type Survey, surveyAccount } from './cloudflare/survey.ts'
import { readRawConfig, wranglerKeys } from './cloudflare/wrangler.ts'
import { refuseWithoutZone } from './cloudflare/zones.ts'
import {
  type BoundPush,
  deployConfig,
  type DeployNames,
  deployNames,
  type RawConfig,
} from './config.ts'
import type { CallDoctor } from './examine.ts'
import { DeployStop } from './failures.ts'
import { type Deployment, readDeployment, requireFile, SETTINGS_FILE } from './folder.ts'
import { commitOf, commitsSince, digestOfCode, migrationsIn } from './inputs/code.ts'
import { chooseKeys } from './inputs/keys.ts'
import type { PlanFacts } from './plan/facts.ts'
import { refuseForeign } from './plan/refuse.ts'
import { choosePush, type PushChoice } from './inputs/push.ts'
import type { Screen } from './screen.ts'
import { checkVars, refuseUnknownKeys, refuseUnknownVars } from './inputs/vars.ts'
import type { ServerEffects } from './server.ts'

export type DeployEffects = AccountEffects & ServerEffects & { readonly callDoctor: CallDoctor }

export interface Prepared {
  readonly name: string
  readonly folder: string
  readonly deployment: Deployment
  /** Absent from a plan without a login. */
  readonly cloud: CloudAccount | undefined
  readonly facts: PlanFacts
  readonly push: PushChoice
  readonly configOf: (deployment: Deployment) => RawConfig
  readonly commit: string | undefined
}

const SECRETS_FILE = 'secrets.json'

/** @throws DeployStop, CliError and CloudflareError when something is missing or refused */
export async function prepare(order: DeployOrder, effects: DeployEffects): Promise<Prepared> {
  const { projectDir, screen, now } = effects
  const { stateDir } = order
  screen.tell({ type: 'look', at: 'the tree' })
  const committed = await readRawConfig(join(projectDir, 'wrangler.toml'))
  const name = await chooseName(order, screen, committed.name ?? 'edgemdm')
  const names = deployNames(committed, name)
  const folder = folderOfDeployment(stateDir, name)
  const kept = readDeployment(folder)
  const isNew = Object.keys(kept).length === 0
  const host = order.host ?? kept.host ?? (await askHost(isNew && !order.ci, screen))
  screen.tell({ type: 'look', at: 'the Cloudflare account' })
  const cloud = await openCloudflare(order, kept, effects)
  const survey = cloud
    ? await surveyAccount(cloud.api, cloud.account.id, names, kept.database)
    : NOTHING_FOUND
  const hosts = hostsOf(host, names, survey)
  refuseForeign({ names, survey, hosts })
  const at = `/accounts/${cloud?.account.id}`
  const pushFacts = { stateDir, deploymentDir: folder, committed, kept, survey, now: now() }
  const push = await choosePush(order, pushFacts, cloud && { api: cloud.api, at })
  const deployment = begun(kept, { account: cloud?.account.id, host, survey, push: push.bound })
  const own = await readOwn(order.settingsFile ?? join(folder, SETTINGS_FILE), order, projectDir)
  const configFor = (known: Deployment): RawConfig =>
    deployConfig(committed, relative(folder, projectDir).split(sep).join('/'), {
      names,
      account: cloud?.account.id,
      hosts,
      host,
      workersDev: survey.worker?.workersDev ?? true,
      push: known.push,
      own,
    })
  const config = configFor(deployment)
  checkVars(config.vars)
  await (cloud && refuseWithoutZone(cloud, newDomains(config, names, survey)))
  const secretsFile = join(folder, SECRETS_FILE)
  return {
    name,
    folder,
    deployment,
    cloud,
    push,
    commit: commitOf(projectDir),
    configOf: configFor,
    facts: {
      names,
      deployment,
      survey,
      hosts,
      secretsFile,
      config,
      ...(await chooseKeys(order, effects, { names, survey, cloud, file: secretsFile })),
      examines: order.doctor,
      code: codeOf(projectDir, deployment),
      migrations: migrationsIn(join(projectDir, migrationsDirOf(committed))),
      newPush: push.pair !== undefined,
    },
  }
}

function codeOf(projectDir: string, { deployed }: Deployment): PlanFacts['code'] {
  return {
    digest: digestOfCode(projectDir),
    commits: commitsSince(projectDir, deployed?.commit),
  }
}

function migrationsDirOf({ d1_databases: databases }: RawConfig): string {
  return databases?.[0]?.migrations_dir ?? 'migrations'
}

async function chooseName(order: DeployOrder, { ask }: Screen, byDefault: string): Promise<string> {
  if (order.name !== undefined) {
    return order.name
  }
  const known = order.ci ? [] : listDeployments(order.stateDir)
  const [only = byDefault, ...others] = known
  if (others.length > 0 && !ask) {
    const fault = `there are several deployments: ${known.join(', ')}`
    throw new DeployStop(2, fault, 'name one with --name')
  }
  if (!ask || known.length === 1) {
    return only
  }
  const list = others.length > 0 ? ` (${known.join(', ')})` : ''
  return checkedName((await ask(`Name of the deployment${list} [${only}]: `)) || only)
}

async function askHost(asks: boolean, { ask }: Screen): Promise<string | undefined> {
  if (!asks || !ask) {
    return undefined
  }
  const answer = await ask(
    'Host name of your own for devices. It stands in every profile, and its zone has to be in the account\n' +
      '[none: an address at workers.dev]: ',
  )
  return answer === '' ? undefined : checkedHost(answer)
}

/** What a run knows before its first step. */
function begun(
  kept: Deployment,
  found: {
    readonly account: string | undefined
    readonly host: string | undefined
    readonly survey: Survey
    readonly push: BoundPush | undefined
  },
): Deployment {
  const { account, host, survey, push } = found
  const { worker, database } = survey
  return {
    ...kept,
    ...(account === undefined ? {} : { account }),
    ...(host === undefined ? {} : { host }),
    ...(worker === undefined ? { beganWithHost: host !== undefined } : {}),
    ...(database === undefined ? {} : { database: database.id }),
    ...(push === undefined ? {} : { push }),
  }
}

/** The Worker keeps the domains that it has: a deploy that does not name one takes it away. */
function hostsOf(
  host: string | undefined,
  names: DeployNames,
  { domains }: Survey,
): readonly string[] {
  const own = domains
    .filter(({ service }) => service === names.worker)
    .map(({ hostname }) => hostname)
  return [...new Set([...(host === undefined ? [] : [host]), ...own])]
}

/** Custom domains that the Worker will have, and has not yet. */
function newDomains({ routes = [] }: RawConfig, names: DeployNames, { domains }: Survey) {
  const own = domains.filter(({ service }) => service === names.worker)
  return routes
    .flatMap((route) =>
      typeof route === 'object' && 'custom_domain' in route && route.custom_domain
        ? [route.pattern]
        : [],
    )
    .filter((host) => own.every(({ hostname }) => hostname !== host))
}

/** A file that is named has to be there: without it, a deploy would take all settings back. */
async function readOwn(
  file: string,
  { settingsFile }: DeployOrder,
  projectDir: string,
): Promise<RawConfig> {
  if (settingsFile !== undefined) {
    requireFile('--settings', settingsFile, 'name the file that has your settings')
  }
  if (!existsSync(file)) {
    return {}
  }
  const own = await readRawConfig(file).catch((error: unknown) => {
    throw error instanceof CliError
      ? new DeployStop(2, error.message, 'correct the file, and run this again')
      : error
  })
  refuseUnknownKeys(own, wranglerKeys(projectDir))
  refuseUnknownVars(own.vars)
  return own
}
