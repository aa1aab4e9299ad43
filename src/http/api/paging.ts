import { z } from './zod.ts'
import { faultAt } from '../request-error.ts'
import type { Counted, PageOf, Place } from '../../directory/order.ts'
import { answer } from './operation.ts'
import { digits } from './values.ts'

/** A list: its query, its cursors, and its answer `{items, next, total}`. */

/** How many items of a list one page holds. */
function limitUpTo(most: number, usual = Math.min(most, 100)) {
  const range = `has to be a whole number from 1 to ${most}`
  return digits(z.number(range).int(range).min(1, range).max(most, range))
    .default(usual)
    .openapi({ description: `how many items a page holds, up to ${most}`, example: usual })
}

const pageCursor = z.string().optional().openapi({ description: '`next` of the page before' })

export const pageQuery = { cursor: pageCursor, limit: limitUpTo(1000) }

/** The same for a list that calls an object for each item: the free plan allows fifty calls a request. */
export const shortPageQuery = { cursor: pageCursor, limit: limitUpTo(40, 20) }

/** The order of a list: a field's name, or `-` and the name for the opposite order. */
function sortBy<const Field extends string>(
  fields: readonly [Field, ...Field[]],
  usual: Field | `-${Field}` = fields[0],
) {
  const words = fields.flatMap((field): (Field | `-${Field}`)[] => [field, `-${field}`])
  const [first] = fields
  return z
    .enum(words)
    .optional()
    .transform((given) => {
      const word: string = given ?? usual
      return {
        word,
        field: fields.find((field) => word === field || word === `-${field}`) ?? first,
        descending: word.startsWith('-'),
      }
    })
    .openapi({
      description: `the order; with \`-\` the greatest first; ${usual} if left out`,
      example: usual,
    })
}

/** Values of a query parameter, between commas. */
export function several<Word extends z.ZodType>(word: Word, description: string) {
  return commaList(word, `${description}; one or more, between commas`)
}

/** How many values one parameter may have. */
const MAX_VALUES = 50

/** The same for values of any text. */
export function commaList<Item extends z.ZodType>(item: Item, description: string) {
  return z
    .preprocess(
      (text) => [text].flat().flatMap((part) => String(part).split(',')),
      z.array(item).max(MAX_VALUES),
    )
    .optional()
    .openapi({ description, param: { style: 'form', explode: false } } as object)
}

const nextCursor = z
  .string()
  .nullable()
  .openapi({ description: '`cursor` of the next page; null on the last one', example: null })

/** A page in a route's `responses`. */
export function listOf<Item extends z.ZodType>(
  description: string,
  item: Item,
  example: z.input<Item>,
) {
  const schema = z.object({
    items: z.array(item),
    next: nextCursor,
    total: z.int().nullable().openapi({
      description:
        'how many items all pages hold; null on later pages, and in lists that are not counted',
    }),
  })
  return answer(description, schema, { items: [example], next: null, total: null })
}

/** The answer of a list that is never longer than a page. */
export function wholeList<Item>(items: Item[]) {
  return { items, next: null, total: items.length }
}

/** An opaque cursor: where the next page begins. */
export function writeCursor(place: string | number): string {
  return Buffer.from(String(place)).toString('base64url')
}

/**
 * The groups of a cursor by the form of its list; `undefined` for the first page, which has no cursor.
 * @throws RequestError for a text that {@link writeCursor} did not write, or wrote for a list of another form
 */
export function readCursor(
  cursor: string | undefined,
  form: RegExp,
  at = 'query.cursor',
): string[] | undefined {
  if (cursor === undefined || cursor === '') {
    return undefined
  }
  const place = Buffer.from(cursor, 'base64url').toString()
  const parts = writeCursor(place) === cursor ? form.exec(place) : null
  return parts ? parts.slice(1) : badCursor(at)
}

function badCursor(at = 'query.cursor'): never {
  throw faultAt(
    at,
    'this is no `next` of this list: send `next` unchanged with the same `sort`, or leave it out for the ' +
      'first page',
    'invalid_cursor',
  )
}

/** A cursor that is a number, behind the name of its list. @throws RequestError */
export function numberCursor(cursor: string | undefined, name: string): number | undefined {
  const [place] = readCursor(cursor, new RegExp(`^${name} ([1-9]\\d{0,14})$`)) ?? []
  return place === undefined ? undefined : Number(place)
}

/** A page of a list whose pages begin at a number; it is not counted. */
export function numberedPage<Item>(name: string, items: Item[], next: number | undefined) {
  return { items, next: next === undefined ? null : writeCursor(`${name} ${next}`), total: null }
}

/** A page of D1's rows: one more row than the page holds was read, and shows whether there is a next page. */
export function pageOfRows<Row, Item>(
  { rows, total }: Counted<Row>,
  limit: number,
  as: { readonly item: (row: Row) => Item; readonly cursor: (row: Row) => string },
): { items: Item[]; next: string | null; total: number | null } {
  const page = rows.slice(0, limit)
  const last = rows.length > limit ? page.at(-1) : undefined
  return { items: page.map(as.item), next: last ? as.cursor(last) : null, total }
}

/** A value of {@link sortBy}: `word` is the value in the query. */
type Sort<Field extends string> = PageOf<Field>['sort'] & { readonly word: string }

/**
 * A list of D1's rows, sorted by one of the `fields`: its query, and its pages. Its cursors hold `name`: a
 * cursor of another list is refused.
 */
export function sortedList<const Field extends string>(
  name: string,
  fields: readonly [Field, ...Field[]],
  usual?: Field | `-${Field}`,
  size = pageQuery,
) {
  return {
    query: { ...size, sort: sortBy(fields, usual) },
    /** `place`: where in the order a row stands. @throws RequestError for a cursor of another list */
    async page<Row, Item>(
      asked: { readonly cursor?: string | undefined; limit: number; sort: Sort<Field> },
      as: {
        readonly read: (range: PageOf<Field>) => Promise<Counted<Row>>
        readonly item: (row: Row) => Item
        readonly place: (row: Row, field: Field) => Place
      },
    ) {
      const { cursor, limit, sort } = asked
      const found = await as.read({ sort, after: placeIn(cursor, name, sort), limit })
      return pageOfRows(found, limit, {
        item: as.item,
        cursor: (row) => placeCursor(name, sort, as.place(row, sort.field)),
      })
    },
  }
}

/** Where a page of a sorted list begins: the value and id of the row before it. @throws RequestError */
export function placeIn(
  cursor: string | undefined,
  name: string,
  sort: { readonly word: string },
): Place | undefined {
  const [json] = readCursor(cursor, new RegExp(`^${name} ${sort.word} (\\[.+\\])$`, 's')) ?? []
  if (json === undefined) {
    return undefined
  }
  const place = parsed(json)
  return Array.isArray(place) && isValue(place[0]) && typeof place[1] === 'string'
    ? { value: place[0], id: place[1] }
    : badCursor()
}

function isValue(value: unknown): value is Place['value'] {
  return typeof value === 'string' || Number.isSafeInteger(value)
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}

export function placeCursor(
  name: string,
  sort: { readonly word: string },
  { value, id }: Place,
): string {
  return writeCursor(`${name} ${sort.word} ${JSON.stringify([value, id])}`)
}
