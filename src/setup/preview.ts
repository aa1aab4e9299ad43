import {
  selectFor,
  type ConsideredStep,
  type SetupCandidate,
  type SetupOccasion,
  type SetupSelection,
} from '../blueprints/select.ts'
import { listBlueprints } from '../directory/blueprints/blueprints.ts'
import { namesIn } from './put-blueprint.ts'

/** The blueprints and steps that a device would get now, and why not the others. Nothing is made for it. */
export async function previewSetup(
  d1: D1Database,
  device: SetupCandidate,
  occasion: SetupOccasion,
): Promise<SetupSelection> {
  const blueprints = (await listBlueprints(d1)).map(({ blueprint }) => blueprint)
  const { blueprints: considered, steps } = selectFor(blueprints, device, occasion)
  const { profiles, users } = await namesIn(d1, { steps: steps.map(({ step }) => step) })
  return {
    blueprints: considered,
    steps: steps.map((one) => ({ ...one, fault: one.fault ?? missingName(one) })),
  }

  function missingName({ step }: ConsideredStep): string | undefined {
    if (step.do === 'profile' && !profiles.has(step.id)) {
      return `no profile is stored under the id ${step.id} any more`
    }
    return step.do === 'account' && step.admin !== undefined && !users.has(step.admin)
      ? `no setup user has the id ${step.admin} any more`
      : undefined
  }
}
