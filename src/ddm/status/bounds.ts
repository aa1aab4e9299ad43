/** What a report, and the status of a channel, may hold: about 1 MB together. */
import { bytesOf, type StatusValue } from './value.ts'

export const MAX_ITEMS = 400
export const MAX_ITEM_BYTES = 65_536
const ITEMS_ROOM = 524_288
export const MAX_DECLARATIONS = 2000
/** For the reasons of all declarations together, in bytes of JSON; {@link ERRORS_ROOM} likewise. */
export const DECLARATIONS_ROOM = 196_608
export const MAX_ERRORS = 100
export const ERRORS_ROOM = 65_536
/** Of an item's name. The longest of Apple has 52 letters. */
export const MAX_NAME = 200
/** Of a declaration's identifier. The longest that a server may send has 64 octets. */
export const MAX_IDENTIFIER = 128
/** The longest token that a server may send has 64 octets: a longer one equals none that was sent. */
export const MAX_TOKEN = 65

/** While all items together are too long, at least one is longer than this. */
const LARGE = ITEMS_ROOM / MAX_ITEMS

/**
 * The items for which there is room. The oldest leave first, of equal age the longest: all of them beyond
 * {@link MAX_ITEMS}, and long ones, with a mark, while there are too many bytes.
 *
 * @param ageOf a number that is smaller for older items
 */
export function withinRoom(
  items: ReadonlyMap<string, StatusValue>,
  ageOf: (name: string) => number,
): ReadonlyMap<string, StatusValue> {
  const sized = [...items].map(([name, value]) => ({ name, bytes: bytesOf(value) }))
  const leaving = sized.toSorted((a, b) => ageOf(a.name) - ageOf(b.name) || b.bytes - a.bytes)
  const after = new Map(items)
  for (const { name } of leaving.slice(0, Math.max(0, items.size - MAX_ITEMS))) {
    after.delete(name)
  }
  let total = sized.reduce((sum, { name, bytes }) => sum + (after.has(name) ? bytes : 0), 0)
  for (const { name, bytes } of leaving) {
    if (total > ITEMS_ROOM && bytes > LARGE && after.has(name)) {
      after.set(name, { $omitted: 'no room', bytes })
      total -= bytes
    }
  }
  return after
}
