import { DECLARATIONS_ROOM, ERRORS_ROOM, MAX_ERRORS, MAX_ITEM_BYTES, withinRoom } from './bounds.ts'
import { withFewerReasons } from './reasons.ts'
import type { ItemError, ReportedDeclaration, StatusReport } from './report.ts'
import { isList, isOmitted, isRawDict, isSameJson, type StatusValue, upTo } from './value.ts'

/** When this part of a channel's status changed last, in milliseconds. */
interface Dated {
  readonly at: number
}

export interface ItemValue {
  readonly value: StatusValue
}

/**
 * All that the reports of a channel say together, within src/ddm/status/bounds.ts. The keys are identifiers,
 * names of items, and names of items again. The values are plain JSON.
 */
export interface ChannelStatus {
  readonly declarations: ReadonlyMap<string, ReportedDeclaration & Dated>
  readonly items: ReadonlyMap<string, ItemValue & Dated>
  readonly errors: ReadonlyMap<string, ItemError & Dated>
}

export interface StatusChange {
  /** The very same object when the report says nothing new, and so is each of its parts. */
  readonly after: ChannelStatus
  /** Names of items, also of those that are gone. */
  readonly changedItems: readonly string[]
  readonly changedDeclarations: readonly string[]
}

/** The status of a channel without a report. */
export const NO_STATUS: ChannelStatus = {
  declarations: new Map(),
  items: new Map(),
  errors: new Map(),
}

/**
 * Adds a report to the status of its channel. (Apple: "StatusReport") A full report replaces everything. Of
 * any other, the items replace those of the same name; in a list of dictionaries with an `identifier`, each
 * replaces the one of its identifier, and `_removed` deletes it. Removed declarations stop to appear, and
 * nothing says so: a declaration counts as removed when it is not offered.
 *
 * @param offered the tokens of the channel's manifest by identifier
 * @param at milliseconds
 */
export function mergeStatus(
  before: ChannelStatus,
  report: StatusReport,
  offered: ReadonlyMap<string, string>,
  at: number,
): StatusChange {
  const base = report.full ? NO_STATUS : before
  const declarations = dated(before.declarations, nextDeclarations(base, report, offered), at)
  const items = dated(before.items, nextItems(base, report), at)
  const errors = dated(before.errors, nextErrors(base, report), at)
  const changed = [declarations, items, errors].some((part) => part.changed.length > 0)
  return {
    after: changed
      ? { declarations: declarations.after, items: items.after, errors: errors.after }
      : before,
    changedItems: items.changed,
    changedDeclarations: declarations.changed,
  }
}

/** The new parts, with the older date where the content is the same. */
function dated<T extends object>(
  before: ReadonlyMap<string, T & Dated>,
  next: ReadonlyMap<string, T>,
  at: number,
): { readonly after: ReadonlyMap<string, T & Dated>; readonly changed: readonly string[] } {
  const after = new Map<string, T & Dated>()
  const changed = [...before.keys()].filter((key) => !next.has(key))
  for (const [key, content] of next) {
    const old = before.get(key)
    if (old && (old === content || isSameJson({ ...old, at }, { ...content, at }))) {
      after.set(key, old)
    } else {
      after.set(key, { ...content, at })
      changed.push(key)
    }
  }
  return { after: changed.length > 0 ? after : before, changed }
}

/** A report may have two declarations of one identifier: that with the token of the manifest counts. */
function nextDeclarations(
  base: ChannelStatus,
  report: StatusReport,
  offered: ReadonlyMap<string, string>,
): ReadonlyMap<string, ReportedDeclaration> {
  const next = new Map<string, ReportedDeclaration>(base.declarations)
  const exact = new Set<string>()
  for (const declaration of report.declarations) {
    const { identifier, token } = declaration
    const isExact = token === offered.get(identifier)
    if (isExact || !exact.has(identifier)) {
      next.set(identifier, declaration)
    }
    if (isExact) {
      exact.add(identifier)
    }
  }
  const known = [...next.values()].filter(({ identifier }) => offered.has(identifier))
  return new Map(
    withFewerReasons(known, DECLARATIONS_ROOM).map((one) => [one.identifier, one] as const),
  )
}

function nextItems(base: ChannelStatus, report: StatusReport): ReadonlyMap<string, ItemValue> {
  const next = new Map([...base.items].map(([name, { value }]) => [name, value] as const))
  for (const [name, value] of report.items) {
    next.set(name, upTo(MAX_ITEM_BYTES, mergedValue(next.get(name), value)))
  }
  const ageOf = (name: string): number =>
    report.items.has(name) ? Number.MAX_SAFE_INTEGER : (base.items.get(name)?.at ?? 0)
  const kept = [...withinRoom(next, ageOf)]
  return new Map(
    kept.map(([name, value]) => {
      const old = base.items.get(name)
      return [name, old?.value === value ? old : { value }] as const
    }),
  )
}

/** The elements are sorted by identifier: devices send equal lists in different orders. */
function mergedValue(before: StatusValue | undefined, now: StatusValue): StatusValue {
  if (!isList(now)) {
    return now
  }
  const changes = elementsOf(now)
  const hadElements = isOmitted(before) || elementsOf(before).size > 0
  if (changes.size === 0) {
    return now.length === 0 && before !== undefined && hadElements ? before : now
  }
  if (before !== undefined && isOmitted(before)) {
    return before
  }
  const merged = new Map([...elementsOf(before), ...changes])
  const present = [...merged].filter(([, element]) => !isRemoved(element))
  return present.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, element]) => element)
}

/** The dictionaries of a list by their `identifier`; empty for lists of other values. */
function elementsOf(value: StatusValue | undefined): ReadonlyMap<string, StatusValue> {
  const elements = isList(value) ? value : []
  return new Map(
    elements.flatMap((element) => {
      const identifier = isRawDict(element) ? element['identifier'] : undefined
      return typeof identifier === 'string' ? [[identifier, element] as const] : []
    }),
  )
}

function isRemoved(element: StatusValue): boolean {
  return isRawDict(element) && element['_removed'] === true
}

/** An error of an item stands until the item has a value, or a full report lacks the error. */
function nextErrors(base: ChannelStatus, report: StatusReport): ReadonlyMap<string, ItemError> {
  const now = new Map(report.errors.map((error) => [error.item, error] as const))
  const older = [...base.errors.values()].filter(
    ({ item }) => !now.has(item) && !report.items.has(item),
  )
  const newest = [...older, ...now.values()].slice(-MAX_ERRORS)
  return new Map(withFewerReasons(newest, ERRORS_ROOM).map((error) => [error.item, error] as const))
}
