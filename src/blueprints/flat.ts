/** MicroMDM's form of a blueprint, as a view of its steps (docs/blueprints.md §6). */
import type { Blueprint, BlueprintStep } from './blueprint.ts'
import { BLUEPRINT_DEFAULTS, type NewBlueprint } from './check.ts'
import { subjectOf } from './steps.ts'

export interface FlatBlueprint {
  readonly uuid: string
  readonly name: string
  readonly install_application_manifest_urls: readonly string[]
  readonly profile_ids: readonly string[]
  readonly user_uuids: readonly string[]
  readonly skip_primary_setup_account_creation: boolean
  readonly set_primary_setup_account_as_regular_user: boolean
  readonly apply_at: readonly string[]
}

type AccountStep = Extract<BlueprintStep, { do: 'account' }>

/** The form as far as it goes: other steps and all terms of steps are left out. */
export function flatOf({ uuid, name, steps, apply_at }: NewBlueprint): FlatBlueprint {
  const account = steps.find((step) => step.do === 'account')
  const subjects = (kind: BlueprintStep['do']): string[] =>
    steps.filter((step) => step.do === kind).map(subjectOf)
  return {
    uuid,
    name,
    install_application_manifest_urls: subjects('package'),
    profile_ids: subjects('profile'),
    user_uuids: account?.admin === undefined ? [] : [account.admin],
    skip_primary_setup_account_creation: account?.skip_primary ?? false,
    set_primary_setup_account_as_regular_user: account?.regular_user ?? false,
    apply_at,
  }
}

/** Why a flat form cannot be a blueprint; `undefined` if it can. */
export function faultOfFlat(flat: FlatBlueprint): string | undefined {
  const { user_uuids: users, name } = flat
  if (users.length > 1) {
    return (
      `Blueprint ${name} names ${users.length} users: a Mac makes the account of one alone, and MicroMDM’s ` +
      'last command would win. Name one in user_uuids'
    )
  }
  const given = ['skip_primary_setup_account_creation', 'set_primary_setup_account_as_regular_user']
    .filter((key) => Object.entries(flat).some(([other, value]) => other === key && value === true))
    .join(' and ')
  return users.length === 0 && given !== ''
    ? `${given} in Blueprint ${name} needs a user in user_uuids: without it a Mac would have no administrator`
    : undefined
}

/**
 * The blueprint that a flat form makes: profiles, applications, account, release. Of the blueprint `before`
 * it keeps what the form cannot express, at its place.
 */
export function blueprintOfFlat(flat: FlatBlueprint, before?: Blueprint): NewBlueprint {
  const { uuid, name, apply_at } = flat
  const old = before?.steps ?? []
  const steps = [
    ['profile', [...new Set(flat.profile_ids)].map((id) => ({ do: 'profile', id }))],
    [
      'package',
      [...new Set(flat.install_application_manifest_urls)].map((manifest) => ({
        do: 'package',
        manifest,
      })),
    ],
    ['account', accountsOf(flat, old)],
    ['release', [{ do: 'release' }]],
  ] satisfies [BlueprintStep['do'], BlueprintStep[]][]
  const { version: _, ...kept } = before ?? { version: 0 }
  return {
    ...BLUEPRINT_DEFAULTS,
    ...kept,
    uuid,
    name,
    apply_at,
    steps: steps.reduce<readonly BlueprintStep[]>(
      (all, [kind, wanted]) => withSteps(all, kind, wanted),
      old,
    ),
  }
}

function accountsOf(flat: FlatBlueprint, old: readonly BlueprintStep[]): AccountStep[] {
  const before = old.find((step) => step.do === 'account')
  const [admin] = flat.user_uuids
  if (admin === undefined && before?.primary === undefined) {
    return []
  }
  const { admin: _, skip_primary: __, regular_user: ___, ...kept } = before ?? { do: 'account' }
  return [
    {
      ...kept,
      ...(admin !== undefined && { admin }),
      ...(flat.skip_primary_setup_account_creation && { skip_primary: true }),
      ...(flat.set_primary_setup_account_as_regular_user && { regular_user: true }),
    },
  ]
}

/**
 * The steps with those of one kind in the wanted order, at the places of the earlier ones. More of them
 * follow the last one. Where there is none, they follow the steps that come before in MicroMDM's order.
 */
function withSteps(
  steps: readonly BlueprintStep[],
  kind: BlueprintStep['do'],
  wanted: readonly BlueprintStep[],
): readonly BlueprintStep[] {
  const known = new Map(
    steps.filter((step) => step.do === kind).map((step) => [subjectOf(step), step]),
  )
  const left = wanted.map((step) =>
    kind === 'account' ? step : (known.get(subjectOf(step)) ?? step),
  )
  const last = steps.findLastIndex((step) => step.do === kind)
  const at = last < 0 ? placeOf(steps, kind) : last + 1
  const filled = steps
    .slice(0, at)
    .flatMap((step) => (step.do === kind ? left.splice(0, 1) : [step]))
  return [...filled, ...left, ...steps.slice(at)]
}

const ORDER: readonly BlueprintStep['do'][] = ['profile', 'package', 'account']

/** Where the first step of a kind goes. */
function placeOf(steps: readonly BlueprintStep[], kind: BlueprintStep['do']): number {
  const earlier = new Set(ORDER.slice(0, ORDER.indexOf(kind)))
  const after = steps.findLastIndex((step) => earlier.has(step.do)) + 1
  const release = steps.findIndex((step) => step.do === 'release')
  const end = release < 0 ? steps.length : release
  return kind === 'release' ? steps.length : kind === 'account' ? end : Math.min(after, end)
}

/** The keys of steps that the form has; steps without a row are not in it. */
const FLAT_KEYS: Readonly<Partial<Record<BlueprintStep['do'], readonly string[]>>> = {
  profile: ['do', 'id'],
  package: ['do', 'manifest'],
  account: ['do', 'admin', 'skip_primary', 'regular_user'],
  release: ['do'],
}

/** What MicroMDM's form cannot express of a blueprint, in words; none if it says all. */
export function unexpressed(blueprint: NewBlueprint): string[] {
  const settings = Object.entries(BLUEPRINT_DEFAULTS)
    .filter(([key, usual]) =>
      Object.entries(blueprint).some(
        ([name, value]) => name === key && JSON.stringify(value) !== JSON.stringify(usual),
      ),
    )
    .map(([key]) => key)
  const steps = blueprint.steps
    .filter((step) => {
      const keys = FLAT_KEYS[step.do]
      return !keys || Object.keys(step).some((key) => !keys.includes(key))
    })
    .map((step) => `${step.do} ${subjectOf(step)}`.trim())
  return [...settings, ...steps]
}
