import { isKind, KINDS, type DeclarationKind } from '../kinds.ts'
import type { Reason, Reported } from '../states.ts'
import {
  DECLARATIONS_ROOM,
  ERRORS_ROOM,
  MAX_DECLARATIONS,
  MAX_ERRORS,
  MAX_IDENTIFIER,
  MAX_ITEM_BYTES,
  MAX_ITEMS,
  MAX_NAME,
  MAX_TOKEN,
  withinRoom,
} from './bounds.ts'
import { reasonsOf, withFewerReasons } from './reasons.ts'
import {
  cutText,
  fieldOf,
  isRawDict,
  type RawDict,
  type StatusValue,
  upTo,
  withinLevels,
} from './value.ts'

/** A status report (Apple: "StatusReport"), within src/ddm/status/bounds.ts. */
export interface StatusReport {
  /** It replaces everything. Other reports hold changes alone. */
  readonly full: boolean
  /** In the report's order. An identifier may stand there twice, with two tokens. */
  readonly declarations: readonly ReportedDeclaration[]
  /** By Apple's names, such as `device.operating-system.version`; without `management.declarations`. */
  readonly items: ReadonlyMap<string, StatusValue>
  readonly errors: readonly ItemError[]
  /** How many items, declarations and errors are left out, because they are beyond the bounds. */
  readonly omitted: number
  /** The length of the report. */
  readonly bytes: number
}

export interface ReportedDeclaration extends Reported {
  readonly kind: DeclarationKind
}

/** Why the device does not report an item. */
export interface ItemError {
  readonly item: string
  readonly reasons: readonly Reason[]
}

export type ReportReading =
  | { readonly kind: 'report'; readonly report: StatusReport }
  | { readonly kind: 'malformed'; readonly reason: string }

/** The Worker has 128 MB: so many small values take a third of it. */
const MAX_VALUES = 250_000
/** `unknown`, `valid` or `invalid`. */
const MAX_VALID = 16
const DECLARATIONS = 'management.declarations'

/**
 * The items whose value is a dictionary (github.com/apple/device-management, declarative/status). Any other
 * dictionary is the beginning of longer names.
 */
const DICTIONARIES: ReadonlySet<string> = new Set([
  DECLARATIONS,
  'management.client-capabilities',
  'softwareupdate.failure-reason',
  'softwareupdate.install-reason',
  'softwareupdate.pending-version',
  'device.system.health',
  'content-cache.info',
  'content-cache.status',
  'migration-assistant.report',
  'test.dictionary-value',
])

/**
 * Reads the JSON of a status report. Items that Apple does not document are kept; if one is a dictionary,
 * each of its members is an item. An array, `{}` or `null` is a report without items.
 */
export function readReport(bytes: Uint8Array): ReportReading {
  const json = parse(bytes)
  if ('fault' in json) {
    return { kind: 'malformed', reason: json.fault }
  }
  if (typeof json.value !== 'object') {
    return { kind: 'malformed', reason: 'the report is JSON, but neither an object nor an array' }
  }
  return { kind: 'report', report: reportOf(json.value, bytes.length) }
}

function parse(bytes: Uint8Array): { readonly value: unknown } | { readonly fault: string } {
  if (!hasFewValues(bytes)) {
    return { fault: `the report has more than ${MAX_VALUES} values` }
  }
  try {
    return { value: JSON.parse(new TextDecoder().decode(bytes)) }
  } catch {
    return { fault: 'the report is not JSON' }
  }
}

/** Counts commas and opening brackets, those inside of texts too. */
function hasFewValues(bytes: Uint8Array): boolean {
  let values = 0
  for (const byte of bytes) {
    if (byte === 0x2c || byte === 0x5b || byte === 0x7b) {
      values += 1
    }
  }
  return values <= MAX_VALUES
}

function reportOf(root: unknown, bytes: number): StatusReport {
  const report = isRawDict(root) ? root : {}
  const status = fieldOf(report, 'statusitems')
  const found = new Map<string, unknown>()
  const unnamed = collect(isRawDict(status) ? status : {}, '', 1, found)
  const declarations = declarationsIn(found.get(DECLARATIONS))
  found.delete(DECLARATIONS)
  const named = [...found].slice(0, MAX_ITEMS)
  const items = named.map(
    ([name, value]) => [name.toWellFormed(), upTo(MAX_ITEM_BYTES, withinLevels(value))] as const,
  )
  const errors = errorsIn(fieldOf(report, 'errors'))
  return {
    full: isRawDict(status) && fieldOf(report, 'fullreport') === true,
    declarations: withFewerReasons(declarations.kept, DECLARATIONS_ROOM),
    items: withinRoom(new Map(items), () => 0),
    errors: withFewerReasons(errors.kept, ERRORS_ROOM),
    omitted: unnamed + found.size - named.length + declarations.omitted + errors.omitted,
    bytes,
  }
}

/** Apple's names have at most 4 dots. Deeper dictionaries are one item. */
const MAX_DOTS = 20

/**
 * A long name is left out with all below it: the beginning that many names share would be copied for each of
 * them, and a report of 200 KB would take gigabytes.
 *
 * @returns how many are left out
 */
function collect(dict: RawDict, prefix: string, level: number, into: Map<string, unknown>): number {
  let omitted = 0
  for (const [key, value] of Object.entries(dict)) {
    const name = prefix + key
    if (name.length > MAX_NAME) {
      omitted += 1
    } else if (isRawDict(value) && !DICTIONARIES.has(name) && level < MAX_DOTS) {
      omitted += collect(value, `${name}.`, level + 1, into)
    } else {
      into.set(name, value)
    }
  }
  return omitted
}

interface Bounded<T> {
  readonly kept: readonly T[]
  readonly omitted: number
}

function declarationsIn(value: unknown): Bounded<ReportedDeclaration> {
  const dict = isRawDict(value) ? value : {}
  const all = Object.keys(KINDS)
    .filter(isKind)
    .flatMap((kind) => {
      return dictsOf(fieldOf(dict, KINDS[kind].toLowerCase())).map((entry) => ({ kind, entry }))
    })
  const kept = all.slice(0, MAX_DECLARATIONS).flatMap(({ kind, entry }) => {
    const identifier = fieldOf(entry, 'identifier')
    return isText(identifier, MAX_IDENTIFIER) ? [declarationOf(kind, identifier, entry)] : []
  })
  return { kept, omitted: all.length - kept.length }
}

function declarationOf(
  kind: DeclarationKind,
  identifier: string,
  entry: RawDict,
): ReportedDeclaration {
  return {
    kind,
    identifier: identifier.toWellFormed(),
    token: cutText(fieldOf(entry, 'server-token'), MAX_TOKEN),
    active: fieldOf(entry, 'active') === true,
    valid: cutText(fieldOf(entry, 'valid'), MAX_VALID),
    reasons: reasonsOf(fieldOf(entry, 'reasons')),
  }
}

function errorsIn(value: unknown): Bounded<ItemError> {
  const all = dictsOf(value)
  const kept = all.slice(0, MAX_ERRORS).flatMap((entry) => {
    const item = fieldOf(entry, 'statusitem')
    const reasons = reasonsOf(fieldOf(entry, 'reasons'))
    return isText(item, MAX_NAME) ? [{ item: item.toWellFormed(), reasons }] : []
  })
  return { kept, omitted: all.length - kept.length }
}

function dictsOf(value: unknown): RawDict[] {
  return Array.isArray(value) ? value.filter(isRawDict) : []
}

function isText(value: unknown, most: number): value is string {
  return typeof value === 'string' && value.length <= most
}
