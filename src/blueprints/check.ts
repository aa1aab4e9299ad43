/** The faults of a blueprint, each with its place. */
import { isReadable } from '../mdm/enrollment.ts'
import type { Blueprint } from './blueprint.ts'
import {
  isShaped,
  keyFaults,
  matchFaults,
  rangeFaults,
  stepFaults,
  textFaults,
  type BlueprintFault,
  type KnownNames,
  type StepKind,
} from './step-faults.ts'

/** A blueprint to store. */
export type NewBlueprint = Omit<Blueprint, 'version'>

/** The same, each value of the right type; but a step may have the keys of another kind of step. */
export type GivenBlueprint = Omit<NewBlueprint, 'steps'> & {
  readonly steps: readonly { readonly do: StepKind }[]
}

export const MAX_BLUEPRINT_STEPS = 100
export const TIME_LIMIT_S = { least: 60, most: 7200, usual: 900 } as const
/** What a blueprint has where an admin does not say it. */
export const BLUEPRINT_DEFAULTS = {
  match: {},
  priority: 0,
  time_limit_s: TIME_LIMIT_S.usual,
  release: 'always',
  reenroll: 'same',
} as const
const MAX_NAME = 100
/** Characters of the whole blueprint as JSON: a row of D1 holds 2 MB. */
const MAX_BLUEPRINT = 500_000

/** A blueprint that may be stored, or all that is wrong with it. */
export type CheckedBlueprint =
  | { readonly ok: true; readonly blueprint: NewBlueprint }
  | { readonly ok: false; readonly faults: readonly BlueprintFault[] }

export function checkBlueprint(given: GivenBlueprint, known: KnownNames): CheckedBlueprint {
  const { steps } = given
  const faults = [...settingFaults(given), ...faultsOfSteps(steps, known)]
  return faults.length === 0 && steps.every(isShaped)
    ? { ok: true, blueprint: { ...given, steps } }
    : { ok: false, faults }
}

function settingFaults(given: GivenBlueprint): BlueprintFault[] {
  return [
    ...nameFaults('id', given.uuid),
    ...nameFaults('name', given.name),
    ...rangeFaults('time_limit_s', given.time_limit_s, TIME_LIMIT_S),
    ...(Number.isSafeInteger(given.priority)
      ? []
      : [{ at: 'priority', detail: 'has to be a whole number' }]),
    ...given.apply_at.flatMap((text, n) => textFaults(`apply_at.${n}`, text)),
    ...matchFaults('match', given.match),
    ...(JSON.stringify(given).length > MAX_BLUEPRINT
      ? [{ at: 'steps', detail: `the blueprint is longer than ${MAX_BLUEPRINT} characters` }]
      : []),
  ]
}

function faultsOfSteps(
  steps: GivenBlueprint['steps'],
  known: KnownNames,
): readonly BlueprintFault[] {
  return steps.length > MAX_BLUEPRINT_STEPS
    ? [{ at: 'steps', detail: `has to have at most ${MAX_BLUEPRINT_STEPS} steps` }]
    : [
        ...steps.flatMap((step, n) =>
          isShaped(step) ? stepFaults(step, `steps.${n}`, known) : keyFaults(step, `steps.${n}`),
        ),
        ...repeatedSteps(steps),
      ]
}

function nameFaults(at: string, text: string): BlueprintFault[] {
  return text !== '' && text.length <= MAX_NAME && isReadable(text)
    ? []
    : [
        {
          at,
          detail: `has to have 1 to ${MAX_NAME} readable characters, without blanks at its ends`,
        },
      ]
}

/** Steps that stand twice, and a release that is not the last one. */
function repeatedSteps(steps: GivenBlueprint['steps']): BlueprintFault[] {
  const first = new Map<string, number>()
  return steps.flatMap((step, n): BlueprintFault[] => {
    if (step.do === 'release') {
      const detail = 'has to be the last step: a device that is released is not set up any more'
      return n === steps.length - 1 ? [] : [{ at: `steps.${n}`, detail }]
    }
    if (!isShaped(step) || (step.do !== 'account' && step.do !== 'profile')) {
      return []
    }
    const key = step.do === 'account' ? step.do : `profile ${step.id}`
    const before = first.get(key)
    if (before === undefined) {
      first.set(key, n)
      return []
    }
    const detail =
      step.do === 'account'
        ? `steps.${before} is the account already: a Mac takes one command for its accounts`
        : `steps.${before} installs it already`
    return [{ at: `steps.${n}`, detail }]
  })
}
