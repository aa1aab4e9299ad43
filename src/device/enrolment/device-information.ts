import { NO_FACTS, shown, shownSerial, type DeviceFacts } from '../../mdm/message.ts'
import type { CommandState } from '../../mdm/queue.ts'
import { isDict, textAt } from '../../plist/dict.ts'
import { PlistError } from '../../plist/error.ts'
import { readPlistTop } from '../../plist/read.ts'
import type { Context } from '../store/context.ts'
import { changed } from '../standing/directory-row.ts'
import type { Channel } from '../store/state.ts'

const TOP_KEYS: ReadonlySet<string> = new Set(['QueryResponses'])

/**
 * What DeviceInformation tells anew goes into the lists: a device says its OS version at enrolment only. A serial
 * number is learnt once, because it is what a device's place in the lists hangs on.
 */
export function learnFacts(
  context: Context,
  channel: Channel,
  answer: {
    readonly state: CommandState
    readonly requestType: string
    readonly result: Uint8Array
  },
): void {
  const { device } = context.state
  if (
    answer.requestType !== 'DeviceInformation' ||
    answer.state !== 'acknowledged' ||
    channel.id !== 0
  ) {
    return
  }
  const told = toldFacts(answer.result)
  const facts: DeviceFacts = {
    ...device.facts,
    ...told,
    SerialNumber: device.facts.SerialNumber || (told.SerialNumber ?? ''),
  }
  if (JSON.stringify(facts) === JSON.stringify(device.facts)) {
    return
  }
  if (facts.SerialNumber !== device.facts.SerialNumber) {
    device.claimedAt = context.now
  }
  device.facts = facts
  changed(context)
}

function toldFacts(result: Uint8Array): { -readonly [Key in keyof DeviceFacts]?: string } {
  const told: Record<string, string> = {}
  try {
    const { QueryResponses: responses } = readPlistTop(result, TOP_KEYS, 'device')
    const answers = isDict(responses) ? responses : {}
    for (const name of Object.keys(NO_FACTS)) {
      const value = textAt(answers, name)
      const fact = name === 'SerialNumber' ? shownSerial(value) : shown(value)
      if (fact) {
        told[name] = fact
      }
    }
  } catch (error) {
    // Its structure was read when it came; that a value in it is none is no reason to refuse the report.
    if (!(error instanceof PlistError)) {
      throw error
    }
  }
  return told
}
