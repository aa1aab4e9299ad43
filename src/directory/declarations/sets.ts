/** The only SQL on `declaration_sets`, `set_rules` and `set_versions`. */
import type { Rule } from '../../ddm/manifest/rule.ts'
import { among, jsonOf, readAll, readOne, type Sql, sql, writeAll } from '../sql.ts'
import { EVERY_DEVICE, noteChangeOf, RAISE_REVISION, type ChangeTime } from './changes.ts'

/** What a writer did. `same`: nothing had to change. */
export type Written = 'changed' | 'same'

export interface SetRow {
  readonly name: string
  /** JSON; empty without a rule. */
  readonly rule: string
  readonly description: string
  readonly owner: string
  /** How many declarations it has. */
  readonly declarations: number
  /** It rises with each change of the rule, the description or the declarations; 0: it has none of them. */
  readonly version: number
}

/** The sets with these names. @param names answers `name` */
function setRows(names: Sql): Sql<SetRow> {
  return sql`SELECT name, coalesce(rule, '') AS rule, coalesce(description, '') AS description,
    coalesce(owner, '') AS owner,
    (SELECT count(*) FROM declaration_sets WHERE set_name = name) AS declarations,
    ${presentVersion(sql`name`)} AS version
    FROM (${names}) LEFT JOIN set_rules ON set_rules.set_name = name ORDER BY name`
}

/** The version of a set. One from before there were versions has 1. */
function presentVersion(name: Sql): Sql {
  return sql`CASE WHEN EXISTS (SELECT 1 FROM set_rules WHERE set_name = ${name})
    OR EXISTS (SELECT 1 FROM declaration_sets WHERE set_name = ${name})
    THEN coalesce(${storedVersion(name)}, 1) ELSE 0 END`
}

/** A deleted set leaves its version, so that it can come back with a higher one. */
function storedVersion(name: Sql): Sql {
  return sql`(SELECT version FROM set_versions WHERE set_name = ${name})`
}

/** All sets that have declarations or a rule, in the order of their names. */
export function listSets(d1: D1Database): Promise<readonly SetRow[]> {
  return readAll(
    d1,
    setRows(
      sql`SELECT set_name AS name FROM declaration_sets UNION SELECT set_name FROM set_rules`,
    ),
  )
}

/** The identifiers of a set's declarations, in their order. */
export async function declarationsOfSet(d1: D1Database, set: string): Promise<string[]> {
  const found = sql<{ identifier: string }>`SELECT identifier FROM declaration_sets
    WHERE set_name = ${set} ORDER BY identifier`
  return (await readAll(d1, found)).map(({ identifier }) => identifier)
}

/** The sets of a declaration, in the order of their names. */
export async function setsOfDeclaration(d1: D1Database, identifier: string): Promise<string[]> {
  const sets = sql<{ name: string }>`SELECT set_name AS name FROM declaration_sets
    WHERE identifier = ${identifier} ORDER BY set_name`
  return (await readAll(d1, sets)).map(({ name }) => name)
}

/** The sets of some declarations: each pair of an identifier and a set, in the order of the sets. */
export function setsOfDeclarations(
  d1: D1Database,
  identifiers: readonly string[],
): Promise<readonly { readonly identifier: string; readonly name: string }[]> {
  return readAll(
    d1,
    sql<{ identifier: string; name: string }>`SELECT identifier, set_name AS name
      FROM declaration_sets WHERE identifier IN ${among(identifiers)} ORDER BY set_name`,
  )
}

/** Those of the names that are sets: with declarations, a rule, a description or members. */
export async function knownSets(d1: D1Database, names: readonly string[]): Promise<string[]> {
  const known = sql<{ name: string }>`SELECT value AS name FROM json_each(${jsonOf(names)}) WHERE
    EXISTS (SELECT 1 FROM set_rules WHERE set_name = value) OR
    EXISTS (SELECT 1 FROM declaration_sets WHERE set_name = value) OR
    EXISTS (SELECT 1 FROM enrollment_sets WHERE set_name = value)`
  return (await readAll(d1, known)).map(({ name }) => name)
}

/** A set. A name that is no set yet has an empty one. */
export async function readSet(d1: D1Database, name: string): Promise<SetRow> {
  const row = await readOne(d1, setRows(sql`SELECT ${name} AS name`))
  return row ?? { name, rule: '', description: '', owner: '', declarations: 0, version: 0 }
}

/** A declaration in a set. */
export type Link = readonly [set: string, identifier: string]

export interface LinkChange {
  readonly add: readonly Link[]
  readonly remove: readonly Link[]
}

/** What makes a list of links the wanted one: those of one set, or of one declaration. */
export function linkChange(
  before: readonly string[],
  wanted: readonly string[],
  link: (name: string) => Link,
): LinkChange {
  return {
    add: wanted.filter((name) => !before.includes(name)).map(link),
    remove: before.filter((name) => !wanted.includes(name)).map(link),
  }
}

/** Puts declarations into sets, and takes others out, in one step. The declarations have to exist. */
export function changeLinks(
  d1: D1Database,
  change: LinkChange,
  when: ChangeTime,
): Promise<Written> {
  const sets = [...change.add, ...change.remove].map(([set]) => set)
  return writeSets(d1, [...new Set(sets)], linking(change, when))
}

function linking({ add, remove }: LinkChange, when: ChangeTime): Sql[] {
  const sets = new Set([...add, ...remove].map(([set]) => set))
  return sets.size === 0
    ? []
    : [
        RAISE_REVISION,
        sql`INSERT OR IGNORE INTO declaration_sets (set_name, identifier) ${listed(add)}`,
        sql`DELETE FROM declaration_sets WHERE (set_name, identifier) IN (${listed(remove)})`,
        ...[...sets].map((set) => noteChangeOf({ set }, when)),
      ]
}

