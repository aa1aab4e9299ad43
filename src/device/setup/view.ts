import type { Context } from '../store/context.ts'
import type { SetupRun } from '../store/rows/setup.ts'
import { listRuns, openSetup } from '../store/setup-runs.ts'

/** The runs of a device, the newest first. */
export interface SetupView {
  readonly kind: 'runs'
  readonly runs: readonly SetupRun[]
  /** The run that is open, if one is. */
  readonly open: number | undefined
}

export function viewSetup(context: Context): SetupView {
  return {
    kind: 'runs',
    runs: listRuns(context),
    open: openSetup(context.state.device)?.run,
  }
}
