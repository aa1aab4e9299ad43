import { compileItem } from '../ddm/payload/compile.ts'
import {
  policyDeclarations,
  policySet,
  UPDATE_PLATFORMS,
  type ChosenTargets,
  type UpdatePlatform,
  type UpdatePolicy,
} from '../ddm/updates/policy.ts'
import { deleteDeclaration, storeDeclaration } from '../directory/declarations/edit.ts'
import {
  changeLinks,
  declarationsOfSet,
  deleteSet,
  describeSet,
} from '../directory/declarations/sets.ts'
import { removePolicy } from '../directory/updates/policies.ts'

/** Names the owner of the sets of policies. */
const OWNER = 'software-updates'

/** Makes the declarations and the sets of a policy what they should be. The same again changes nothing. */
export async function writePolicy(
  d1: D1Database,
  policy: UpdatePolicy,
  targets: ChosenTargets,
  { platforms, now }: { readonly platforms: readonly UpdatePlatform[]; readonly now: number },
): Promise<void> {
  const when = { now, notify: true }
  for (const platform of platforms) {
    const set = policySet(policy.name, platform)
    const wanted = policy.platforms.includes(platform)
      ? policyDeclarations(policy, platform, targets[platform])
      : []
    const before = await declarationsOfSet(d1, set)
    for (const { identifier, type, payload } of wanted) {
      const text = JSON.stringify(payload)
      const item = compileItem({ type, payload, text })
      await storeDeclaration(d1, { identifier, type, payload: text, item }, when)
    }
    const identifiers = wanted.map(({ identifier }) => identifier)
    const gone = before.filter((one) => !identifiers.includes(one))
    const links: Parameters<typeof changeLinks>[1] = {
      add: identifiers.filter((one) => !before.includes(one)).map((one) => [set, one]),
      remove: gone.map((one) => [set, one]),
    }
    await changeLinks(d1, links, when)
    for (const identifier of gone) {
      await deleteDeclaration(d1, identifier, now)
    }
    if (wanted.length > 0) {
      const rule = { ...policy.rule, platform: [platform] }
      const description = `the update policy ${policy.name}`
      await describeSet(d1, { name: set, rule, description, owner: OWNER }, when)
    } else {
      await deleteSet(d1, set, when)
    }
  }
}

/** Takes everything back that a policy has made, and deletes it. */
export async function deletePolicy(
  d1: D1Database,
  policy: UpdatePolicy,
  now: number,
): Promise<void> {
  const { platforms } = policy
  await writePolicy(d1, { ...policy, platforms: [] }, {}, { platforms, now })
  await removePolicy(d1, policy.name)
}

/** Platforms that a policy has, or had. */
export function platformsOf(...policies: readonly (UpdatePolicy | undefined)[]): UpdatePlatform[] {
  return UPDATE_PLATFORMS.filter((one) =>
    policies.some((policy) => policy?.platforms.includes(one)),
  )
}
