/** What has changed from one answer of a device to the next. */
import { titleOfKey } from '../../command-types/key-words.ts'
import { isJsonKeys, type Json, type JsonObject } from '../composer/draft.ts'
import { cellOf } from './cell.ts'
import { INFORMATION } from './labels.ts'
import type { TableBlock } from './view.ts'

/**
 * The facts that both answers to DeviceInformation have, with other values. A fact that one of them lacks was
 * not asked for then, so it says nothing.
 */
export function informationDifferences(before: JsonObject, now: JsonObject): TableBlock {
  const old = answersIn(before)
  const rows = Object.entries(answersIn(now)).flatMap(([key, value]) => {
    const was = old[key]
    if (was === undefined || JSON.stringify(was) === JSON.stringify(value)) {
      return []
    }
    const [label, unit] = LABELS.get(key) ?? [titleOfKey(key)]
    return [[cellOf(label), cellOf(was, unit), cellOf(value, unit)]]
  })
  return { kind: 'table', title: 'Differences', columns: ['Fact', 'Before', 'Now'], rows }
}

const LABELS = new Map(
  Object.values(INFORMATION).flatMap((rows) =>
    rows.map(([key, label, unit]) => [key, [label, unit] as const] as const),
  ),
)

function answersIn({ QueryResponses: answers }: JsonObject): JsonObject {
  const value: Json | undefined = answers
  return isJsonKeys(value) ? value : {}
}

/** The apps that came, went, or have another version, by their names. */
export function appDifferences(before: JsonObject, now: JsonObject): TableBlock {
  const [old, present] = [appsIn(before), appsIn(now)]
  const rows = [...new Map([...old, ...present])]
    .filter(([id]) => versionOf(old.get(id)) !== versionOf(present.get(id)))
    .map(([id, app]) => ({ name: textIn(app, 'Name') || id, id }))
    .toSorted((one, other) => one.name.localeCompare(other.name))
    .map(({ name, id }) => [
      cellOf(name),
      cellOf(versionOf(old.get(id))),
      cellOf(versionOf(present.get(id))),
    ])
  return { kind: 'table', title: 'Differences', columns: ['App', 'Before', 'Now'], rows }
}

/** By their bundle identifiers; an app without one goes by its name. */
function appsIn({ InstalledApplicationList: apps }: JsonObject): ReadonlyMap<string, JsonObject> {
  const list: readonly Json[] = Array.isArray(apps) ? apps : []
  return new Map(
    list.filter(isJsonKeys).map((app) => [textIn(app, 'Identifier') || textIn(app, 'Name'), app]),
  )
}

/** @returns nothing for an app that is not there */
function versionOf(app: JsonObject | undefined): string | undefined {
  return app && (textIn(app, 'ShortVersion') || textIn(app, 'Version') || 'no version')
}

function textIn(app: JsonObject, key: string): string {
  const value = app[key]
  return typeof value === 'string' ? value : ''
}
