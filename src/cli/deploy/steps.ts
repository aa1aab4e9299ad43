/** The steps of a plan. Each may be repeated: what it did is in the folder before the next one begins. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { uploadPushCertificate } from '../push-cert/production.ts'
import type { PushPair } from '../settings.ts'
import { writeWhole } from '../write-whole.ts'
import type { CloudflareApi } from './cloudflare/api.ts'
import type { RawConfig } from './config.ts'
import { DeployStop } from './failures.ts'
import { CONFIG_FILE, type Deployment, makeFolder, writeDeployment } from './folder.ts'
import { type DoctorFinding, judgeFindings } from './examine.ts'
import type { PlanFacts } from './plan/facts.ts'
import type { StepName } from './plan/plan.ts'
import type { Screen } from './screen.ts'
import { awaitAnswer, ensureAuthority, type ServerEffects } from './server.ts'
import { commitArguments } from './inputs/code.ts'
import { findCronHolders, listApplied } from './cloudflare/survey.ts'
import type { WranglerOutcome } from './cloudflare/wrangler.ts'

export interface StepContext {
  readonly name: string
  readonly folder: string
  readonly account: string
  readonly api: CloudflareApi
  /** With the deployment's configuration. @throws DeployStop */
  readonly wrangler: (args: readonly string[]) => Promise<WranglerOutcome>
  readonly callDoctor: (
    url: string,
    apiKey: string | undefined,
  ) => Promise<readonly DoctorFinding[]>
  readonly facts: PlanFacts
  /** The configuration, with what the deployment has learned. */
  readonly configOf: (deployment: Deployment) => RawConfig
  readonly address: string
  readonly pushPair: PushPair | undefined
  readonly commit: string | undefined
  readonly screen: Screen
  readonly effects: ServerEffects
}

interface Step {
  readonly title: (context: StepContext) => string
  readonly run: (context: StepContext, deployment: Deployment) => Promise<Deployment>
}

const STEPS: Readonly<Record<StepName, Step>> = {
  keep: {
    title: ({ facts }) => `keep the keys in ${facts.secretsFile}`,
    run: async ({ facts }, deployment) => {
      if (existsSync(facts.secretsFile)) {
        const fault = `${facts.secretsFile} was made meanwhile, by another run`
        throw new DeployStop(1, fault, 'run this again, and it takes those keys')
      }
      writeWhole(facts.secretsFile, `${JSON.stringify(facts.secrets.known, null, 2)}\n`)
      return deployment
    },
  },
  push: { title: () => 'upload the push certificate', run: uploadPush },
  migrate: { title: ({ facts }) => `migrate D1 ${facts.names.database}`, run: migrate },
  free: { title: ({ facts }) => `free the queue ${facts.names.queue}`, run: freeQueue },
  deploy: { title: ({ facts }) => `deploy the Worker ${facts.names.worker}`, run: deployWorker },
  consume: {
    title: ({ facts }) => `let the Worker read from the queue ${facts.names.queue}`,
    run: async ({ wrangler }, deployment) => {
      await wrangler(['triggers', 'deploy'])
      return deployment
    },
  },
  answer: {
    title: ({ address }) => `wait until ${address} answers`,
    run: async ({ address, effects }, deployment) => {
      await awaitAnswer(address, effects)
      return deployment
    },
  },
  authority: {
    title: () => 'make the certificate authority of device identities',
    run: async ({ address, facts, effects }, deployment) => {
      const apiKey = facts.secrets.known['API_KEY'] ?? ''
      await ensureAuthority({ url: address, apiKey }, effects.now())
      return { ...deployment, authority: true }
    },
  },
  doctor: { title: ({ address }) => `check ${address}`, run: examine },
  close: { title: () => 'close the address at workers.dev', run: closeWorkersDev },
}

/** Runs the steps, and writes after each one what is known. @throws whatever a step throws */
export async function runSteps(
  context: StepContext,
  steps: readonly StepName[],
  begun: Deployment,
): Promise<Deployment> {
  const { folder, name, screen, effects } = context
  let deployment = begun
  makeFolder(folder, name)
  writeDeployment(folder, deployment)
  for (const step of steps) {
    const { title, run } = STEPS[step]
    const shown = title(context)
    const from = effects.now()
    screen.tell({ type: 'begin', step, title: shown })
    writeConfig(context, deployment)
    deployment = await run(context, deployment)
    writeDeployment(folder, deployment)
    const seconds = Math.round((effects.now() - from) / 1000)
    screen.tell({ type: 'end', step, title: shown, seconds })
  }
  return deployment
}

function writeConfig({ folder, configOf }: StepContext, deployment: Deployment): void {
  writeWhole(join(folder, CONFIG_FILE), `${JSON.stringify(configOf(deployment), null, 2)}\n`)
}

