import type { Schema } from '../../api/types.ts'

type Step = Schema<'EnrollmentStep'>

/** The devices that have enrolled since somebody waits, the newest first. `before`: the steps known then. */
export function arrivalsIn(
  steps: readonly Step[],
  before: ReadonlySet<string>,
): readonly (Step & { readonly device_id: string })[] {
  return steps.flatMap((step) =>
    step.kind === 'enrolled' && step.device_id !== null && !before.has(step.id)
      ? [{ ...step, device_id: step.device_id }]
      : [],
  )
}
