/** Which blueprints and steps a device gets, and why not the others (docs/blueprints.md). */
import { isBefore } from '../apple/version.ts'
import type { Blueprint, BlueprintMatch, BlueprintStep } from './blueprint.ts'
import { subjectOf } from './steps.ts'

/** What is known of a device when its blueprints are chosen. Empty texts are unknown. */
export interface SetupCandidate {
  readonly platform: string
  readonly osVersion: string
  readonly models: readonly string[]
  /** Of the URL that it enrolled with. The person at the device can write any. */
  readonly params: Readonly<Record<string, string>>
  /** Absent unless the device has proven its serial number: a claimed one gets nothing. */
  readonly proven?: { readonly serial: string; readonly dep: AbmListing | undefined }
}

/** Where Apple lists a device: all names of its accounts, and of its profile. */
export interface AbmListing {
  readonly accounts: readonly string[]
  readonly profiles: readonly string[]
}

/** How it enrols: `awaiting` in Setup Assistant; `isFirst` if it never enrolled here before. */
export interface SetupOccasion {
  readonly awaiting: boolean
  readonly isFirst: boolean
}

/** `fault` says why it is left out. */
export interface ConsideredBlueprint {
  readonly blueprint: Blueprint
  readonly fault: string | undefined
}

export interface ConsideredStep {
  readonly blueprint: Blueprint
  readonly step: BlueprintStep
  readonly fault: string | undefined
}

export interface SetupSelection {
  /** In the order of their steps. */
  readonly blueprints: readonly ConsideredBlueprint[]
  /** The steps of the blueprints that are not left out, in their order. */
  readonly steps: readonly ConsideredStep[]
}

type Check = (match: BlueprintMatch, device: SetupCandidate) => string | undefined

const UNPROVEN = 'the device has not proven its serial number'
const NOT_IN_ABM = 'no account of Apple Business Manager lists the serial number'

/** One check for each condition. A condition whose fact is unknown does not hold. */
const CHECKS: Readonly<Record<keyof BlueprintMatch, Check>> = {
  platform: ({ platform = [] }, device) =>
    platform.includes(device.platform)
      ? undefined
      : device.platform === ''
        ? 'the platform is unknown'
        : `the platform is ${device.platform}`,
  os: ({ os = '' }, { osVersion }) =>
    isInOsRange(os, osVersion) ? undefined : `the OS version is ${osVersion || 'unknown'}`,
  model: ({ model = [] }, { models }) =>
    models.some((name) => matchesAny(model, name))
      ? undefined
      : `the model is ${models.join(', ') || 'unknown'}`,
  param: ({ param = {} }, { params }) => {
    const other = Object.entries(param).find(
      ([name, value]) => !Object.hasOwn(params, name) || params[name] !== value,
    )
    return other && `the device enrolled without ${other[0]}=${other[1]} in the URL`
  },
  serial: ({ serial = [] }, { proven }) =>
    proven === undefined
      ? UNPROVEN
      : matchesAny(serial, proven.serial)
        ? undefined
        : `the serial number is ${proven.serial}`,
  dep_profile: ({ dep_profile: wanted = [] }, device) =>
    depFault(device, ({ profiles }) =>
      profiles.some((name) => wanted.includes(name))
        ? undefined
        : `the profile is ${profiles.join(', ') || 'none'}`,
    ),
  account: ({ account = [] }, device) =>
    depFault(device, ({ accounts }) =>
      accounts.some((name) => account.includes(name))
        ? undefined
        : `the account is ${accounts.join(', ')}`,
    ),
  enrollment: ({ enrollment = [] }, device) => {
    const fault = depFault(device, () => undefined)
    const kind = fault === undefined ? 'ade' : 'manual'
    return enrollment.includes(kind) ? undefined : (fault ?? 'Apple lists the device')
  },
}

function depFault(
  { proven }: SetupCandidate,
  check: (dep: AbmListing) => string | undefined,
): string | undefined {
  return proven === undefined ? UNPROVEN : proven.dep === undefined ? NOT_IN_ABM : check(proven.dep)
}

/** @returns the first condition that does not hold, as `platform: the platform is iOS` */
export function mismatchOf(match: BlueprintMatch, device: SetupCandidate): string | undefined {
  for (const [part, check] of Object.entries(CHECKS)) {
    const fault = Object.hasOwn(match, part) ? check(match, device) : undefined
    if (fault !== undefined) {
      return `${part}: ${fault}`
    }
  }
  return undefined
}