function listed(links: readonly Link[]): Sql {
  return sql`SELECT value ->> 0, value ->> 1 FROM json_each(${jsonOf(links)})`
}

/** Changes sets in one step, and raises their versions. @param statements none: nothing has to change */
async function writeSets(
  d1: D1Database,
  sets: readonly string[],
  statements: readonly Sql[],
  ifVersion?: number,
): Promise<Written> {
  if (statements.length === 0) {
    return 'same'
  }
  const present = presentVersion(sql`value`)
  const isWanted = ifVersion === undefined ? sql`1` : sql`${present} = ${ifVersion}`
  // Another writer may have been first. The column takes no NULL, so that the transaction ends.
  const raised = sql`INSERT INTO set_versions (set_name, version)
    SELECT value, CASE WHEN ${isWanted} THEN coalesce(${storedVersion(sql`value`)}, ${present}) + 1 END
    FROM json_each(${jsonOf(sets)}) WHERE 1
    ON CONFLICT (set_name) DO UPDATE SET version = excluded.version`
  await writeAll(d1, [raised, ...statements])
  return 'changed'
}

/** Puts a declaration into a set. `unknown`: there is no such declaration. */
export async function addToSet(
  d1: D1Database,
  set: string,
  identifier: string,
  when: ChangeTime,
): Promise<Written | 'unknown'> {
  const found = await readOne(
    d1,
    sql<{ known: number; there: number }>`
      SELECT EXISTS (SELECT 1 FROM declarations WHERE identifier = ${identifier}) AS known,
        EXISTS (${linkOf(set, identifier)}) AS there`,
  )
  if (found?.known !== 1) {
    return 'unknown'
  }
  if (found.there === 1) {
    return 'same'
  }
  return changeLinks(d1, { add: [[set, identifier]], remove: [] }, when)
}

function linkOf(set: string, identifier: string): Sql {
  return sql`SELECT 1 FROM declaration_sets WHERE set_name = ${set} AND identifier = ${identifier}`
}

/** Takes a declaration out of a set. */
export async function removeFromSet(
  d1: D1Database,
  set: string,
  identifier: string,
  when: ChangeTime,
): Promise<Written> {
  if (!(await readOne(d1, linkOf(set, identifier)))) {
    return 'same'
  }
  return changeLinks(d1, { add: [], remove: [[set, identifier]] }, when)
}

export interface SetDescription {
  readonly name: string
  readonly rule: Rule | undefined
  readonly description: string
  readonly owner?: string
}

/** Stores the rule and the description of a set. */
export async function describeSet(
  d1: D1Database,
  described: SetDescription,
  when: ChangeTime,
): Promise<Written> {
  return writeSets(d1, [described.name], await describing(d1, described, when))
}

/** Every device may be concerned by a rule, old or new. */
async function describing(
  d1: D1Database,
  { name, rule, description, owner = '' }: SetDescription,
  when: ChangeTime,
): Promise<Sql[]> {
  const before = await readOne(
    d1,
    sql<Pick<SetRow, 'rule' | 'description' | 'owner'>>`
      SELECT rule, description, owner FROM set_rules WHERE set_name = ${name}`,
  )
  const text = rule ? JSON.stringify(rule) : ''
  if (before?.rule === text && before.description === description && before.owner === owner) {
    return []
  }
  const isRuled = text !== (before?.rule ?? '')
  return [
    ...(isRuled ? [RAISE_REVISION] : []),
    sql`INSERT OR REPLACE INTO set_rules (set_name, rule, description, owner)
      VALUES (${name}, ${text}, ${description}, ${owner})`,
    ...(isRuled ? [noteChangeOf({ set: EVERY_DEVICE }, when)] : []),
  ]
}

/**
 * Stores a set in one step. @param declarations all that it has; left out: they stay
 * @throws Error, and stores nothing, if its version is not `ifVersion` (0: it has to be new)
 */
export async function putSet(
  d1: D1Database,
  {
    declarations,
    ifVersion,
    ...described
  }: SetDescription & {
    readonly declarations?: readonly string[] | undefined
    readonly ifVersion?: number | undefined
  },
  when: ChangeTime,
): Promise<Written> {
  const { name } = described
  const before = declarations && (await declarationsOfSet(d1, name))
  const links = before && linkChange(before, declarations, (one): Link => [name, one])
  const statements = [
    ...(await describing(d1, described, when)),
    ...(links ? linking(links, when) : []),
  ]
  return writeSets(d1, [name], statements, ifVersion)
}

/** Deletes a set: its declarations leave its members. The memberships stay, as for a set without content. */
export async function deleteSet(d1: D1Database, name: string, when: ChangeTime): Promise<Written> {
  const there = await readOne(
    d1,
    sql<{ rule: string | null; filled: number }>`
      SELECT (SELECT rule FROM set_rules WHERE set_name = ${name}) AS rule,
        EXISTS (SELECT 1 FROM declaration_sets WHERE set_name = ${name}) AS filled`,
  )
  if (!there || (there.rule === null && there.filled === 0)) {
    return 'same'
  }
  return writeSets(
    d1,
    [name],
    [
      RAISE_REVISION,
      sql`DELETE FROM declaration_sets WHERE set_name = ${name}`,
      sql`DELETE FROM set_rules WHERE set_name = ${name}`,
      noteChangeOf({ set: there.rule ? EVERY_DEVICE : name }, when),
    ],
  )
}
