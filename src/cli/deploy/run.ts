import { join } from 'node:path'
import type { Environment } from '../settings.ts'
import { deployLine, type DeployOrder } from './arguments.ts'
import { requireWrangler } from './cloudflare/wrangler.ts'
import { DeployStop, type ExitCode, stopOf } from './failures.ts'
import { finishDeploy } from './finish.ts'
import { CONFIG_FILE } from './folder.ts'
import { publicAddress } from './plan/facts.ts'
import { CALM, type DeployPlan, doesChange, planDeploy } from './plan/plan.ts'
import { type DeployEffects, type Prepared, prepare } from './prepare.ts'
import type { DeployEvent, Screen } from './screen.ts'
import { runSteps } from './steps.ts'

/** Goes the whole way, and tells the screen how it ends. @returns the exit code. @throws faults of ours */
export async function runDeploy(order: DeployOrder, effects: DeployEffects): Promise<0 | ExitCode> {
  let step = 'prepare'
  const tell = (event: DeployEvent): void => {
    step = event.type === 'begin' ? event.step : step
    effects.screen.tell(event)
  }
  try {
    await deploy(order, { ...effects, screen: { ...effects.screen, tell } })
    return 0
  } catch (error) {
    const stop = stopOf(error)
    if (!stop) {
      throw error
    }
    const { message: fault, remedy, exit } = stop
    tell({ type: 'failed', step, fault, remedy, exit })
    return exit
  }
}

const UNSEEN = 'Without a login, what the account has already is shown as new.'

async function deploy(order: DeployOrder, effects: DeployEffects): Promise<void> {
  const { screen, now } = effects
  const prepared = await prepare(order, effects)
  const { facts, name, cloud, deployment } = prepared
  const address = cloud ? publicAddress(facts) : undefined
  const plan = planDeploy(facts, address ?? 'the account’s own at workers.dev')
  const remarks = [...(cloud ? [] : [UNSEEN]), ...plan.remarks]
  const account = cloud ? cloud.account.name : 'not known without `npx wrangler login`'
  screen.tell({ type: 'plan', deployment: name, account, ...plan, remarks })
  if (order.dryRun) {
    const line = deployLine(order, name, deployment.host)
    screen.show(`Nothing is changed.${doesChange(plan) ? ` \`${line}\` does this.` : ''}`)
    return
  }
  if (!cloud || address === undefined) {
    throw new DeployStop(2, 'there is no login at Cloudflare', 'run `npx wrangler login`')
  }
  const changed = doesChange(plan)
  if (changed) {
    await confirm(order, prepared, plan, screen, now())
  }
  const wranglerEnv = childEnvironment(order.ci, effects.env, cloud.account.id)
  const done = await runSteps(
    {
      ...prepared,
      ...cloud,
      account: cloud.account.id,
      address,
      pushPair: prepared.push.pair,
      screen,
      effects,
      callDoctor: (url, apiKey) => effects.callDoctor({ url, apiKey, env: effects.env }),
      wrangler: (args) =>
        requireWrangler(effects.callWrangler, {
          projectDir: effects.projectDir,
          env: wranglerEnv,
          args: [...args, '-c', join(prepared.folder, CONFIG_FILE)],
        }),
    },
    plan.steps,
    deployment,
  )
  await finishDeploy({ order, prepared, done, address, changed, effects })
}

/** Wrangler remembers the account of another deployment, and takes a name from the environment. */
function childEnvironment(ci: boolean, env: Environment, account: string): Environment {
  const { WRANGLER_CI_OVERRIDE_NAME: renamed, ...others } = env
  return {
    ...others,
    ...(ci && renamed !== undefined ? { WRANGLER_CI_OVERRIDE_NAME: renamed } : {}),
    CLOUDFLARE_ACCOUNT_ID: account,
  }
}

async function confirm(
  order: DeployOrder,
  { facts }: Prepared,
  { steps }: DeployPlan,
  { ask }: Screen,
  now: number,
): Promise<void> {
  const age = now - (facts.survey.worker?.deployedAt ?? 0)
  const isHasty = age < CALM && steps.includes('deploy') && facts.deployment.deployed !== undefined
  if (isHasty && !order.again) {
    const fault = `the last deploy is ${Math.round(age / 1000)} s old, and each one restarts all objects`
    if (!ask) {
      throw new DeployStop(2, fault, 'wait until it is five minutes old, or add --again')
    }
    await agree(ask, `${fault}. Deploy again?`, false)
  }
  if (order.yes) {
    return
  }
  if (!ask) {
    throw new DeployStop(2, 'the plan needs a yes, and there is no terminal to ask at', 'add --yes')
  }
  await agree(ask, 'Continue?', true)
}

async function agree(
  ask: (question: string) => Promise<string>,
  question: string,
  byDefault: boolean,
): Promise<void> {
  const answer = (await ask(`${question} ${byDefault ? '[Y/n]' : '[y/N]'} `)).toLowerCase()
  if (!(answer === '' ? byDefault : answer.startsWith('y'))) {
    throw new DeployStop(2, 'not confirmed: nothing is changed', 'run this again when you want it')
  }
}
