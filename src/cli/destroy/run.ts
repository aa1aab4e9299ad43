import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { folderOfDeployment } from '../deploy/arguments.ts'
import {
  type AccountEffects,
  openCloudflare,
  refuseWithoutToken,
} from '../deploy/cloudflare/account.ts'
import { readRawConfig, requireWrangler } from '../deploy/cloudflare/wrangler.ts'
import { deployNames } from '../deploy/config.ts'
import { DeployStop, type ExitCode, stopOf } from '../deploy/failures.ts'
import { type Deployment, readDeployment, writeDeployment } from '../deploy/folder.ts'
import { migrationsIn } from '../deploy/inputs/code.ts'
import type { Screen } from '../deploy/screen.ts'
import { listDeployments } from '../state.ts'
import type { DestroyOrder } from './arguments.ts'
import { type Doomed, findDoomed } from './found.ts'

/** Goes the whole way, and shows how it ends. @returns the exit code. @throws faults of ours */
export async function runDestroy(
  order: DestroyOrder,
  effects: AccountEffects,
): Promise<0 | ExitCode> {
  try {
    await destroy(order, effects)
    return 0
  } catch (error) {
    const stop = stopOf(error)
    if (!stop) {
      throw error
    }
    const { message: fault, remedy, exit } = stop
    effects.screen.tell({ type: 'failed', step: 'destroy', fault, remedy, exit })
    return exit
  }
}

async function destroy(order: DestroyOrder, effects: AccountEffects): Promise<void> {
  const { projectDir, screen, env, callWrangler } = effects
  const { name, withData, account } = order
  const committed = await readRawConfig(join(projectDir, 'wrangler.toml'))
  const folder = folderOfDeployment(order.stateDir, name)
  const kept = readDeployment(folder)
  screen.tell({ type: 'look', at: 'the Cloudflare account' })
  const cloud = await openCloudflare({ account, ci: false, dryRun: false }, kept, effects)
  if (!cloud) {
    return refuseWithoutToken()
  }
  const directory = committed.d1_databases?.[0]?.migrations_dir ?? 'migrations'
  const doomed = await findDoomed(cloud, {
    names: deployNames(committed, name),
    withData,
    knownDatabase: kept.database,
    migrations: migrationsIn(join(projectDir, directory)),
  })
  refuseUnknown(order, cloud.account.name, doomed)
  showDoomed(name, cloud.account.name, doomed, screen)
  if (doomed.removals.length > 0) {
    await requireName(order, screen)
  }
  for (const { title, command } of doomed.removals) {
    screen.tell({ type: 'begin', step: 'destroy', title: `removing ${title}` })
    const place = { projectDir, env: { ...env, CLOUDFLARE_ACCOUNT_ID: cloud.account.id } }
    await requireWrangler(callWrangler, { ...place, args: command })
    screen.tell({ type: 'end', step: 'destroy', title: `removed ${title}`, seconds: 0 })
  }
  if (existsSync(folder)) {
    writeDeployment(folder, forgotten(kept, withData))
    screen.show(`${folder} stays, with the keys${withData ? '' : ' that open the D1'}.`)
  }
}

/** A name that neither the account nor this machine has is a typing error. @throws DeployStop */
export function refuseUnknown(
  { name, stateDir }: Pick<DestroyOrder, 'name' | 'stateDir'>,
  account: string,
  { removals, remarks }: Doomed,
): void {
  const known = listDeployments(stateDir)
  if (removals.length + remarks.length === 0 && !known.includes(name)) {
    throw new DeployStop(
      2,
      `there is nothing of ${name} in the account ${account}, and no such deployment on this machine`,
      known.length > 0
        ? `this machine knows ${known.join(', ')}: name one with --name`
        : `check --name and --account. ${join(stateDir, 'deployments')} has no deployments`,
    )
  }
}

function showDoomed(
  name: string,
  account: string,
  { removals, remarks }: Doomed,
  { show }: Screen,
): void {
  if (removals.length === 0) {
    show(`There is nothing to remove of ${name} in the account ${account}.`)
  } else {
    show(`This will remove, in the account ${account}:`)
  }
  for (const text of [...removals.map(({ title }) => title), ...remarks]) {
    show(`  ${text}`)
  }
}

/** A yes is typed too easily. */
async function requireName({ name, yes }: DestroyOrder, { ask }: Screen): Promise<void> {
  if (yes === undefined && !ask) {
    const fault = 'the name has to be typed, and there is no terminal to ask at'
    throw new DeployStop(2, fault, `add --yes ${name}`)
  }
  const typed = yes ?? (await ask?.(`Type the name ${name} to remove all of this: `))
  if (typed !== name) {
    throw new DeployStop(2, 'that is another name: nothing is removed', 'run this again')
  }
}

/** What a later deploy may still believe. */
function forgotten(kept: Deployment, withData: boolean): Deployment {
  const gone = new Set(['deployed', ...(withData ? ['database', 'authority'] : [])])
  return Object.fromEntries(Object.entries(kept).filter(([key]) => !gone.has(key)))
}
