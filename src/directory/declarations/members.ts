/** The only SQL on `enrollment_sets`: which channels an admin put into which sets. */
import { splitEnrollmentId } from '../../mdm/enrollment.ts'
import { jsonOf, readAll, readOne, sql, writeAll } from '../sql.ts'
import { noteChangeOf, noteDevices, RAISE_REVISION, type ChangeTime } from './changes.ts'
import type { Written } from './sets.ts'

/** The sets that an admin put a channel into, in the order of their names. @param id an enrolment id */
export async function setsOfEnrollment(d1: D1Database, id: string): Promise<string[]> {
  const { device, user } = splitEnrollmentId(id)
  const sets = sql<{ name: string }>`SELECT set_name AS name FROM enrollment_sets
    WHERE device = ${device} AND user = ${user} ORDER BY set_name`
  return (await readAll(d1, sets)).map(({ name }) => name)
}

/** Puts a channel into a set. Neither has to be known: a device that enrols later gets the declarations. */
export async function joinSet(
  d1: D1Database,
  id: string,
  set: string,
  when: ChangeTime,
): Promise<Written> {
  const { device, user } = splitEnrollmentId(id)
  if ((await setsOfEnrollment(d1, id)).includes(set)) {
    return 'same'
  }
  await writeAll(d1, [
    RAISE_REVISION,
    sql`INSERT OR IGNORE INTO enrollment_sets (device, user, set_name)
      VALUES (${device}, ${user}, ${set})`,
    noteChangeOf({ device }, when),
  ])
  return 'changed'
}

/** Takes a channel out of one set, or out of all. */
export async function leaveSets(
  d1: D1Database,
  id: string,
  set: string | undefined,
  when: ChangeTime,
): Promise<Written> {
  const { device, user } = splitEnrollmentId(id)
  const before = await setsOfEnrollment(d1, id)
  if (set === undefined ? before.length === 0 : !before.includes(set)) {
    return 'same'
  }
  const isTheSet = set === undefined ? sql`true` : sql`set_name = ${set}`
  await writeAll(d1, [
    RAISE_REVISION,
    sql`DELETE FROM enrollment_sets WHERE device = ${device} AND user = ${user} AND ${isTheSet}`,
    noteChangeOf({ device }, when),
  ])
  return 'changed'
}

export interface MemberChange {
  readonly set: string
  /** Enrolment ids. */
  readonly ids: readonly string[]
  /** Whether they join the set; else they leave it. */
  readonly joins: boolean
}

/** Puts channels into a set, or takes them out, in one step. @returns how many that changed */
export async function changeMembers(
  d1: D1Database,
  { set, ids, joins }: MemberChange,
  when: ChangeTime,
): Promise<number> {
  const pairs = [...new Set(ids)].map((id) => Object.values(splitEnrollmentId(id)))
  const changing = await readAll(
    d1,
    sql<Channel>`SELECT value ->> 0 AS device, value ->> 1 AS user FROM json_each(${jsonOf(pairs)})
      WHERE (value ->> 0, value ->> 1) ${joins ? sql`NOT IN` : sql`IN`}
        (SELECT device, user FROM enrollment_sets WHERE set_name = ${set})`,
  )
  if (changing.length === 0) {
    return 0
  }
  const channels = jsonOf(changing.map(({ device, user }) => [device, user]))
  await writeAll(d1, [
    RAISE_REVISION,
    joins
      ? sql`INSERT OR IGNORE INTO enrollment_sets (set_name, device, user)
          SELECT ${set}, value ->> 0, value ->> 1 FROM json_each(${channels})`
      : sql`DELETE FROM enrollment_sets WHERE set_name = ${set} AND (device, user) IN
          (SELECT value ->> 0, value ->> 1 FROM json_each(${channels}))`,
    noteDevices([...new Set(changing.map(({ device }) => device))], when),
  ])
  return changing.length
}

/** How many channels an admin put into a set. */
export async function countMembers(d1: D1Database, set: string): Promise<number> {
  const count = sql<{
    n: number
  }>`SELECT count(*) AS n FROM enrollment_sets WHERE set_name = ${set}`
  return (await readOne(d1, count))?.n ?? 0
}

interface Channel {
  readonly device: string
  readonly user: string
}

/** A page of a set's channels, in the order of their devices. @param after an enrolment id, or empty */
export function membersOfSet(
  d1: D1Database,
  set: string,
  after: string,
  limit: number,
): Promise<readonly Channel[]> {
  const { device, user } = splitEnrollmentId(after)
  return readAll(
    d1,
    sql<Channel>`SELECT device, user FROM enrollment_sets WHERE set_name = ${set}
      AND (device > ${device} OR (device = ${device} AND user > ${user}))
      ORDER BY device, user LIMIT ${limit}`,
  )
}

/** The devices behind a place that have a channel in one of these sets, in their order. */
export async function devicesOfSets(
  d1: D1Database,
  sets: readonly string[],
  after: string,
  limit: number,
): Promise<readonly string[]> {
  // The index has the devices of one set in order, so each set is read for itself.
  const pages = sets.map(
    (set) => sql<{ device: string }>`SELECT DISTINCT device FROM enrollment_sets
      WHERE set_name = ${set} AND device > ${after} ORDER BY device LIMIT ${limit}`,
  )
  const found = pages.length === 0 ? [] : await writeAll(d1, pages)
  const devices = new Set(found.flatMap(({ results }) => results.map(({ device }) => device)))
  return [...devices].toSorted().slice(0, limit)
}
