/** Decides what a device says to each command: as a script has it, or by itself. */
import type { Platform } from '../../../apple/platform.ts'
import type { PlistDict } from '../../../plist/value.ts'
import type { SimulatedChannel, ChannelOptions } from '../channel.ts'
import { isEnrollmentProfile } from '../enrolment.ts'
import type { DeviceIdentity } from '../identity.ts'
import { HARDWARE } from '../platforms.ts'
import type { ReceivedCommand } from '../session.ts'
import { type AnswerContext, defaultAnswer, errorReport } from './answers.ts'
import { readProfile } from './installed.ts'

/**
 * What a device does with a command. A status takes the documented response with it; a dictionary is a
 * report sent as it is; undefined leaves it to the device.
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

/** How the owner of a device has a say in its answers. */
export interface Reactions {
  readonly answer?: AnswerScript
  /** Told of each command and the report chosen for it, before that is sent. */
  readonly observe?: (
    command: ReceivedCommand,
    report: PlistDict | 'silence',
    channel: SimulatedChannel,
  ) => void
}

export interface ResponderOptions
  extends Reactions, Pick<AnswerContext, 'os' | 'name' | 'udid' | 'serial'> {
  readonly platform: Platform
  /** There under a User Enrollment alone. */
  readonly userEnrollment?: object
  readonly clock?: () => Date
  readonly identity: () => DeviceIdentity
  /** What an enrolment profile does that is pushed to the device. */
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
