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