/** Whether a version is in a range such as `>=14 <15`; a version alone means all that begin with it. */
function isInOsRange(range: string, version: string): boolean {
  return (
    /^\d+(\.\d+)*$/.test(version) &&
    range.split(' ').every((part) => {
      const bound = part.replace(/^[<>=]+/, '')
      return part.startsWith('<')
        ? isBefore(version, bound)
        : part.startsWith('>')
          ? !isBefore(version, bound)
          : `${version}.`.startsWith(`${bound}.`)
    })
  )
}

/** Whether a text matches a pattern with `*`, in any case. It takes linear time: devices choose the text. */
function matchesAny(patterns: readonly string[], text: string): boolean {
  const within = text.toLowerCase()
  return patterns.some((pattern) => {
    const [first = '', ...rest] = pattern.toLowerCase().split('*')
    const last = rest.pop()
    if (last === undefined) {
      return within === first
    }
    let at = within.startsWith(first) ? first.length : -1
    for (const part of rest) {
      const found = at < 0 ? -1 : within.indexOf(part, at)
      at = found < 0 ? -1 : found + part.length
    }
    return at >= 0 && within.endsWith(last) && within.length - last.length >= at
  })
}

/** Whether the blueprint is applied when devices enrol. MicroMDM compares without regard to case. */
export function appliesAtEnroll({ apply_at: at }: Pick<Blueprint, 'apply_at'>): boolean {
  return at.some((word) => word.toLowerCase() === 'enroll')
}

/**
 * Chooses the blueprints and steps of a device: those whose conditions hold, by priority and then by name.
 * Equal profiles, packages and apps come once, and of several accounts the first one. The release is no step:
 * it comes last in any case.
 */
export function selectFor(
  blueprints: readonly Blueprint[],
  device: SetupCandidate,
  occasion: SetupOccasion,
): SetupSelection {
  const considered = blueprints
    .toSorted(
      (one, other) =>
        other.priority - one.priority ||
        (one.name < other.name ? -1 : Number(one.name > other.name)),
    )
    .map((blueprint) => ({ blueprint, fault: faultOfOccasion(blueprint, device, occasion) }))
  const before = new Map<string, string>()
  const steps = considered
    .filter(({ fault }) => fault === undefined)
    .flatMap(({ blueprint }) =>
      blueprint.steps
        .filter((step) => step.do !== 'release')
        .map((step) => {
          const fault =
            stepFault(step, device, occasion, blueprint) ?? repeated(step, blueprint.name, before)
          return { blueprint, step, fault }
        }),
    )
  return { blueprints: considered, steps }
}

function faultOfOccasion(
  blueprint: Blueprint,
  device: SetupCandidate,
  { awaiting, isFirst }: SetupOccasion,
): string | undefined {
  if (!appliesAtEnroll(blueprint)) {
    return 'apply_at: it does not have Enroll'
  }
  const fault = mismatchOf(blueprint.match, device)
  return fault === undefined && blueprint.reenroll === 'never' && !awaiting && !isFirst
    ? 'reenroll: it is not repeated when a device enrols again'
    : fault
}

function stepFault(
  step: BlueprintStep,
  device: SetupCandidate,
  { awaiting, isFirst }: SetupOccasion,
  { reenroll }: Blueprint,
): string | undefined {
  if (step.do === 'account') {
    if (!awaiting) {
      return 'the device does not wait in Setup Assistant'
    }
    if (device.platform !== '' && device.platform !== 'macOS') {
      return 'accounts are made on Macs only'
    }
  }
  if (step.do !== 'profile' && reenroll === 'changed' && !awaiting && !isFirst) {
    return 'reenroll: only profiles are repeated when a device enrols again'
  }
  const fault = mismatchOf(step.when ?? {}, device)
  return fault && `when.${fault}`
}

const ONCE: ReadonlySet<BlueprintStep['do']> = new Set(['profile', 'package', 'app', 'account'])

/** Why the step does not come a second time. `before` gets it otherwise, with the name of its blueprint. */
function repeated(
  step: BlueprintStep,
  name: string,
  before: Map<string, string>,
): string | undefined {
  if (!ONCE.has(step.do)) {
    return undefined
  }
  const key = step.do === 'account' ? 'account' : `${step.do} ${subjectOf(step)}`
  const other = before.get(key)
  if (other === undefined) {
    before.set(key, name)
  }
  return (
    other && `the blueprint ${other} has ${step.do === 'account' ? 'an account' : 'it'} already`
  )
}
