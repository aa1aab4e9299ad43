import type { ReachEnv } from '../device/reach.ts'
import type { CommandState } from '../mdm/queue.ts'
import type { JobRow, Outcome } from './rows.ts'

export type WorkEnv = ReachEnv

/** A job in memory, its payload open. */
export interface OpenJob {
  readonly row: JobRow
  readonly payload: Uint8Array
}

/** Work on the targets that a request names. */
export interface ListedKind {
  /**
   * Does one target, or throws when it has to be tried again. A crash repeats the call: it must not do twice what was
   * done.
   */
  attempt(env: WorkEnv, job: OpenJob, id: string): Promise<Outcome>
  /** The state of a command that was queued for a target; `undefined` when its device has forgotten it. */
  answer(env: WorkEnv, commandId: string): Promise<CommandState | undefined>
}
