/** The statements that read declarations for admins and devices. */
import { allOf, jsonOf, readAll, readOne, sql } from '../sql.ts'

export interface DeclarationSummary {
  readonly identifier: string
  readonly type: string
  readonly version: number
  readonly token: string
  readonly rollout: string
  readonly changedAt: number
}

/** A page of declarations, in the order of their identifiers. @param after an identifier, or empty */
export function listDeclarations(
  d1: D1Database,
  { after, limit, type, set, q }: DeclarationFilter,
): Promise<readonly DeclarationSummary[]> {
  const wanted = allOf(
    sql`identifier > ${after}`,
    type ? sql`type = ${type}` : undefined,
    q ? sql`instr(lower(identifier || ' ' || type), lower(${q})) > 0` : undefined,
    set
      ? sql`identifier IN (SELECT identifier FROM declaration_sets WHERE set_name = ${set})`
      : undefined,
  )
  return readAll(
    d1,
    sql<DeclarationSummary>`SELECT identifier, type, version,
      item ->> 'token' || iif(touches = 0, '', '.' || touches) AS token, rollout,
      changed_at AS changedAt FROM declarations WHERE ${wanted} ORDER BY identifier LIMIT ${limit}`,
  )
}

/** Those of the identifiers that are no declaration's. */
export async function missingDeclarations(
  d1: D1Database,
  identifiers: readonly string[],
): Promise<string[]> {
  const missing = sql<{ identifier: string }>`SELECT value AS identifier
    FROM json_each(${jsonOf(identifiers)}) WHERE value NOT IN (SELECT identifier FROM declarations)`
  return (await readAll(d1, missing)).map(({ identifier }) => identifier)
}

export interface DeclarationFilter {
  readonly after: string
  readonly limit: number
  readonly type?: string | undefined
  readonly set?: string | undefined
  /** A part of the identifier or of the type, in any case. */
  readonly q?: string | undefined
}

/** A content of a declaration. Times are milliseconds; `replacedAt` is 0 for the present one. */
export interface DeclarationVersion {
  readonly version: number
  readonly type: string
  readonly payload: string
  readonly content: string
  readonly createdAt: number
  readonly replacedAt: number
}

/** The contents of a declaration that are kept, newest first. */
export function listVersions(
  d1: D1Database,
  identifier: string,
): Promise<readonly DeclarationVersion[]> {
  return readAll(
    d1,
    sql<DeclarationVersion>`SELECT version, type, payload, content, created_at AS createdAt,
      replaced_at AS replacedAt FROM declaration_versions
      WHERE identifier = ${identifier} ORDER BY version DESC`,
  )
}

interface Content {
  readonly type: string
  /** JSON, as devices get it. */
  readonly payload: string
}

const MOST_CACHED = 200
const LONGEST_CACHED = 50_000
/** Contents never change, so this isolate keeps the ones that it read last. */
const cached = new Map<string, Content>()

/** The content of a declaration that a device was offered; `undefined` if it is no longer kept. */
export async function declarationContent(
  d1: D1Database,
  identifier: string,
  content: string,
): Promise<Content | undefined> {
  const key = `${identifier}\n${content}`
  const before = cached.get(key)
  if (before) {
    return before
  }
  const found = await readOne(
    d1,
    sql<Content>`SELECT type, iif(served = '', payload, served) AS payload FROM declaration_versions
      WHERE identifier = ${identifier} AND content = ${content} ORDER BY version DESC LIMIT 1`,
  )
  if (found && found.payload.length <= LONGEST_CACHED) {
    cached.set(key, found)
    const [oldest] = cached.keys()
    if (cached.size > MOST_CACHED && oldest !== undefined) {
      cached.delete(oldest)
    }
  }
  return found
}
