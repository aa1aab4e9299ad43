/** Decides a device's answer to each command: a script's answer, or the device's own. */
import type { Platform } from '../../../apple/platform.ts'
import type { PlistDict } from '../../../plist/value.ts'
import type { SimulatedChannel, ChannelOptions } from '../channel.ts'
import { isEnrollmentProfile } from '../enrolment.ts'
import type { SimulatedIdentity } from '../identity.ts'
import { HARDWARE } from '../platforms.ts'
import type { ReceivedCommand } from '../session.ts'
import { type AnswerContext, defaultAnswer, errorReport } from './answers.ts'
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
}

export interface ResponderOptions
  extends Reactions, Pick<AnswerContext, 'os' | 'name' | 'udid' | 'serial'> {
  readonly platform: Platform
  /** Only under a User Enrollment. */
  readonly userEnrollment?: object
  readonly clock?: () => Date
  readonly identity: () => SimulatedIdentity
  /** Handles an enrolment profile that is pushed to the device. */
  readonly renew: (pushed: PlistDict) => Promise<PlistDict>
}

export function responder(options: ResponderOptions): ChannelOptions['respond'] {
  const { platform, userEnrollment, os, name, udid, serial, clock = () => new Date() } = options

  function context(channel: SimulatedChannel): AnswerContext {
    const { scope, token, installed } = channel
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
      now: clock(),
    }
  }

  async function report(
    received: ReceivedCommand,
    channel: SimulatedChannel,
    obey: boolean,
  ): Promise<PlistDict> {
    const pushed =
      received.requestType === 'InstallProfile' && channel.scope === 'device'
        ? readProfile(received.command['Payload'])
        : undefined
    return pushed && isEnrollmentProfile(pushed)
      ? options.renew(pushed)
      : byDefault(received, context(channel), obey)
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
