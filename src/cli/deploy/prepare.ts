/** Gathers what a plan needs: answers, the account, what it has, and what the tree has. */
import { existsSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import type { Environment } from '../settings.ts'
import { listDeployments } from '../state.ts'
import { checkedHost, checkedName, type DeployOrder, folderOfDeployment } from './arguments.ts'
import { type AccountEffects, type CloudAccount, openCloudflare } from './cloudflare/account.ts'
import { NOTHING_FOUND, type Survey, surveyAccount } from './cloudflare/survey.ts'
import { readRawConfig } from './cloudflare/wrangler.ts'
import {
  type BoundPush,
  deployConfig,
  type DeployNames,
  deployNames,
  type RawConfig,
} from './config.ts'
import { DeployStop } from './failures.ts'
import { type Deployment, readDeployment, SETTINGS_FILE } from './folder.ts'
import { commitOf, commitsSince, digestOfCode, migrationsIn } from './inputs/code.ts'
import type { PlanFacts } from './plan/facts.ts'
import { refuseForeign } from './plan/refuse.ts'
import { choosePush, type PushChoice } from './inputs/push.ts'
import type { Screen } from './screen.ts'
import { chooseSecrets, makeSecrets, readSecrets, secretsInEnvironment } from './inputs/secrets.ts'
import { checkVars } from './inputs/vars.ts'
import type { ServerEffects } from './server.ts'

export type DeployEffects = AccountEffects & ServerEffects

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
  const { projectDir, env, screen, now } = effects
  const { stateDir } = order
  const committed = await readRawConfig(join(projectDir, 'wrangler.toml'))
  const name = await chooseName(order, screen, committed.name ?? 'edgemdm')
  const names = deployNames(committed, name)
  const folder = folderOfDeployment(stateDir, name)
  const kept = readDeployment(folder)
  const isNew = Object.keys(kept).length === 0
  const host = order.host ?? kept.host ?? (await askHost(isNew && !order.ci, screen))
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
  const own = await readOwn(order.settingsFile, join(folder, SETTINGS_FILE))
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
      secrets: secretsFor(order, env, survey, secretsFile),
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
    throw new DeployStop(2, fault, 'say which one with --name')
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

/** A file that is named has to be there: without it, a deploy would take all settings back. */
async function readOwn(named: string | undefined, kept: string): Promise<RawConfig> {
  if (named !== undefined) {
    requireFile('--settings', named, 'name the file that has your settings')
  }
  const file = named ?? kept
  return existsSync(file) ? readRawConfig(file) : {}
}

function requireFile(flag: string, file: string, remedy: string): void {
  if (!existsSync(file)) {
    throw new DeployStop(2, `${flag} ${file}: there is no such file`, remedy)
  }
}

function secretsFor(order: DeployOrder, env: Environment, survey: Survey, file: string) {
  const { worker, database } = survey
  const { secretsFile } = order
  if (secretsFile !== undefined) {
    requireFile('--secrets', secretsFile, 'name the file that has the keys')
  }
  const given = secretsFile === undefined ? undefined : readSecrets(secretsFile)
  const present = (worker?.bindings ?? [])
    .filter(({ type }) => type === 'secret_text')
    .map(({ name }) => name)
  return chooseSecrets(
    {
      present,
      hasData: (database?.migrations.length ?? 0) > 0,
      stored: order.ci ? undefined : readSecrets(file),
      given,
      ci: order.ci ? secretsInEnvironment(env) : undefined,
      file,
    },
    makeSecrets,
  )
}
