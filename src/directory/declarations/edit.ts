/** The only SQL that writes `declarations` and `declaration_versions`. */
import type { DeclarationItem, Rollout } from '../../ddm/item.ts'
import { readOne, type Sql, sql, write, writeAll } from '../sql.ts'
import { noteDeclaration, RAISE_REVISION, type ChangeTime } from './changes.ts'
import { setsOfDeclaration } from './sets.ts'

/** A declaration to store, checked by the caller. */
export interface NewDeclaration {
  readonly identifier: string
  readonly type: string
  /** JSON, as the admin wrote it. */
  readonly payload: string
  /** JSON, as devices get it, where that differs: it names files by their URLs. */
  readonly served?: string | undefined
  readonly item: Omit<DeclarationItem, 'identifier' | 'type' | 'rollout'>
  /** Only a share of the devices gets the new content at first. */
  readonly rollout?: Rollout
  /** Its version has to be this one; 0: there has to be none. */
  readonly ifVersion?: number | undefined
}

/** A declaration as its row has it. Times are milliseconds. */
export interface DeclarationRow {
  readonly identifier: string
  readonly type: string
  readonly version: number
  readonly touches: number
  readonly item: string
  readonly rollout: string
  readonly changedAt: number
  readonly payload: string
}

export type Stored = { readonly kind: 'created' | 'changed' | 'same'; readonly version: number }

/** How many contents are kept, besides those that devices may still fetch. */
const KEEP_VERSIONS = 20
/** How long devices may fetch a content that another one replaced (milliseconds). */
export const KEEP_FOR = 30 * 86_400_000

const ROW = sql`SELECT declarations.identifier, declarations.type, declarations.version, touches, item,
  rollout, changed_at AS changedAt, payload
  FROM declarations JOIN declaration_versions USING (identifier, version)`

/** The declaration with its present payload; `undefined` if there is none. */
export function readDeclaration(
  d1: D1Database,
  identifier: string,
): Promise<DeclarationRow | undefined> {
  return readOne(d1, sql<DeclarationRow>`${ROW} WHERE identifier = ${identifier}`)
}

/**
 * Stores a declaration. The same content in another form changes nothing.
 * @throws Error, and stores nothing, if its version is not `ifVersion`
 */
export async function storeDeclaration(
  d1: D1Database,
  declaration: NewDeclaration,
  when: ChangeTime,
): Promise<Stored> {
  const { identifier, type, payload, served = '', item, rollout, ifVersion } = declaration
  const before = await readDeclaration(d1, identifier)
  const stored: Omit<DeclarationItem, 'identifier'> | undefined = before && JSON.parse(before.item)
  if (before && stored?.token === item.token && before.rollout === '') {
    return { kind: 'same', version: before.version }
  }
  const latest = sql`(SELECT max(version) FROM declaration_versions WHERE identifier = ${identifier})`
  const present = sql`coalesce((SELECT version FROM declarations WHERE identifier = ${identifier}), 0)`
  const isWanted = ifVersion === undefined ? sql`1` : sql`${present} = ${ifVersion}`
  // Another writer may have been first. The column takes no NULL, so that the transaction ends.
  const next = sql`CASE WHEN ${isWanted} THEN coalesce(${latest}, 0) + 1 END`
  const [, , , read] = await writeAll(d1, [
    RAISE_REVISION,
    replaceContent(identifier, when.now),
    sql`INSERT INTO declaration_versions (identifier, version, type, payload, content, created_at, served)
      SELECT ${identifier}, ${next}, ${type}, ${payload}, ${item.token}, ${when.now},
        ${served}`,
    sql<{ version: number }>`
      INSERT INTO declarations (identifier, type, version, touches, item, rollout, changed_at)
      VALUES (${identifier}, ${type}, ${latest}, 0, ${JSON.stringify({ ...item, type })},
        ${rolloutText(rollout)}, ${when.now})
      ON CONFLICT (identifier) DO UPDATE SET type = excluded.type, version = excluded.version,
        item = excluded.item, rollout = excluded.rollout, changed_at = excluded.changed_at
      RETURNING version`,
    sql`DELETE FROM declaration_versions WHERE identifier = ${identifier}
      AND version <= ${latest} - ${KEEP_VERSIONS} AND replaced_at BETWEEN 1 AND ${when.now - KEEP_FOR}`,
    noteDeclaration(identifier, when),
  ])
  return { kind: before ? 'changed' : 'created', version: read.results[0]?.version ?? 1 }
}

function replaceContent(identifier: string, now: number): Sql {
  return sql`UPDATE declaration_versions SET replaced_at = ${now}
    WHERE identifier = ${identifier} AND replaced_at = 0`
}

function rolloutText(rollout: Rollout | undefined): string {
  return rollout ? JSON.stringify(rollout) : ''
}

/** Changes the share of a staged roll-out; `undefined` ends it: all devices get the new content. */
export async function changeRollout(
  d1: D1Database,
  identifier: string,
  rollout: Rollout | undefined,
  when: ChangeTime,
): Promise<void> {
  await writeAll(d1, [
    RAISE_REVISION,
    sql`UPDATE declarations SET rollout = ${rolloutText(rollout)} WHERE identifier = ${identifier}`,
    noteDeclaration(identifier, when),
  ])
}

/** Lets every device fetch a declaration again, unchanged. @returns whether there is one */
export async function touchDeclaration(
  d1: D1Database,
  identifier: string,
  when: ChangeTime,
): Promise<boolean> {
  if (!(await readDeclaration(d1, identifier))) {
    return false
  }
  await writeAll(d1, [
    RAISE_REVISION,
    sql`UPDATE declarations SET touches = touches + 1, changed_at = ${when.now}
      WHERE identifier = ${identifier}`,
    noteDeclaration(identifier, when),
  ])
  return true
}

export type Deleted =
  | { readonly kind: 'deleted' | 'unknown' }
  /** It is in these sets. */
  | { readonly kind: 'used'; readonly sets: readonly string[] }

/**
 * Deletes a declaration that is in no set. Its contents stay for devices that were offered it, and so that it
 * can come back with a rising version.
 */
export async function deleteDeclaration(
  d1: D1Database,
  identifier: string,
  now: number,
): Promise<Deleted> {
  const sets = await setsOfDeclaration(d1, identifier)
  if (sets.length > 0) {
    return { kind: 'used', sets }
  }
  const [, , deleted] = await writeAll(d1, [
    RAISE_REVISION,
    replaceContent(identifier, now),
    sql`DELETE FROM declarations WHERE identifier = ${identifier}`,
  ])
  return { kind: deleted.meta.changes === 1 ? 'deleted' : 'unknown' }
}

/** Removes contents of deleted declarations that no device can still need. */
export async function forgetContents(d1: D1Database, now: number): Promise<void> {
  await write(
    d1,
    sql`DELETE FROM declaration_versions WHERE replaced_at BETWEEN 1 AND ${now - KEEP_FOR}
      AND identifier NOT IN (SELECT identifier FROM declarations)`,
  )
}
