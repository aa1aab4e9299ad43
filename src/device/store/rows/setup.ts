/** The rows of the setup of a device (docs/blueprints.md). */
import type { ReleasePolicy } from '../../../blueprints/blueprint.ts'
import type { PlannedStep, SetupPlan } from '../../../blueprints/plan.ts'

/**
 * `waiting`: its turn has not come. `sent`: its command waits for the device's answer. `watched`: the command
 * is done, and what it brings is not there yet. All others are final.
 */
export type StepState = 'waiting' | 'sent' | 'watched' | 'done' | 'skipped' | 'failed' | 'timed_out'

/** A step of a run, without the content of its command. Times are milliseconds; 0 means not yet. */
export interface SetupStep extends Omit<PlannedStep, 'command'> {
  state: StepState
  /** Its command: the number within the channel, and the CommandUUID; absent for a step without a command. */
  entry?: number
  uuid?: string
  startedAt: number
  dueAt: number
  endedAt: number
  /** Why it has not succeeded; empty otherwise. */
  note: string
  /** The question whether its app is there: the CommandUUID of the open one, and when the next is due. */
  probe?: { readonly uuid: string; readonly number: number } | undefined
  probeAt?: number
}

/**
 * `pending`: the blueprints are not read yet. `held`: an admin has to release the device. `releasing`: the
 * device has not answered DeviceConfigured yet. The others are final. `finished`: the device did not wait in
 * Setup Assistant. `none`: no blueprint is for it. `superseded`: the device enrolled again, or left.
 */
export type RunState =
  | 'pending'
  | 'running'
  | 'held'
  | 'releasing'
  | 'released'
  | 'finished'
  | 'none'
  | 'superseded'

export interface SetupRun {
  readonly run: number
  /** The enrolment that it belongs to. */
  readonly epoch: number
  /** Names the commands that the run itself makes; empty until the blueprints are read. */
  uuid: string
  state: RunState
  /** The device waits in Setup Assistant. */
  readonly awaiting: boolean
  /** The device had enrolled here before. */
  readonly again: boolean
  /** Parameters of the URL that it enrolled with. */
  readonly params: Readonly<Record<string, string>>
  /** The address of the server that the device called, without a path. */
  readonly origin: string
  readonly startedAt: number
  deadline: number
  endedAt: number
  blueprints: SetupPlan['blueprints']
  release: ReleasePolicy
  steps: SetupStep[]
  /** The DeviceConfigured that ends it, and when the device was given it. */
  released?: { readonly number: number; readonly uuid: string; readonly givenAt?: number }
}

/** The part of an open run that the device's row has, so that a device without one reads nothing more. */
export interface SetupMark {
  readonly run: number
  readonly epoch: number
  readonly state: RunState
  /** Commands of this source go out although a run is open. */
  readonly lets: string
  /** When the alarm has to look at it (milliseconds); 0 for never. */
  readonly wakeAt: number
}
