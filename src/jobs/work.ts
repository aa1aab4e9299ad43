import type { PublishEnv } from '../live/publish.ts'
import type { DepStub } from '../dep-account/import.ts'
import type { CircuitState } from '../device/push/gate.ts'
import type { ReachEnv } from '../device/reach.ts'
import type { CommandState } from '../mdm/queue.ts'
import type { JobFacts, JobRow, Outcome } from './rows.ts'

export interface WorkEnv extends ReachEnv, PublishEnv {
  readonly DEP: { getByName(name: string): Pick<DepStub, 'install' | 'status'> }
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
   * Does one target. Throws if it has to be tried again. After a crash the call is repeated, so a second call
   * must change nothing.
   */
  attempt(env: WorkEnv, job: OpenJob, id: string): Promise<Outcome>
  /** The state of a command that was queued for a target; `undefined` when its device no longer has it. */
  answer(env: WorkEnv, commandId: string): Promise<CommandState | undefined>
}

/** A round may begin another one. */
export interface RoundEnv extends WorkEnv {
  readonly JOB: {
    getByName(name: string): {
      start(round: Pick<JobFacts, 'name' | 'kind' | 'work'>): Promise<void>
      cancel(): Promise<unknown>
    }
  }
}

/** Work that finds its devices itself, step by step. */
export interface RoundKind {
  /** Does the next few devices. A crash repeats the step. */
  step(env: RoundEnv, round: Round): Promise<Step>
}

/** A round as its kind sees it. */
export interface Round {
  /** The place where the last step ended, or the start. */
  readonly work: string
  /** Milliseconds. */
  readonly since: number
  /** The settings as they are now: an admin may change them during a step. */
  settings(): RoundSettings
  /** Whether the round was cancelled during this step. */
  isOver(): boolean
}

/** The settings for the rounds of one name. They outlive each round. Times are milliseconds. */
export interface RoundSettings {
  readonly enabled?: boolean
  /** When `enabled` was set. */
  readonly enabledAt?: number
  /** When renewals were last enabled: a stopped round from before no longer counts. */
  readonly resumedAt?: number
  /** When any of the settings was changed. */
  readonly changedAt?: number
  readonly perHour?: number
  readonly unknownProfiles?: string
}

/** The key of a round's settings in the storage of its object. */
export const ROUND_SETTINGS = 'settings'

export function settingsIn(kv: SyncKvStorage): RoundSettings {
  return kv.get<RoundSettings>(ROUND_SETTINGS) ?? {}
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
