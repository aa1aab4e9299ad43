/**
 * Statements for D1. {@link sql} binds every value; only an {@link Sql} becomes a part of a text. Tables and
 * columns are those of src/directory/schema.ts, of which the Worker has the types alone.
 */
import type * as schema from './schema.ts'

type Tables = { readonly [Name in keyof typeof schema]: (typeof schema)[Name] }
export type Table = keyof Tables
/** The value of a parameter. */
type Value = string | number | null | Uint8Array
/** D1 takes and answers a boolean as 0 or 1. It answers bytes as an array of numbers. */
type Given<V> = V extends boolean ? number : V extends Uint8Array ? Uint8Array : V
type Stored<V> = V extends boolean ? number : V extends Uint8Array ? readonly number[] : V
type StoredRow<Name extends Table> = {
  readonly [Key in keyof Tables[Name]['$inferSelect']]: Stored<Tables[Name]['$inferSelect'][Key]>
}
export type KeyOf<Name extends Table> = keyof StoredRow<Name> & string
export type Picked<Name extends Table, Key extends KeyOf<Name>> = Pick<StoredRow<Name>, Key>
type NewRow<Name extends Table> = {
  readonly [Key in keyof Tables[Name]['$inferInsert']]: Given<Tables[Name]['$inferInsert'][Key]>
}
export type Expressions<Row> = { readonly [Key in keyof Row]: Sql<Row[Key]> }

/**
 * A statement, by what a row of its answer has, or a part of one. A class, so that nothing that comes from
 * outside passes for one.
 */
export class Sql<Answer = unknown> {
  declare readonly answer: Answer
  readonly text: string
  readonly values: readonly Value[]

  constructor(text: string, values: readonly Value[] = []) {
    this.text = text
    this.values = values
  }
}

/** A text with other parts, and with values that are bound. */
export function sql<Answer = unknown>(
  texts: readonly string[],
  ...parts: readonly (Sql | Value)[]
): Sql<Answer> {
  const inner = parts.map((part) => (part instanceof Sql ? part : new Sql('?', [part])))
  const text = texts.map((before, n) => before + (inner[n]?.text ?? '')).join('')
  return new Sql(
    text,
    inner.flatMap(({ values }) => values),
  )
}

/** Parts, with the same words between them. */
export function joined(between: string, parts: readonly Sql[]): Sql {
  const text = parts.map((part) => part.text).join(between)
  return new Sql(
    text,
    parts.flatMap(({ values }) => values),
  )
}

/** All of the conditions that are given. */
export function allOf(...conditions: readonly (Sql | undefined)[]): Sql {
  return joined(' AND ', [sql`1`, ...conditions.filter((condition) => condition !== undefined)])
}

/** One of the conditions at least. */
export function anyOf(conditions: readonly Sql[]): Sql {
  return sql`(${joined(' OR ', conditions)})`
}

/** The values of a list, for `IN`, as one parameter: a statement takes a hundred. */
export function among(values: readonly string[]): Sql {
  return sql`(SELECT value FROM json_each(${jsonOf(values)}))`
}

/** A member of a row of `json_each(…) AS listed`. */
export function listedValue(key: string): Sql {
  return new Sql(`listed.value ->> '${key}'`)
}

/**
 * Items as the JSON of one parameter, for `json_each`. SQLite would store half of a surrogate pair as bytes
 * that are no UTF-8.
 */
export function jsonOf(items: readonly unknown[]): string {
  return JSON.stringify(items, (_, value: unknown) =>
    typeof value === 'string' ? value.toWellFormed() : value,
  )
}

/** The column of a key, or the table of a name of schema.ts: `addedAt` is `added_at`. */
export function named(key: string): Sql {
  return new Sql(key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`))
}

function valueAs([key, value]: readonly [string, Sql]): Sql {
  return sql`${value} AS ${new Sql(key)}`
}

/** Columns by the keys of their rows. */
function columnsOf(keys: readonly string[]): Sql[] {
  return keys.map((key) => valueAs([key, named(key)]))
}

/** Reads columns of a table, and further expressions, from the rows that `rest` selects. */
export function select<Name extends Table, Key extends KeyOf<Name>, More = unknown>(
  table: Name,
  keys: readonly Key[],
  rest: Sql,
  more?: Expressions<More>,
): Sql<Picked<Name, Key> & More> {
  const others = Object.entries<Sql>(more ?? {}).map(valueAs)
  return sql`SELECT ${joined(', ', [...columnsOf(keys), ...others])} FROM ${named(table)} ${rest}`
}

/** A statement that answers columns of the rows that it wrote. */
export function returning<Name extends Table, Key extends KeyOf<Name>>(
  statement: Sql,
  _table: Name,
  keys: readonly Key[],
): Sql<Picked<Name, Key>> {
  return sql`${statement} RETURNING ${joined(', ', columnsOf(keys))}`
}

/** Inserts a row. `conflict` says what happens where there is one. */
export function insert<Name extends Table>(
  table: Name,
  row: NewRow<Name> & Readonly<Record<string, Value>>,
  conflict = sql``,
): Sql {
  const keys = joined(', ', Object.keys(row).map(named))
  const values = joined(
    ', ',
    Object.values(row).map((value) => sql`${value}`),
  )
  return sql`INSERT INTO ${named(table)} (${keys}) VALUES (${values}) ${conflict}`
}

/** The rows that a statement answers. */
export async function readAll<Row>(d1: D1Database, statement: Sql<Row>): Promise<Row[]> {
  return (await done(bound(d1, statement).all<Row>())).results
}

/** The first of them. */
export async function readOne<Row>(d1: D1Database, statement: Sql<Row>): Promise<Row | undefined> {
  return (await readAll(d1, statement))[0]
}

/** @returns how many rows the statement wrote */
export async function write(d1: D1Database, statement: Sql): Promise<number> {
  return (await done(bound(d1, statement).run())).meta.changes
}

export async function countRows(d1: D1Database, table: Table, condition: Sql): Promise<number> {
  const count = sql<{ n: number }>`SELECT count(*) AS n FROM ${named(table)} WHERE ${condition}`
  return (await readOne(d1, count))?.n ?? 0
}

/** Runs statements all or none. */
export async function writeAll<const Statements extends readonly Sql[]>(
  d1: D1Database,
  statements: Statements,
): Promise<{ [N in keyof Statements]: D1Result<Statements[N]['answer']> }> {
  const results = await done(d1.batch(statements.map((statement) => bound(d1, statement))))
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- D1 has a result for each statement
  return results as { [N in keyof Statements]: D1Result<Statements[N]['answer']> }
}

function bound(d1: D1Database, { text, values }: Sql): D1PreparedStatement {
  return d1.prepare(text).bind(...values)
}

async function done<Answer>(work: Promise<Answer>): Promise<Answer> {
  try {
    return await work
  } catch (cause) {
    throw new Error('Failed query', { cause })
  }
}
