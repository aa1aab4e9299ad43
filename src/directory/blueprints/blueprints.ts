/** The only SQL on `blueprints` and `blueprint_versions`. */
import type { Blueprint } from '../../blueprints/blueprint.ts'
import type { NewBlueprint } from '../../blueprints/check.ts'
import { clock } from '../../clock.ts'
import { readAll, readOne, sql, writeAll } from '../sql.ts'

export interface StoredBlueprint {
  readonly blueprint: Blueprint
  /** Milliseconds. */
  readonly changedAt: number
}

interface BlueprintRow {
  readonly uuid: string
  readonly name: string
  readonly blueprint: string
  readonly version: number
  readonly changedAt: number
}

const BLUEPRINTS = sql`SELECT uuid, name, blueprint, version, changed_at AS changedAt FROM blueprints`

/** How long the copy of an isolate counts as current (milliseconds). A change that it makes ends this. */
const FRESH = 30_000
const copies = new WeakMap<D1Database, { readonly at: number; readonly all: Blueprint[] }>()

/** All blueprints, as they were at most 30 seconds ago. */
export async function knownBlueprints(d1: D1Database): Promise<readonly Blueprint[]> {
  const copy = copies.get(d1)
  if (copy && clock.now() - copy.at < FRESH) {
    return copy.all
  }
  const at = clock.now()
  const all = (await listBlueprints(d1)).map(({ blueprint }) => blueprint)
  // A read that began before a change may not contain it.
  if (copies.get(d1) === copy) {
    copies.set(d1, { at, all })
  }
  return all
}

function forgetBlueprints(d1: D1Database): void {
  copies.set(d1, { at: 0, all: [] })
}

/** All of them, in the order of their names. */
export async function listBlueprints(d1: D1Database): Promise<StoredBlueprint[]> {
  return (await readAll(d1, sql<BlueprintRow>`${BLUEPRINTS} ORDER BY name`)).map(readBlueprint)
}

export async function findBlueprint(
  d1: D1Database,
  uuid: string,
): Promise<StoredBlueprint | undefined> {
  const row = await readOne(d1, sql<BlueprintRow>`${BLUEPRINTS} WHERE uuid = ${uuid}`)
  return row && readBlueprint(row)
}

export async function findBlueprintNamed(
  d1: D1Database,
  name: string,
): Promise<StoredBlueprint | undefined> {
  const row = await readOne(d1, sql<BlueprintRow>`${BLUEPRINTS} WHERE name = ${name}`)
  return row && readBlueprint(row)
}

function readBlueprint({ uuid, name, blueprint, version, changedAt }: BlueprintRow) {
  const stored: Omit<Blueprint, 'uuid' | 'name' | 'version'> = JSON.parse(blueprint)
  return { blueprint: { ...stored, uuid, name, version }, changedAt }
}

/**
 * Stores a blueprint, which the caller has checked, in place of one with its uuid.
 *
 * @param ifVersion what its version has to be; 0: there has to be none
 * @returns its version, 1 for the first of its uuid; `undefined` if another blueprint has its name, or it has
 * another version: nothing is stored
 */
export async function storeBlueprint(
  d1: D1Database,
  { uuid, name, ...rest }: NewBlueprint,
  now: number,
  ifVersion?: number,
): Promise<number | undefined> {
  const present = sql`coalesce((SELECT version FROM blueprints WHERE uuid = ${uuid}), 0)`
  const isWanted = ifVersion === undefined ? sql`1` : sql`${present} = ${ifVersion}`
  const row = await readOne(
    d1,
    sql<{ version: number }>`INSERT INTO blueprints (uuid, name, blueprint, version, changed_at)
      SELECT ${uuid}, ${name}, ${JSON.stringify(rest)},
        coalesce((SELECT version FROM blueprint_versions WHERE uuid = ${uuid}), 0) + 1, ${now}
      WHERE NOT EXISTS (SELECT 1 FROM blueprints WHERE name = ${name} AND uuid <> ${uuid})
        AND ${isWanted}
      ON CONFLICT (uuid) DO UPDATE SET name = excluded.name, blueprint = excluded.blueprint,
        version = version + 1, changed_at = excluded.changed_at
      RETURNING version`,
  )
  forgetBlueprints(d1)
  return row?.version
}

/** It leaves its version, so that it can come back with a higher one. @returns whether there was one */
export async function removeBlueprint(d1: D1Database, uuid: string): Promise<boolean> {
  const [, removed] = await writeAll(d1, [
    sql`INSERT OR REPLACE INTO blueprint_versions (uuid, version)
      SELECT uuid, version FROM blueprints WHERE uuid = ${uuid}`,
    sql`DELETE FROM blueprints WHERE uuid = ${uuid}`,
  ])
  forgetBlueprints(d1)
  return removed.meta.changes > 0
}

/** The names of the blueprints that install a profile. */
export async function blueprintsWithProfile(d1: D1Database, id: string): Promise<string[]> {
  return (await listBlueprints(d1))
    .filter(({ blueprint }) => blueprint.steps.some((one) => one.do === 'profile' && one.id === id))
    .map(({ blueprint }) => blueprint.name)
}

/** The names of the blueprints that make the account of a setup user, by its uuid. */
export async function usersOfBlueprints(
  d1: D1Database,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const pairs = (await listBlueprints(d1)).flatMap(({ blueprint }) =>
    blueprint.steps.flatMap((step) =>
      step.do === 'account' && step.admin !== undefined
        ? [{ user: step.admin, name: blueprint.name }]
        : [],
    ),
  )
  const byUser = Map.groupBy(pairs, ({ user }) => user)
  return new Map([...byUser].map(([user, of]) => [user, of.map(({ name }) => name)]))
}
