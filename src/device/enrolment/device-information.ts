import { NO_FACTS, shown, shownSerial, type DeviceFacts, type Report } from '../../mdm/message.ts'
import { isDict, textAt } from '../../plist/dict.ts'
import { tryToRead } from '../../plist/error.ts'
import { readPlistTop } from '../../plist/read.ts'
import type { PlistDict } from '../../plist/value.ts'
import { applyReport, type ReportEffect } from '../queue/report.ts'
import { noteChange } from '../standing/directory-row.ts'
import type { Channel } from '../store/channel-row.ts'
import type { Context } from '../store/context.ts'
import { noteBypassCode } from '../store/escrow/bypass-code.ts'

const TOP_KEYS: ReadonlySet<string> = new Set(['QueryResponses'])

/** Applies a report to its channel's queue, and stores what it says about the device. */
export function takeReport(
  context: Context,
  channel: Channel,
  report: Report,
  result: Uint8Array,
): ReportEffect {
  const effect = applyReport(context, channel, report, result)
  const acknowledged = effect.kind === 'answered' && channel.id === 0 && effect.acknowledged
  if (acknowledged === 'DeviceInformation') {
    storeFacts(context, result)
  } else if (acknowledged) {
    noteBypassCode(context, acknowledged, result)
  }
  return effect
}

/**
 * Stores the facts that an acknowledged DeviceInformation reports about a device, such as its OS version: in
 * check-ins, only Authenticate has them. A known serial number stays, because it identifies the device in
 * lists.
 */
export function storeFacts(context: Context, result: Uint8Array): void {
  const { device } = context.state
  const answers = answersIn(result)
  const reported = factsIn(answers)
  const supervised = supervisedIn(answers) ?? device.installed.supervised
  const facts: DeviceFacts = {
    ...device.facts,
    ...reported,
    SerialNumber: device.facts.SerialNumber || (reported.SerialNumber ?? ''),
  }
  const isSame = JSON.stringify(facts) === JSON.stringify(device.facts)
  if (isSame && supervised === device.installed.supervised) {
    return
  }
  if (facts.SerialNumber !== device.facts.SerialNumber) {
    device.claimedAt = context.now
  }
  device.facts = facts
  device.installed.supervised = supervised
  noteChange(context)
}

function answersIn(result: Uint8Array): PlistDict {
  // The report's structure was checked before. A malformed value in it is no reason to refuse the report.
  const responses = tryToRead(() => readPlistTop(result, TOP_KEYS, 'device'))?.['QueryResponses']
  return isDict(responses) ? responses : {}
}

function supervisedIn({ IsSupervised }: PlistDict): boolean | undefined {
  return typeof IsSupervised === 'boolean' ? IsSupervised : undefined
}

function factsIn(answers: PlistDict): { -readonly [Key in keyof DeviceFacts]?: string } {
  const facts: Record<string, string> = {}
  for (const name of Object.keys(NO_FACTS)) {
    const value = textAt(answers, name)
    const fact = name === 'SerialNumber' ? shownSerial(value) : shown(value)
    if (fact) {
      facts[name] = fact
    }
  }
  return facts
}
