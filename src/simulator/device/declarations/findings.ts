/** What a device finds out about its declarations (Apple: "StatusManagementDeclarations"). */
import type { ChannelFacts } from '../../../ddm/facts.ts'
import { referencesOf } from '../../../ddm/payload/references.ts'
import type { Reason, Reported } from '../../../ddm/states.ts'
import type { Declaration } from './declaration.ts'
import { type JsonRecord, stringIn } from './json.ts'
import { parsePredicate, type PredicateValues } from './predicate.ts'
import { knowsType, whyRefused } from './supported.ts'

type Held = ReadonlyMap<string, Declaration>

/** The identifiers of what is active, and the reasons that activations have. */
export interface Activity {
  readonly active: ReadonlySet<string>
  /** Named by any activation or configuration, active or not. */
  readonly named: ReadonlySet<string>
  readonly reasons: ReadonlyMap<string, Reason>
}

export interface FindingsContext extends PredicateValues {
  readonly facts: ChannelFacts
}

export function reason(code: string, description: string, details: JsonRecord): Reason {
  return { code, description, details }
}

/** The names of a declaration, which are part of many reasons. */
function names({ identifier, token }: Declaration): JsonRecord {
  return { Identifier: identifier, ServerToken: token }
}

/** Evaluates the activations, and with them which configurations and assets are active. */
export function findActivity(held: Held, context: FindingsContext): Activity {
  const reasons = new Map<string, Reason>()
  const active = new Set<string>()
  const named = new Set<string>()
  const all = [...held.values()]
  for (const activation of all.filter(({ kind }) => kind === 'activation')) {
    const configurations = referencesOf(activation.type, activation.payload).configurations
    addAll(named, configurations)
    const why = whyInactive(activation, configurations, held, context)
    if (why) {
      reasons.set(activation.identifier, why)
    } else {
      addAll(active.add(activation.identifier), configurations)
    }
  }
  for (const configuration of all.filter(({ kind }) => kind === 'configuration')) {
    const assets = assetsOf(configuration)
    addAll(named, assets)
    addAll(active, active.has(configuration.identifier) ? assets : [])
  }
  return { active, named, reasons }
}

function addAll(set: Set<string>, items: readonly string[]): void {
  for (const item of items) {
    set.add(item)
  }
}

function whyInactive(
  activation: Declaration,
  configurations: readonly string[],
  held: Held,
  context: FindingsContext,
): Reason | undefined {
  const unsupported = whyUnsupported(activation, context.facts)
  if (unsupported) {
    return unsupported
  }
  const missing = configurations.filter((name) => held.get(name)?.kind !== 'configuration')
  if (missing.length > 0) {
    return reason('Error.MissingConfigurations', 'Configurations are missing.', {
      ConfigurationIdentifiers: [...missing],
      ...names(activation),
    })
  }
  const text = stringIn(activation.payload, 'Predicate')
  if (text === '') {
    return undefined
  }
  const details = { ...names(activation), Predicate: text }
  const predicate = parsePredicate(text)
  if (!predicate) {
    return reason('Error.UnableToParsePredicate', 'The predicate cannot be parsed.', details)
  }
  switch (predicate(context)) {
    case true:
      return undefined
    case false:
      return reason('Info.Predicate', 'The predicate is false.', details)
    case undefined:
      return reason('Error.UnableToEvaluatePredicate', 'The predicate has no value.', details)
  }
}

function whyUnsupported(declaration: Declaration, facts: ChannelFacts): Reason | undefined {
  const { type, payload } = declaration
  if (!knowsType(type, facts)) {
    const text = 'The type is not known.'
    return reason('Error.UnknownDeclarationType', text, { UnknownDeclarationType: type })
  }
  const refused = whyRefused(type, payload, facts)
  return refused === undefined
    ? undefined
    : reason('Error.ConfigurationNotSupported', refused, names(declaration))
}

/**
 * The state of each declaration, as a report names it. `faults` are those that only an attempt finds, by
 * identifier.
 */
export function findStates(
  held: Held,
  activity: Activity,
  facts: ChannelFacts,
  faults: ReadonlyMap<string, Reason>,
): Reported[] {
  const broken = new Set<string>()
  // Configurations depend on assets, so assets come first.
  const ordered = [...held.values()].toSorted(
    (one, other) => Number(other.kind === 'asset') - Number(one.kind === 'asset'),
  )
  return ordered.map((declaration) => {
    const { identifier, kind, token } = declaration
    const why =
      activity.reasons.get(identifier) ??
      whyUnsupported(declaration, facts) ??
      (kind === 'configuration' ? assetFault(declaration, held, broken) : undefined) ??
      faults.get(identifier) ??
      unreferenced(declaration, activity)
    const isInvalid = why?.code.startsWith('Error.') === true
    if (isInvalid) {
      broken.add(identifier)
    }
    return {
      identifier,
      token,
      active: kind !== 'management' && activity.active.has(identifier),
      // Reasons that are no errors leave it valid.
      valid: isInvalid ? 'invalid' : 'valid',
      reasons: why ? [why] : [],
    }
  })
}

function assetFault(
  configuration: Declaration,
  held: Held,
  broken: ReadonlySet<string>,
): Reason | undefined {
  const assets = assetsOf(configuration)
  const missing = assets.filter((name) => held.get(name)?.kind !== 'asset')
  if (missing.length > 0) {
    return reason('Error.MissingAssets', 'Assets are missing.', {
      AssetIdentifiers: [...missing],
      ...names(configuration),
    })
  }
  const bad = assets.find((name) => broken.has(name))
  return bad === undefined
    ? undefined
    : reason('Error.ConfigurationCannotBeApplied', 'An asset is invalid.', {
        Error: `the asset ${bad} is invalid`,
      })
}

function unreferenced(declaration: Declaration, { named }: Activity): Reason | undefined {
  const { kind, identifier } = declaration
  if (named.has(identifier) || (kind !== 'asset' && kind !== 'configuration')) {
    return undefined
  }
  return kind === 'asset'
    ? reason('Info.NotReferencedByConfiguration', 'No configuration names it.', names(declaration))
    : reason('Info.NotReferencedByActivation', 'No activation names it.', names(declaration))
}

function assetsOf({ type, payload }: Declaration): readonly string[] {
  return referencesOf(type, payload).assets
}

/** The properties of all management declarations; of equal keys the last identifier decides. */
export function propertiesOf(held: Held): JsonRecord {
  const declared = [...held.values()]
    .filter(({ type }) => type === 'com.apple.management.properties')
    .toSorted((one, other) => (one.identifier < other.identifier ? -1 : 1))
  return Object.assign({}, ...declared.map(({ payload }) => payload))
}
