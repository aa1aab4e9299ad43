import type { GivenBlueprint } from '../../../blueprints/check.ts'
import { requestTypeOf } from '../../../blueprints/steps.ts'
import { listBlueprints } from '../../../directory/blueprints/blueprints.ts'
import { scopeOfCommand } from '../../../keys/scopes.ts'
import { requireScope } from '../../access/require-scope.ts'
import type { AppContext } from '../../app-env.ts'

type Steps = Pick<GivenBlueprint, 'steps'>

/** A blueprint sends commands in the name of its author. @throws RequestError if its key may not send one */
export function permitSteps(c: AppContext, { steps }: Steps): void {
  const isLosing = steps.some(
    (step) =>
      'command' in step && scopeOfCommand(requestTypeOf(Object(step.command))) === 'destructive',
  )
  if (isLosing) {
    requireScope(c, 'destructive')
  }
}

/** Lets steps be done again, whichever blueprints the device has. @throws RequestError */
export async function permitRepetition(c: AppContext): Promise<void> {
  for (const { blueprint } of await listBlueprints(c.env.DB)) {
    permitSteps(c, blueprint)
  }
}
