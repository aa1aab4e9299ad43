import { valuesOf } from '../store/manifest-row.ts'
import type { Context } from '../store/context.ts'

/** Names of rows: each status item has one, and all declarations together one. */
export const ITEM = 'item/'
export const REPORTED = 'reported'
export const STATUS_ERRORS = 'errors'
export const REPORT = 'report/'

/** The value of a status item that a channel reported last; `undefined` for none. */
export function reportedItem(
  context: Pick<Context, 'db' | 'state'>,
  { id }: { readonly id: number },
  name: string,
): unknown {
  const stored = valuesOf(context, id, ITEM + name).get(ITEM + name)
  return stored === undefined ? undefined : Object(JSON.parse(stored))['value']
}
