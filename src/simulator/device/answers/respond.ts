/** Decides a device's answer to each command: a script's answer, or the device's own. */
import type { Platform } from '../../../apple/platform.ts'
import type { Reported } from '../../../ddm/states.ts'
import { textAt } from '../../../plist/dict.ts'
import type { PlistDict } from '../../../plist/value.ts'
import type { SimulatedChannel, ChannelOptions } from '../channel.ts'
import { isEnrollmentProfile } from '../enrolment.ts'
import type { SimulatedIdentity } from '../identity.ts'
import type { OperatingSystem } from '../os.ts'
import { HARDWARE } from '../platforms.ts'
import type { ReceivedCommand } from '../session.ts'
import { defaultAnswer } from './answers.ts'
import { type AnswerContext, errorReport } from './context.ts'
import { readProfile } from './installed.ts'

/**
 * An answer to a command. A status gets the documented response with it; a dictionary is a report that is
 * sent unchanged; undefined leaves the answer to the device.
 */
export type Answer =
  | 'Acknowledged'
  | 'Error'
  | 'NotNow'
  | 'CommandFormatError'
  | 'silence'
  | PlistDict
  | undefined

export type AnswerScript = (
  command: ReceivedCommand,
  channel: SimulatedChannel,
) => Answer | Promise<Answer>

/** How a test or a program changes a device's answers. */
export interface Reactions {
  readonly answer?: AnswerScript
  /** Called with each command and its report, before the report is sent. */
  readonly observe?: (
    command: ReceivedCommand,
    report: PlistDict | 'silence',
    channel: SimulatedChannel,
  ) => void
  /** Called when a channel has applied its declarations, before it reports them. */
  readonly applied?: (states: readonly Reported[], channel: SimulatedChannel) => void
}

export interface ResponderOptions
  extends Reactions, Pick<AnswerContext, 'name' | 'udid' | 'serial' | 'setup'> {
  readonly platform: Platform
  readonly os: () => OperatingSystem
  /** Only under a User Enrollment. */
  readonly userEnrollment?: object
  readonly clock?: () => Date
  readonly identity: () => SimulatedIdentity
  /** Handles an enrolment profile that is pushed to the device. */
  readonly renew: (pushed: PlistDict) => Promise<PlistDict>
  /** Ends declarative management on all channels, as a wipe does. */
  readonly wipe: () => void
}

export function responder(options: ResponderOptions): ChannelOptions['respond'] {
  const { platform, userEnrollment, name, udid, serial, setup } = options
  const { clock = () => new Date() } = options

  function context(channel: SimulatedChannel): AnswerContext {
    const { scope, token, installed } = channel
    const os = options.os()
    return {
      where: {
        platform,
        osVersion: os.version,
        scope,
        userEnrollment: userEnrollment !== undefined,
      },
      hardware: HARDWARE[platform],
      os,
      name,
      udid,
      serial,
      token,
      identity: options.identity(),
      installed,
      setup,
      now: clock(),
    }
  }

  async function report(
    received: ReceivedCommand,
    channel: SimulatedChannel,
    obey: boolean,
  ): Promise<PlistDict> {
    const { requestType, command } = received
    const pushed = requestType === 'InstallProfile' ? readProfile(command['Payload']) : undefined
    if (pushed && channel.scope === 'device' && isEnrollmentProfile(pushed)) {
      return options.renew(pushed)
    }
    const profile = pushed ? textAt(pushed, 'PayloadIdentifier') : textAt(command, 'Identifier')
    if (isOfProfile(requestType) && channel.installed.declared.has(profile)) {
      return errorReport('MCInstallationErrorDomain', 4001, 'A declaration manages the profile.')
    }
    const answer = byDefault(received, context(channel), obey)
    return answer['Status'] === 'Acknowledged'
      ? afterwards(received, channel, answer, options.wipe)
      : answer
  }

  return async (received, channel) => {
    const answer = await options.answer?.(received, channel)
    const chosen = isScripted(answer)
      ? scripted(answer)
      : await report(received, channel, answer === 'Acknowledged')
    const full = chosen === 'silence' ? chosen : { CommandUUID: received.uuid, ...chosen }
    options.observe?.(received, full, channel)
    return full
  }
}

/** What two commands do beside their answer. */
function afterwards(
  { requestType, command }: ReceivedCommand,
  { declarative }: SimulatedChannel,
  answer: PlistDict,
  wipe: () => void,
): PlistDict {
  if (requestType === 'EraseDevice') {
    wipe()
  }
  const data = command['Data']
  return requestType === 'DeclarativeManagement'
    ? { ...answer, ...declarative.takeOver(data instanceof Uint8Array ? data : undefined) }
    : answer
}

function isOfProfile(requestType: string): boolean {
  return requestType === 'InstallProfile' || requestType === 'RemoveProfile'
}

type ScriptedAnswer = Exclude<Answer, 'Acknowledged' | undefined>

function isScripted(answer: Answer): answer is ScriptedAnswer {
  return answer !== undefined && answer !== 'Acknowledged'
}

function scripted(answer: ScriptedAnswer): PlistDict | 'silence' {
  switch (answer) {
    case 'Error':
      return errorReport('MCMDMErrorDomain', 12000, 'The command failed.')
    case 'NotNow':
    case 'CommandFormatError':
      return { Status: answer }
    default:
      return answer
  }
}

function byDefault(received: ReceivedCommand, context: AnswerContext, obey: boolean): PlistDict {
  const report = defaultAnswer(received.requestType, received.command, context)
  return obey && report['Status'] !== 'Acknowledged' ? { Status: 'Acknowledged' } : report
}
