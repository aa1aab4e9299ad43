import type { CircuitState } from '../device/push/gate.ts'
import type { ReachEnv } from '../device/reach.ts'
import type { CommandState } from '../mdm/queue.ts'
import type { JobRow, Outcome } from './rows.ts'

export interface WorkEnv extends ReachEnv {
  readonly PUSH: { getByName(name: string): { state(): Promise<CircuitState> } }
}

/** A job in memory, its payload open. */
export interface OpenJob {
  readonly row: JobRow
  readonly payload: Uint8Array
}

/** Work on the targets that a request names. */
export interface ListedKind {
  /**
   * Does one target, or throws when it has to be tried again. A crash repeats the call: what was done must
   * not be done twice.
   */
  attempt(env: WorkEnv, job: OpenJob, id: string): Promise<Outcome>
  /** The state of a command that was queued for a target; `undefined` when its device has forgotten it. */
  answer(env: WorkEnv, commandId: string): Promise<CommandState | undefined>
}

/** Work that finds its devices itself, step by step. */
export interface RoundKind {
  /** Does the next few devices. A crash repeats the step. */
  step(env: WorkEnv, round: Round): Promise<Step>
}

/** A round as its kind sees it. */
export interface Round {
  /** What the last step left, or the start. */
  readonly work: string
  /** Milliseconds. */
  readonly since: number
  /** The settings as they are now: an admin may change them during a step. */
  settings(): RoundSettings
  /** Whether the round was cancelled during this step. */
  isOver(): boolean
}

/** What an admin chose for the rounds of one name. It outlives each round. Times are milliseconds. */
export interface RoundSettings {
  readonly enabled?: boolean
  /** When `enabled` was set. */
  readonly enabledAt?: number
  /** When it was last set to true: a round that stopped before no longer counts. */
  readonly resumedAt?: number
  /** When any of the settings was changed. */
  readonly changedAt?: number
  readonly perHour?: number
  readonly unknownProfiles?: string
}

export interface Step {
  /** Devices of this step, and those of them where it failed. */
  readonly total: number
  readonly failed: number
  readonly work: string
  readonly after:
    | { readonly kind: 'wait'; readonly until: number }
    | { readonly kind: 'finished' }
    | { readonly kind: 'stopped'; readonly reason: string }
}
