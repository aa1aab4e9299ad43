import {
  givenSettings,
  type UpdatePolicy,
  type UpdateSettings,
} from '../../../ddm/updates/policy.ts'
import { faultAt } from '../../request-error.ts'
import type { NewPolicy } from './schema.ts'

/** The policy of a request. @throws RequestError for parts that do not go together */
export function policyOf(name: string, sent: NewPolicy): UpdatePolicy {
  const { platforms, details_url: detailsUrl } = sent
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- JSON has no undefined
  const settings = (sent.settings ?? {}) as UpdateSettings
  const target = targetIn(sent.target)
  const deadline = deadlineIn(sent.deadline, target)
  const given = givenSettings(settings)
  for (const { name: setting, platforms: having } of given) {
    if (!having.some((one) => platforms.includes(one))) {
      throw faultAt(
        `json.settings.${setting}`,
        `works on ${having.join(', ')}, and this policy is for ${platforms.join(', ')}`,
      )
    }
  }
  if (!target && given.length === 0) {
    throw faultAt('json', 'give a target with a deadline, or settings, or both')
  }
  return {
    name,
    platforms,
    rule: ruleIn(sent),
    ...(target && { target }),
    ...(deadline && { deadline }),
    ...(detailsUrl && { detailsUrl }),
    settings,
  }
}

function ruleIn({ rule = {}, set }: NewPolicy): UpdatePolicy['rule'] {
  return {
    ...(rule.os_version && { osVersion: rule.os_version }),
    ...(rule.os_version_from && { osVersionFrom: rule.os_version_from }),
    ...(rule.os_version_below && { osVersionBelow: rule.os_version_below }),
    ...(rule.model && { model: rule.model }),
    ...(rule.serial_number && { serialNumber: rule.serial_number }),
    ...(set && { set }),
  }
}

function targetIn(sent: NewPolicy['target']): UpdatePolicy['target'] {
  if (!sent) {
    return undefined
  }
  const { version, build, newest = false, older_than_days: days, major } = sent
  if (newest === Boolean(version)) {
    throw faultAt('json.target', 'give either `version` or `"newest": true`')
  }
  if (version ? (days ?? major) : build) {
    throw faultAt(
      'json.target',
      '`build` goes with `version`, and `older_than_days` and `major` with `newest`',
    )
  }
  return version
    ? { version, ...(build && { build }) }
    : { newestOlderThanDays: days ?? 0, ...(major && { major }) }
}

function deadlineIn(
  sent: NewPolicy['deadline'],
  target: UpdatePolicy['target'],
): UpdatePolicy['deadline'] {
  if (!target && sent) {
    throw faultAt('json.deadline', 'there is no target: leave the deadline out')
  }
  if (!target) {
    return undefined
  }
  const { local, days_after_release: days, time } = sent ?? {}
  const isDated = typeof local === 'string'
  const isByRelease = typeof days === 'number'
  if (isDated === isByRelease || isByRelease !== (typeof time === 'string')) {
    throw faultAt('json.deadline', 'give either `local`, or `days_after_release` and `time`')
  }
  if (isDated && !('version' in target)) {
    throw faultAt(
      'json.deadline.local',
      'each newest version needs a deadline of its own: give `days_after_release` and `time`',
    )
  }
  return typeof local === 'string' ? { local } : { daysAfterRelease: days ?? 0, time: `${time}:00` }
}
