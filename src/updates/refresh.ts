import { chooseTarget } from '../ddm/updates/choose.ts'
import type { ChosenTarget, ChosenTargets } from '../ddm/updates/policy.ts'
import type { OsRelease } from '../ddm/updates/version.ts'
import {
  readOsVersions,
  storeOsVersions,
  type OsVersions,
} from '../directory/updates/os-versions.ts'
import { listPolicies, storePolicy, type StoredPolicy } from '../directory/updates/policies.ts'
import { beginOffers } from '../jobs/declarations/begin.ts'
import { log, warn } from '../log.ts'
import { fetchVersions } from './feed.ts'
import type { UpdatesEnv } from './put.ts'
import { writePolicy } from './write.ts'

/** The daily duty: fetches the list of OS versions, and chooses the targets of all policies anew. */
export async function refreshUpdates(
  env: UpdatesEnv,
  allowPrivate: boolean,
  now: number,
): Promise<void> {
  const before = await readOsVersions(env.DB)
  const { releases } =
    before.url === '' ? before : await fetchList(env.DB, before.url, allowPrivate, now)
  await chooseAgain(env, releases, now)
}

/** Fetches the list from an address, and stores it. A failure keeps the list of before. */
export async function fetchList(
  d1: D1Database,
  url: string,
  allowPrivate: boolean,
  now: number,
): Promise<OsVersions> {
  const before = await readOsVersions(d1)
  const read = await fetchVersions(url, allowPrivate)
  const after: OsVersions =
    read.kind === 'versions'
      ? { url, releases: read.releases, fetchedAt: now, triedAt: now, error: '' }
      : { ...before, url, triedAt: now, error: read.reason }
  await storeOsVersions(d1, after)
  if (read.kind === 'fault') {
    warn('updates:list-not-fetched', { url, reason: read.reason })
  }
  return after
}

/** Devices hear of targets that are other ones now. @returns how many policies have such */
export async function chooseAgain(
  env: UpdatesEnv,
  releases: readonly OsRelease[],
  now: number,
): Promise<number> {
  let changed = 0
  for (const stored of await listPolicies(env.DB)) {
    const { policy } = stored
    const targets = targetsNow(stored, releases, now)
    if (JSON.stringify(targets) !== JSON.stringify(stored.targets)) {
      await writePolicy(env.DB, policy, targets, { platforms: policy.platforms, now })
      await storePolicy(env.DB, { ...stored, targets })
      log('updates:target-chosen', { policy: policy.name })
      changed += 1
    }
  }
  if (changed > 0) {
    await beginOffers(env)
  }
  return changed
}

/** A target that devices cannot install any more is withdrawn: they would wait for it for ever. */
function targetsNow(
  { policy, targets }: StoredPolicy,
  releases: readonly OsRelease[],
  now: number,
): ChosenTargets {
  return Object.fromEntries(
    policy.platforms.flatMap((platform): [string, ChosenTarget][] => {
      const before = targets[platform]
      const choice = chooseTarget(policy, platform, { releases, before, now })
      if (choice?.kind === 'chosen') {
        return [[platform, choice.target]]
      }
      return choice && before ? [[platform, { ...before, withdrawn: choice.reason }]] : []
    }),
  )
}
