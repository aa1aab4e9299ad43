/** Bounds on what Apple's answers leave in rows: one answer must not make a row that no query can read. */
import { isObject } from '../apple/declarations.ts'

/** SQLite reads JSON of up to 1,000 levels. Apple's records have two. */
const MAX_LEVELS = 10
/** Characters of JSON. A record of Apple has some hundred, the details of an account some thousand. */
const MAX_JSON = 50_000

/** The object without values that are nested deeply; empty if it is none, or too long. */
export function shallowJson(json: unknown): Readonly<Record<string, unknown>> {
  const entries = Object.entries(isObject(json) ? json : {}).filter(([, value]) => isFlat(value))
  const bounded = Object.fromEntries(entries)
  return JSON.stringify(bounded).length > MAX_JSON ? {} : bounded
}

function isFlat(value: unknown, levels = MAX_LEVELS): boolean {
  return (
    typeof value !== 'object' ||
    value === null ||
    (levels > 0 && Object.values(value).every((one) => isFlat(one, levels - 1)))
  )
}
