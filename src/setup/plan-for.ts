import type { Blueprint, ReleasePolicy } from '../blueprints/blueprint.ts'
import type { SetupPlan } from '../blueprints/plan.ts'
import { selectFor } from '../blueprints/select.ts'
import { knownBlueprints } from '../directory/blueprints/blueprints.ts'
import { candidateOf, type SetupDevice } from './candidate.ts'
import { planSteps, type SetupSettings } from './steps.ts'

/**
 * What a device goes through now, with the commands ready to be sent; `undefined` if no blueprint is for it.
 * Blueprints may be 30 seconds old. A call makes new passwords for accounts that have generated ones: only
 * the plan that is carried out counts.
 *
 * @throws when D1 does not answer
 */
export async function planFor(
  env: { readonly DB: D1Database },
  config: SetupSettings,
  device: SetupDevice,
): Promise<SetupPlan | undefined> {
  const blueprints = await knownBlueprints(env.DB)
  if (blueprints.length === 0) {
    return undefined
  }
  const { blueprints: considered, steps } = selectFor(
    blueprints,
    await candidateOf(env.DB, device),
    device,
  )
  const chosen = considered
    .filter(({ fault }) => fault === undefined)
    .map(({ blueprint }) => blueprint)
  const planned = steps.filter(({ fault }) => fault === undefined)
  return chosen.length === 0
    ? undefined
    : {
        blueprints: chosen.map(({ uuid, name, version }) => ({ uuid, name, version })),
        ...termsOf(chosen),
        steps: await planSteps(env.DB, config, device, planned),
      }
}

const STRICTEST: readonly ReleasePolicy[] = ['manual', 'if_required_ok', 'always']

/** Of several blueprints the longest time limit and the strictest release count. */
export function termsOf(
  blueprints: readonly Blueprint[],
): Pick<SetupPlan, 'timeLimitMs' | 'release'> {
  return {
    timeLimitMs: Math.max(...blueprints.map((one) => one.time_limit_s)) * 1000,
    release:
      STRICTEST.find((policy) => blueprints.some(({ release }) => release === policy)) ?? 'always',
  }
}
