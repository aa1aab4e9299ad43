import { chooseTarget } from '../ddm/updates/choose.ts'
import type { ChosenTargets, UpdatePolicy } from '../ddm/updates/policy.ts'
import type { OsRelease } from '../ddm/updates/version.ts'
import { findPolicy, storePolicy, type StoredPolicy } from '../directory/updates/policies.ts'
import { beginOffers, type OffersEnv } from '../jobs/declarations/begin.ts'
import { platformsOf, writePolicy } from './write.ts'

export type PolicyPut =
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'created' | 'changed'; readonly stored: StoredPolicy }

export interface UpdatesEnv extends OffersEnv {
  readonly DB: D1Database
}

export type TargetsChoice =
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'chosen'; readonly targets: ChosenTargets }

/** What the devices of each platform are to install now. @param now milliseconds */
export function chooseTargets(
  policy: UpdatePolicy,
  before: StoredPolicy | undefined,
  releases: readonly OsRelease[],
  now: number,
): TargetsChoice {
  const targets: ChosenTargets = {}
  for (const platform of policy.platforms) {
    const isSame = JSON.stringify(before?.policy.deadline) === JSON.stringify(policy.deadline)
    const present = isSame ? before?.targets[platform] : undefined
    const choice = chooseTarget(policy, platform, { releases, before: present, now })
    if (choice?.kind === 'none') {
      return { kind: 'refused', reason: choice.reason }
    }
    Object.assign(targets, choice && { [platform]: choice.target })
  }
  return { kind: 'chosen', targets }
}

/** Stores a policy, writes its declarations, and lets devices hear of them. */
export async function putPolicy(
  env: UpdatesEnv,
  policy: UpdatePolicy,
  releases: readonly OsRelease[],
  now: number,
): Promise<PolicyPut> {
  const before = await findPolicy(env.DB, policy.name)
  const choice = chooseTargets(policy, before, releases, now)
  if (choice.kind === 'refused') {
    return choice
  }
  const { targets } = choice
  // Without targets, the daily duty writes the declarations if this call breaks off.
  await storePolicy(env.DB, { policy, targets: {}, changedAt: now })
  const platforms = platformsOf(policy, before?.policy)
  await writePolicy(env.DB, policy, targets, { platforms, now })
  const stored = { policy, targets, changedAt: now }
  await storePolicy(env.DB, stored)
  await beginOffers(env)
  return { kind: before ? 'changed' : 'created', stored }
}
