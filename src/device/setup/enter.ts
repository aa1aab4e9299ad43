/** Which enrolment a run of setup belongs to. */
import type { Message } from '../../mdm/message.ts'
import type { Context } from '../store/context.ts'
import { isSetupKept, openSetup } from '../store/setup-runs.ts'
import { noteSetup, supersedeSetup } from './begin.ts'

/** The message that completes an enrolment. */
export interface SetupEntry {
  readonly message: Message
  /** There may be blueprints for the device. */
  readonly setup?: true
  readonly params: Readonly<Record<string, string>>
  readonly url: string
}

/** A run of blueprints begins, or what an earlier enrolment left of one is dropped. */
export function enterSetup(context: Context, { message, setup, params, url }: SetupEntry): void {
  if (setup && message.kind === 'checkin' && message.messageType === 'TokenUpdate') {
    noteSetup(context, {
      awaiting: message.awaitingConfiguration === true,
      params,
      origin: new URL(url).origin,
    })
  } else {
    supersedeSetup(context)
  }
}

/** The enrolment of the open run has lost a contest: no other enrolment gets the commands of its run. */
export function dropLostSetup(context: Context): void {
  const { device } = context.state
  if (device.setup && !openSetup(device) && !isSetupKept(device)) {
    supersedeSetup(context)
  }
}
