/** Checks a declaration at upload, against Apple's schema and against the faults that devices punish. */
import { dictFaults, MAX_FAULTS, shortened } from '../../apple/check.ts'
import {
  DECLARATION_TYPES,
  declarationSchema,
  describedIn,
  isObject,
  STATUS_ITEMS,
  type DeclarationSchema,
  type DeclarationPayload,
} from '../../apple/declarations.ts'
import { didYouMean } from '../../apple/nearest.ts'
import { lookUp } from '../../apple/schema.ts'
import type { PlistDict } from '../../plist/value.ts'
import { MAX_PAYLOAD_DEPTH } from './canonical.ts'
import { declarationKind } from '../kinds.ts'
import { lintPredicate, statusItemsIn } from './predicate.ts'
import { referencesIn } from './references.ts'
import { hasLoneBeginning, VARIABLES, variablesIn } from './variables.ts'

/** A place in a declaration, as a path of keys (`['Type']`, `['Payload', …]`), and its fault. */
export interface DeclarationFault {
  readonly path: readonly (string | number)[]
  readonly detail: string
}

type Path = DeclarationFault['path']
type Faults = Generator<DeclarationFault, void, undefined>

const ACTIVATION = 'com.apple.activation.simple'
const SUBSCRIPTIONS = 'com.apple.configuration.management.status-subscriptions'

/** Of these keys a payload needs exactly one (Apple: "LegacyProfile", "AppManaged"). */
const EXACTLY_ONE: Readonly<Record<string, readonly string[]>> = {
  'com.apple.configuration.legacy': ['ProfileURL', 'ProfileAssetReference'],
  'com.apple.configuration.legacy.interactive': ['ProfileURL', 'ProfileAssetReference'],
  'com.apple.configuration.app.managed': [
    'AppStoreID',
    'BundleID',
    'ManifestURL',
    'AppComposedIdentifier',
  ],
}

interface Format {
  readonly fits: (text: string) => boolean
  readonly detail: string
}

const HTTPS: Format = { fits: isHttps, detail: 'has to be an https URL' }
/** Of a download by which a device proves its identity: `expandFiles` makes a URL of the name. */
const DOWNLOAD: Format = {
  fits: (text) => isHttps(text) || text.startsWith('file:'),
  detail: 'has to be an https URL, or file:NAME of an uploaded file',
}
const BASE64: Format = {
  fits: (text) => /^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(text),
  detail: 'has to be base64',
}

/** Formats that Apple's texts give to keys; its schema calls all of them strings. */
const FORMATS: Readonly<Record<string, Format>> = {
  DataURL: DOWNLOAD,
  EnrollmentProfileURL: HTTPS,
  ManifestURL: DOWNLOAD,
  ProfileURL: DOWNLOAD,
  PPK: BASE64,
  ReaderGroupIdentifier: BASE64,
  TargetLocalDateTime: {
    fits: isLocalTime,
    detail:
      'has to be a time as 2026-12-10T19:00:00, without time zone and fraction: it is the local time of ' +
      'each device',
  },
  TargetOSVersion: {
    fits: (text) => /^\d+(\.\d+){0,3}( ?\([a-z]\))?$/.test(text),
    detail: 'has to be a version, such as 26.2, without the name of the OS',
  },
}

/**
 * The first ten faults of a declaration, and warnings about it. A text with a variable may hold any value.
 * A type that Apple does not document has one fault, at `['Type']`, and the faults of any payload.
 *
 * @param payload a parsed JSON object
 */
export function checkDeclaration(
  type: string,
  payload: DeclarationPayload,
): { readonly faults: readonly DeclarationFault[]; readonly warnings: readonly string[] } {
  const schema = declarationSchema(type)
  const faults = schema ? faultsBy(schema, type, payload) : unknownTypeFaults(type, payload)
  return {
    faults: faults.take(MAX_FAULTS).toArray(),
    warnings: schema ? warningsOf(schema, type, payload) : [],
  }
}

function* unknownTypeFaults(type: string, payload: DeclarationPayload): Faults {
  const kind = declarationKind(type)
  const prefix = kind ? `com.apple.${kind}.` : 'com.apple.'
  const names = DECLARATION_TYPES.filter((one) => one.startsWith(prefix)).map((one) =>
    one.slice(prefix.length),
  )
  const meant = didYouMean(type.replace(prefix, ''), names, prefix)
  yield { path: ['Type'], detail: `Apple documents no declaration of that type${meant}` }
  yield* valueFaults(payload, ['Payload'], 1)
}

