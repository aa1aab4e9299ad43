/** What one device is to go through: the steps of its blueprints, with the commands that they send. */
import type { ReleasePolicy } from './blueprint.ts'

export interface SetupPlan {
  readonly blueprints: readonly {
    readonly uuid: string
    readonly name: string
    readonly version: number
  }[]
  readonly timeLimitMs: number
  readonly release: ReleasePolicy
  /** Without the release, which is always last. */
  readonly steps: readonly PlannedStep[]
}

/** What has to be true before the next step begins. */
export type StepWait =
  /** The device has answered the command. */
  | { readonly kind: 'ack' }
  /** The device lists the app. */
  | { readonly kind: 'installed'; readonly identifier: string }
  /** The device reports the declarations as active and valid; all that it is offered, where none is named. */
  | { readonly kind: 'valid'; readonly of: readonly string[] }
  /** An admin signals. */
  | { readonly kind: 'signal' }

export interface PlannedStep {
  /** `profile`, `package` and so on, and what it is about: an identifier, a URL, a request type. */
  readonly kind: string
  readonly subject: string
  readonly required: boolean
  readonly timeoutMs: number
  readonly wait: StepWait
  /** Absent for `hold` and `declarations`. */
  readonly command?: StepCommand
  /** It makes sense only while the device waits in Setup Assistant. */
  readonly awaitingOnly?: true
  /** SHA-256 of the profile that it installs, in hexadecimal. */
  readonly fingerprint?: string
  /** It is skipped if the device's run before this one did a step with the same fingerprint. */
  readonly onlyIfChanged?: true
  /** It cannot run; the text says why. */
  readonly fault?: string
}

export interface StepCommand {
  readonly uuid: string
  readonly requestType: string
  readonly payload: Uint8Array
  readonly secret: boolean
  /** Of an account whose password is generated: it is kept in escrow for admins. */
  readonly password?: string
}
