import type { Blueprint, BlueprintMatch } from '../blueprints/blueprint.ts'
import { checkBlueprint, type GivenBlueprint, type NewBlueprint } from '../blueprints/check.ts'
import { appliesAtEnroll } from '../blueprints/select.ts'
import type { BlueprintFault, KnownNames } from '../blueprints/step-faults.ts'
import {
  findBlueprint,
  listBlueprints,
  storeBlueprint,
} from '../directory/blueprints/blueprints.ts'
import { setupUserIds } from '../directory/blueprints/users.ts'
import { storedProfileIds } from '../directory/profiles.ts'
import { readAppManifest } from '../repo/apps.ts'
import { bucketOf } from '../repo/bucket.ts'
import { NAME_RULE, REPO_PATH, repoNameIn } from '../repo/name.ts'

export type BlueprintPut =
  | {
      readonly kind: 'stored'
      readonly blueprint: Blueprint
      readonly isNew: boolean
      /** What is stored, and yet may not be meant. */
      readonly warnings: readonly string[]
    }
  | { readonly kind: 'refused'; readonly faults: readonly BlueprintFault[] }
  /** Another blueprint has its name. */
  | { readonly kind: 'name_taken' }
  | { readonly kind: 'too_many' }
  /** It has another version than the caller knows; 0: there is none. */
  | { readonly kind: 'moved'; readonly version: number }

const NO_NAME = {
  ok: false,
  fault: `it names no file of the repository: a file’s name ${NAME_RULE}`,
} as const

interface BlueprintEnv {
  readonly DB: D1Database
  readonly REPO?: R2Bucket
}

/** Each enrolment reads all of them. */
export const MAX_BLUEPRINTS = 200

/**
 * Stores a blueprint in place of one with its uuid, unless there is a fault in it.
 *
 * @param ifVersion what its version has to be; 0: there has to be none
 */
export async function putBlueprint(
  env: BlueprintEnv,
  given: GivenBlueprint,
  now: number,
  ifVersion?: number,
): Promise<BlueprintPut> {
  const d1 = env.DB
  const checked = checkBlueprint(given, await namesIn(d1, given))
  const faults = checked.ok ? await manifestFaults(env, checked.blueprint.steps) : checked.faults
  if (!checked.ok || faults.length > 0) {
    return { kind: 'refused', faults }
  }
  const { blueprint } = checked
  const all = (await listBlueprints(d1)).map((stored) => stored.blueprint)
  const others = all.filter(({ uuid }) => uuid !== blueprint.uuid)
  if (others.length >= MAX_BLUEPRINTS) {
    return { kind: 'too_many' }
  }
  const version = await storeBlueprint(d1, blueprint, now, ifVersion)
  if (version === undefined) {
    const present = (await findBlueprint(d1, blueprint.uuid))?.blueprint.version ?? 0
    return ifVersion === undefined || present === ifVersion
      ? { kind: 'name_taken' }
      : { kind: 'moved', version: present }
  }
  const warnings = warningsOf(blueprint, others)
  const isNew = others.length === all.length
  return { kind: 'stored', blueprint: { ...blueprint, version }, isNew, warnings }
}

/** The manifests of the repository that no device can install by. @throws RepoError without a bucket */
async function manifestFaults(
  env: BlueprintEnv,
  steps: NewBlueprint['steps'],
): Promise<BlueprintFault[]> {
  const faults: BlueprintFault[] = []
  for (const [n, step] of steps.entries()) {
    if (step.do === 'package' && step.manifest.startsWith(REPO_PATH)) {
      const name = repoNameIn(step.manifest)
      const read = name === undefined ? NO_NAME : await readAppManifest(bucketOf(env), name)
      faults.push(...(read.ok ? [] : [{ at: `steps.${n}.manifest`, detail: read.fault }]))
    }
  }
  return faults
}

/** Of the profiles and users that a blueprint names, those that exist. */
export async function namesIn(
  d1: D1Database,
  { steps }: Pick<GivenBlueprint, 'steps'>,
): Promise<KnownNames> {
  const named = (key: string): string[] =>
    steps.flatMap((step) =>
      Object.entries<unknown>(step).flatMap(([name, value]) =>
        name === key && typeof value === 'string' ? [value] : [],
      ),
    )
  const [profiles, users] = await Promise.all([
    storedProfileIds(d1, named('id')),
    setupUserIds(d1, named('admin')),
  ])
  return { profiles, users }
}

function warningsOf(blueprint: NewBlueprint, others: readonly Blueprint[]): string[] {
  const warnings = appliesAtEnroll(blueprint)
    ? []
    : ['no device gets the blueprint: `Enroll` is missing in `apply_at`']
  if (hasAccount(blueprint)) {
    const rivals = others
      .filter((one) => hasAccount(one) && appliesAtEnroll(one))
      .filter((one) => mayMeet(one.match, blueprint.match))
      .map(({ name }) => name)
    if (rivals.length > 0) {
      const which = rivals.slice(0, 10).join(', ')
      warnings.push(
        `a device may also get ${which}: of several accounts it gets the one of the highest priority, ` +
          'then of the first name',
      )
    }
  }
  return warnings
}

function hasAccount({ steps }: Pick<Blueprint, 'steps'>): boolean {
  return steps.some((step) => step.do === 'account')
}

/** Whether a device may meet both. Patterns and versions are not compared. */
function mayMeet(one: BlueprintMatch, other: BlueprintMatch): boolean {
  const lists = ['platform', 'dep_profile', 'account', 'enrollment'] as const
  const isApart = lists.some((key) => {
    const [mine, theirs]: readonly (readonly string[] | undefined)[] = [one[key], other[key]]
    return mine && theirs && !mine.some((word) => theirs.includes(word))
  })
  const { param = {} } = other
  return (
    !isApart &&
    Object.entries(one.param ?? {}).every(
      ([name, value]) => !Object.hasOwn(param, name) || param[name] === value,
    )
  )
}