async function uploadPush(context: StepContext, deployment: Deployment): Promise<Deployment> {
  const { pushPair, wrangler } = context
  if (pushPair === undefined) {
    return deployment
  }
  const certificateId = await uploadPushCertificate({
    folder: context.folder,
    push: pushPair,
    wrangler: async (args) => (await wrangler(args)).stdout,
  })
  return { ...deployment, push: { certificateId, certificate: pushPair.certificate } }
}

/** A consumer whose Worker is gone keeps every other one out. */
async function freeQueue(context: StepContext, deployment: Deployment): Promise<Deployment> {
  const { id, stale } = context.facts.survey.queue ?? { id: '', stale: [] }
  for (const consumer of stale) {
    const path = `/accounts/${context.account}/queues/${id}/consumers/${consumer.id}`
    await context.api.send('DELETE', path)
  }
  return deployment
}

async function deployWorker(context: StepContext, deployment: Deployment): Promise<Deployment> {
  const { facts, wrangler, commit, configOf } = context
  const { printed } = facts
  const upload = facts.secrets.upload
  if (printed) {
    // Before the deploy: a code that the Worker knows is never lost.
    const text = `Setup code, once, for ${context.address}/setup: ${printed.code}`
    context.screen.tell({ type: 'note', text })
  }
  const temporary = mkdtempSync(join(tmpdir(), 'edgemdm-secrets-'))
  const remove = (): void => rmSync(temporary, { recursive: true, force: true })
  process.once('exit', remove)
  try {
    const file = join(temporary, 'secrets.json')
    writeFileSync(file, JSON.stringify(upload), { mode: 0o600 })
    const { entries } = await wrangler([
      'deploy',
      ...(Object.keys(upload).length > 0 ? ['--secrets-file', file] : []),
      // No key of the configuration: a later deploy keeps it, as all vars that it does not name.
      ...(printed ? ['--var', `SETUP_CODE_HASH:${printed.hash}`] : []),
      ...commitArguments(commit),
    ]).catch((error: unknown) => withCronHolders(error, context))
    const versionId = entries.find(({ type }) => type === 'deploy')?.['version_id']
    return {
      ...deployment,
      deployed: {
        digest: facts.code.digest,
        config: configOf(deployment),
        ...(commit === undefined ? {} : { commit }),
        ...(typeof versionId === 'string' ? { versionId } : {}),
      },
    }
  } finally {
    process.off('exit', remove)
    remove()
  }
}

/** What the doctor found stands on the screen. A key, if one is known, opens the checks inside. */
async function examine(context: StepContext, deployment: Deployment): Promise<Deployment> {
  const { address, facts, callDoctor, screen } = context
  const findings = await callDoctor(address, facts.secrets.known['API_KEY'])
  const { notable, failed } = judgeFindings(findings, facts.secrets.waits)
  for (const finding of notable) {
    screen.tell({ type: 'finding', ...finding })
  }
  if (failed > 0) {
    const fault = `the server is deployed, and ${failed} of ${findings.length} checks failed`
    throw new DeployStop(1, fault, 'do what the lines above say, and run this again')
  }
  return deployment
}

/** Cloudflare does not say which Workers hold the cron triggers. */
async function withCronHolders(error: unknown, { api, account }: StepContext): Promise<never> {
  if (!(error instanceof DeployStop) || !error.message.includes('10072')) {
    throw error
  }
  const holders = await findCronHolders(api, account)
  throw new DeployStop(
    error.exit,
    error.message,
    `${error.remedy}. They are held by ${holders.join(', ')}`,
  )
}

/** Wrangler's exit code alone has hidden a failure before: its table has to name every migration. */
async function migrate(context: StepContext, deployment: Deployment): Promise<Deployment> {
  const { facts, wrangler, api, account } = context
  await wrangler(['d1', 'migrations', 'apply', 'DB', '--remote'])
  const at = `/accounts/${account}`
  const id = facts.survey.database?.id ?? (await databaseId(context))
  const applied = await listApplied(api, at, id)
  const missing = facts.migrations.find((name) => !applied.includes(name))
  if (missing !== undefined) {
    throw new DeployStop(1, `the migration ${missing} was not applied`, 'run this again')
  }
  return { ...deployment, database: id }
}

async function databaseId({ api, account, facts }: StepContext): Promise<string> {
  const name = facts.names.database
  const text = await api.read(`/accounts/${account}/d1/database/${name}`)
  if (text === undefined) {
    throw new DeployStop(1, `there is no D1 ${name} after the deploy`, 'run this again')
  }
  const { result }: { result: { uuid: string } } = JSON.parse(text)
  return result.uuid
}

/** By a call of its own: a deploy would restart the objects. */
async function closeWorkersDev(context: StepContext, deployment: Deployment): Promise<Deployment> {
  const { api, account, facts } = context
  const path = `/accounts/${account}/workers/scripts/${facts.names.worker}/subdomain`
  await api.send('POST', path, { enabled: false, previews_enabled: false })
  const { deployed } = deployment
  return deployed === undefined
    ? deployment
    : {
        ...deployment,
        deployed: { ...deployed, config: { ...deployed.config, workers_dev: false } },
      }
}