function* faultsBy(schema: DeclarationSchema, type: string, payload: DeclarationPayload): Faults {
  yield* valueFaults(payload, ['Payload'], 1)
  if (!isPlain(payload, 1)) {
    return
  }
  if (schema.keys) {
    yield* dictFaults(payload, schema.keys, ['Payload'], type, hasVariable)
  }
  yield* exactlyOneFaults(type, payload)
  for (const { path, value } of describedIn(payload, schema)) {
    const format = lookUp(FORMATS, String(path.at(-1)))
    if (format && typeof value === 'string' && !hasVariable(value) && !format.fits(value)) {
      yield { path: ['Payload', ...path], detail: format.detail }
    }
  }
  for (const { path, identifier } of referencesIn(type, payload)) {
    if (identifier === '' || hasVariable(identifier)) {
      const detail = 'has to be the Identifier of a declaration, without variables'
      yield { path: ['Payload', ...path], detail }
    }
  }
  const predicate = predicateOf(type, payload)
  const fault = predicate === undefined ? undefined : lintPredicate(predicate)
  if (fault !== undefined) {
    yield { path: ['Payload', 'Predicate'], detail: fault }
  }
}

/** What no payload may hold: null, which a property list lacks, a variable of no name, too many levels. */
function* valueFaults(value: unknown, path: Path, depth: number): Faults {
  if (value === null) {
    yield { path, detail: 'is null: leave the key out' }
  } else if (typeof value === 'string') {
    for (const name of variablesIn(value)) {
      if (lookUp(VARIABLES, name) === undefined) {
        yield { path, detail: unknownVariable(name) }
      }
    }
    if (hasLoneBeginning(value)) {
      yield { path, detail: `has a \${ without the } of a variable; ${LITERAL}` }
    }
  } else if (typeof value === 'object' && depth > MAX_PAYLOAD_DEPTH) {
    yield { path, detail: `nests more than ${MAX_PAYLOAD_DEPTH} levels deep` }
  } else if (Array.isArray(value)) {
    for (const [at, one] of value.entries()) {
      yield* valueFaults(one, [...path, at], depth + 1)
    }
  } else if (isObject(value)) {
    for (const [key, one] of Object.entries(value)) {
      yield* valueFaults(one, [...path, shortened(key)], depth + 1)
    }
  }
}

const LITERAL = '$${ writes a literal ${'

function unknownVariable(name: string): string {
  const meant = didYouMean(name, Object.keys(VARIABLES))
  return `has \${${shortened(name)}}, which is no variable${meant}; ${LITERAL}`
}

/** JSON without null, of bounded depth, is a property list too. */
function isPlain(value: unknown, depth: number): value is PlistDict {
  if (typeof value !== 'object') {
    return true
  }
  const isInBounds = value !== null && depth <= MAX_PAYLOAD_DEPTH
  return isInBounds && Object.values(value).every((one) => isPlain(one, depth + 1))
}

function hasVariable(value: unknown): boolean {
  return typeof value === 'string' && variablesIn(value).length > 0
}

function* exactlyOneFaults(type: string, payload: DeclarationPayload): Faults {
  const names = lookUp(EXACTLY_ONE, type) ?? []
  const [first, second] = names.filter((name) => payload[name] !== undefined)
  if (names.length > 0 && first === undefined) {
    yield { path: ['Payload'], detail: `needs one of ${names.join(', ')}` }
  }
  if (second !== undefined) {
    const detail = `is one too many beside ${first}: keep one of ${names.join(', ')}`
    yield { path: ['Payload', second], detail }
  }
}

function warningsOf(
  schema: DeclarationSchema,
  type: string,
  payload: DeclarationPayload,
): readonly string[] {
  const names =
    type === SUBSCRIPTIONS
      ? subscribedItems(payload)
      : statusItemsIn(predicateOf(type, payload) ?? '')
  const warnings = [...new Set(names)]
    .filter((name) => lookUp(STATUS_ITEMS, name) === undefined)
    .slice(0, MAX_FAULTS)
    .map((name) => {
      const meant = didYouMean(name, Object.keys(STATUS_ITEMS))
      return `Apple documents no status item ${shortened(name)}${meant}`
    })
  const named = payload['StandardConfigurations']
  if (type === ACTIVATION && Array.isArray(named) && named.length === 0) {
    warnings.push('the activation names no configuration: it has no effect')
  }
  if (schema.single) {
    warnings.push(`a device applies one declaration of ${type} at a time: give it no second one`)
  }
  return warnings
}

function predicateOf(type: string, payload: DeclarationPayload): string | undefined {
  const predicate = type === ACTIVATION ? payload['Predicate'] : undefined
  return typeof predicate === 'string' ? predicate : undefined
}

function subscribedItems(payload: DeclarationPayload): readonly string[] {
  const items = payload['StatusItems']
  return Array.isArray(items)
    ? items.flatMap((item: unknown) =>
        isObject(item) && typeof item['Name'] === 'string' ? [item['Name']] : [],
      )
    : []
}

function isHttps(text: string): boolean {
  return text.startsWith('https://') && URL.canParse(text)
}

/** Whether a text is an existing time as 2026-12-10T19:00:00. */
export function isLocalTime(text: string): boolean {
  const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/.test(text) ? Date.parse(`${text}Z`) : NaN
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text)
}
