import type { z } from '../zod.ts'
import { deviceProgress, UPDATE_WAYS } from '../../../ddm/updates/device.ts'
import { momentsOf } from '../../../ddm/updates/choose.ts'
import { policyDeclarations, type UpdatePolicy } from '../../../ddm/updates/policy.ts'
import { UPDATE_STATES } from '../../../ddm/updates/progress.ts'
import { countUpdateDevices } from '../../../directory/updates/fleet.ts'
import { findPolicy, type StoredPolicy } from '../../../directory/updates/policies.ts'
import { RequestError } from '../../request-error.ts'
import { iso } from '../values.ts'
import { NOTHING, type policyDetailSchema, type policySchema } from './schema.ts'

/** @throws RequestError if there is none of that name */
export async function policyNamed(d1: D1Database, name: string): Promise<StoredPolicy> {
  const found = await findPolicy(d1, name)
  if (!found) {
    throw new RequestError(
      `there is no update policy ${name}: GET /api/software-updates lists them`,
      'software_update_not_found',
    )
  }
  return found
}

/** The same, if it has a target. @throws RequestError */
export async function policyWithTarget(d1: D1Database, name: string): Promise<StoredPolicy> {
  const found = await policyNamed(d1, name)
  if (!found.policy.target) {
    throw new RequestError(
      `${name} has settings and no target: the states of its declarations are in ` +
        'GET /api/declarations/{id}/states',
      'conflict',
    )
  }
  return found
}

export function policyJson({
  policy,
  targets,
  changedAt,
}: StoredPolicy): z.input<typeof policySchema> {
  const { name, platforms, rule, target, deadline, detailsUrl, settings } = policy
  return {
    id: name,
    platforms: [...platforms],
    rule: {
      os_version: rule.osVersion ?? null,
      os_version_from: rule.osVersionFrom ?? null,
      os_version_below: rule.osVersionBelow ?? null,
      model: rule.model?.slice() ?? null,
      serial_number: rule.serialNumber?.slice() ?? null,
    },
    set: rule.set ?? null,
    target: target ? targetJson(target) : null,
    deadline: deadline ? deadlineJson(deadline) : null,
    details_url: detailsUrl ?? null,
    settings: { ...NOTHING.settings, ...settings },
    chosen: platforms.flatMap((platform) => {
      const chosen = targets[platform]
      if (!chosen) {
        return []
      }
      const { first, last } = momentsOf(chosen.deadline)
      return {
        platform,
        version: chosen.version,
        build: chosen.build ?? null,
        deadline: chosen.deadline,
        first_at: iso(first),
        last_at: iso(last),
        chosen_at: iso(chosen.since),
        withdrawn: chosen.withdrawn ?? null,
      }
    }),
    declarations: platforms.flatMap((platform) =>
      policyDeclarations(policy, platform, targets[platform]).map(({ identifier }) => identifier),
    ),
    changed_at: iso(changedAt),
  }
}

function targetJson(target: NonNullable<UpdatePolicy['target']>) {
  return 'version' in target
    ? { ...NOTHING.target, version: target.version, build: target.build ?? null }
    : {
        ...NOTHING.target,
        newest: true,
        older_than_days: target.newestOlderThanDays || null,
        major: target.major ?? null,
      }
}

function deadlineJson(deadline: NonNullable<UpdatePolicy['deadline']>) {
  return 'local' in deadline
    ? { ...NOTHING.deadline, local: deadline.local }
    : {
        ...NOTHING.deadline,
        days_after_release: deadline.daysAfterRelease,
        time: deadline.time.slice(0, 5),
      }
}

/** A policy with the progress of all its devices. */
export async function policyDetail(
  d1: D1Database,
  stored: StoredPolicy,
  now: number,
): Promise<z.input<typeof policyDetailSchema>> {
  const json = policyJson(stored)
  return {
    ...json,
    warnings: json.chosen
      .filter(({ last_at: last, withdrawn }) => Date.parse(last) < now && withdrawn === null)
      .map(
        ({ platform, version }) =>
          `the deadline of ${platform} ${version} has passed everywhere: devices that hear of it now ` +
          'install it at once',
      ),
    progress: stored.policy.target ? await progressJson(d1, stored, now) : null,
  }
}

const MOST_REASONS = 20

async function progressJson(d1: D1Database, { policy, targets }: StoredPolicy, now: number) {
  const ways: Record<string, number> = zeros(UPDATE_WAYS)
  const states: Record<string, number> = zeros(UPDATE_STATES)
  const reasons = new Map<
    string,
    { state: (typeof UPDATE_STATES)[number]; reason: string; count: number }
  >()
  let devices = 0
  let overdue = 0
  for (const group of await countUpdateDevices(d1, policy, now)) {
    const found = deviceProgress(policy, targets, group, now)
    if (!found) {
      continue
    }
    const { way, state, reason } = found
    devices += group.count
    overdue += found.overdue ? group.count : 0
    ways[way] = (ways[way] ?? 0) + group.count
    states[state] = (states[state] ?? 0) + group.count
    if (reason !== '') {
      const key = `${state} ${reason}`
      reasons.set(key, { state, reason, count: (reasons.get(key)?.count ?? 0) + group.count })
    }
  }
  const listed = [...reasons.values()].toSorted((one, other) => other.count - one.count)
  return { devices, ways, states, overdue, reasons: listed.slice(0, MOST_REASONS) }
}

function zeros(words: readonly string[]): Record<string, number> {
  return Object.fromEntries(words.map((word) => [word, 0]))
}
