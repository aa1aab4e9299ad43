/** The only SQL on `declaration_channels` and `declaration_states`: what is true on the fleet. */
import {
  allOf,
  among,
  joined,
  jsonOf,
  named,
  readAll,
  readOne,
  type Sql,
  sql,
  writeAll,
} from '../sql.ts'
import {
  DECLARATION_STATES,
  shortContent,
  type ChannelStates,
  type DeclarationState,
  type StateEntry,
} from '../../ddm/states.ts'
import { bytesOf } from '../../ddm/status/value.ts'

/** Bytes of JSON in one statement: D1 takes 2 MB. */
const MOST_IN_STATEMENT = 1_000_000

/** Stores the states of channels, in few statements. The same states again write no row. */
export async function storeStates(
  d1: D1Database,
  channels: readonly ChannelStates[],
): Promise<void> {
  if (channels.length > 0) {
    await writeAll(d1, groupsOf(channels).flatMap(statementsFor))
  }
}

/** Bytes are counted: an id has up to a kilobyte, and stands beside each of its states. */
function groupsOf(channels: readonly ChannelStates[]): ChannelStates[][] {
  const groups: ChannelStates[][] = []
  let room = 0
  for (const channel of channels) {
    const { states, ...one } = channel
    const bytes = bytesOf(one) * (1 + states.length) + bytesOf(states)
    const group = groups.at(-1)
    if (group && bytes <= room) {
      group.push(channel)
    } else {
      groups.push([channel])
      room = MOST_IN_STATEMENT
    }
    room -= bytes
  }
  return groups
}

/** Whether the channel of a value has no later states. */
const IS_NEWEST = sql`EXISTS (SELECT 1 FROM declaration_channels WHERE enrollment = value ->> 'enrollment'
  AND version = value ->> 'version')`

function statementsFor(group: readonly ChannelStates[]): readonly Sql[] {
  const ofChannels = jsonOf(group.map((channel) => ({ ...channel, states: undefined })))
  const ofStates = jsonOf(
    group.flatMap(({ enrollment, version, states: own }) =>
      own.map((state) => ({ ...state, enrollment, version })),
    ),
  )
  const [channels, states] = [sql`json_each(${ofChannels})`, sql`json_each(${ofStates})`]
  return [
    sql`INSERT INTO declaration_channels (enrollment, version, revision, synced, reported_at, updates)
      SELECT value ->> 'enrollment', value ->> 'version', value ->> 'revision', value ->> 'synced',
      value ->> 'reportedAt', coalesce(value ->> 'updates', '') FROM ${channels} WHERE true
      ON CONFLICT (enrollment) DO UPDATE SET version = excluded.version,
      revision = excluded.revision, synced = excluded.synced, reported_at = excluded.reported_at,
      updates = excluded.updates WHERE excluded.version > version`,
    sql`INSERT INTO declaration_states (identifier, enrollment, state, code, content, since)
      SELECT value ->> 'identifier', value ->> 'enrollment', value ->> 'state', value ->> 'code',
      value ->> 'content', value ->> 'since' FROM ${states} WHERE ${IS_NEWEST}
      ON CONFLICT (identifier, enrollment) DO UPDATE SET state = excluded.state,
      code = excluded.code, content = excluded.content, since = excluded.since
      WHERE state <> excluded.state OR code <> excluded.code OR content <> excluded.content
      OR since <> excluded.since`,
    sql`DELETE FROM declaration_states WHERE enrollment IN
      (SELECT value ->> 'enrollment' FROM ${channels} WHERE ${IS_NEWEST})
      AND (identifier, enrollment) NOT IN
      (SELECT value ->> 'identifier', value ->> 'enrollment' FROM ${states})`,
  ]
}

export interface StateCount {
  readonly identifier: string
  readonly state: DeclarationState
  readonly code: string
  readonly count: number
}

/** How many channels have a declaration in each state, and with which reason. */
export function countStates(
  d1: D1Database,
  identifiers: readonly string[],
): Promise<readonly StateCount[]> {
  return readAll(
    d1,
    sql<StateCount>`SELECT identifier, state, code, count(*) AS count FROM declaration_states
      WHERE identifier IN ${among(identifiers)} GROUP BY 1, 2, 3 ORDER BY 1, 2, 4 DESC LIMIT 1000`,
  )
}

export type StateNumbers = Readonly<Record<DeclarationState, number>>

/**
 * How many channels have each declaration in each state. It reads every row, in the order of the primary key:
 * groups by the state too would sort all rows, while D1 answers no other statement.
 */
export function countAllStates(
  d1: D1Database,
): Promise<readonly (StateNumbers & { readonly identifier: string })[]> {
  const numbers = DECLARATION_STATES.map(
    (state) => sql`count(*) FILTER (WHERE state = ${state}) AS ${named(state)}`,
  )
  return readAll(
    d1,
    sql<StateNumbers & { identifier: string }>`SELECT identifier, ${joined(', ', numbers)}
      FROM declaration_states GROUP BY identifier`,
  )
}

/** How many channels report that a declaration failed. */
export async function countFailing(d1: D1Database): Promise<number> {
  const counted = sql<{ count: number }>`SELECT count(DISTINCT enrollment) AS count
    FROM declaration_states WHERE state = 'failed'`
  return (await readOne(d1, counted))?.count ?? 0
}

/** How many channels report each state of one content of a declaration. */
export async function countContent(
  d1: D1Database,
  identifier: string,
  content: string,
): Promise<ReadonlyMap<string, number>> {
  const counts = sql<{ state: string; count: number }>`SELECT state, count(*) AS count
    FROM declaration_states WHERE identifier = ${identifier} AND content = ${shortContent(content)}
    GROUP BY state`
  return new Map((await readAll(d1, counts)).map(({ state, count }) => [state, count]))
}

/** The failures of the fleet: each reason and declaration, and how many channels have it. */
export function countFailures(d1: D1Database): Promise<readonly StateCount[]> {
  return readAll(
    d1,
    sql<StateCount>`SELECT identifier, state, code, count(*) AS count FROM declaration_states
      WHERE state = 'failed' GROUP BY code, identifier ORDER BY count DESC, code, identifier
      LIMIT 1000`,
  )
}

export interface StateFilter {
  readonly identifier?: string | undefined
  readonly states: readonly DeclarationState[]
  readonly code?: string | undefined
  /** The last entry of the page before: an identifier and an enrolment id. */
  readonly after: readonly [identifier: string, enrollment: string]
  readonly limit: number
}

export interface FoundState extends StateEntry {
  readonly enrollment: string
}

/** A page of declarations on channels, in the order of identifiers and enrolments. */
export function searchStates(
  d1: D1Database,
  { identifier, states, code, after, limit }: StateFilter,
): Promise<readonly FoundState[]> {
  const wanted = allOf(
    sql`(identifier, enrollment) > (${after[0]}, ${after[1]})`,
    identifier === undefined ? undefined : sql`identifier = ${identifier}`,
    states.length === 0 ? undefined : sql`state IN ${among(states)}`,
    code === undefined ? undefined : sql`code = ${code}`,
  )
  return readAll(
    d1,
    sql<FoundState>`SELECT identifier, enrollment, state, code, content, since
      FROM declaration_states WHERE ${wanted} ORDER BY identifier, enrollment LIMIT ${limit}`,
  )
}

/** Forgets devices that are no longer enrolled, and their users. */
export function forgetStates(devices: readonly string[]): readonly Sql[] {
  const isOf = sql`enrollment = value OR (enrollment > value || ':' AND enrollment < value || ';')`
  const those = (table: Sql): Sql =>
    sql`SELECT enrollment FROM json_each(${jsonOf(devices)}) CROSS JOIN ${table} WHERE ${isOf}`
  return [sql`declaration_states`, sql`declaration_channels`].map(
    (table) => sql`DELETE FROM ${table} WHERE enrollment IN (${those(table)})`,
  )
}

/**
 * Forgets the users of a device but these: a device may name any number of users, one after the other.
 *
 * @param present enrolment ids
 */
export async function forgetOtherUsers(
  d1: D1Database,
  device: string,
  present: readonly string[],
): Promise<void> {
  const isOther = sql`enrollment > ${`${device}:`} AND enrollment < ${`${device};`}
    AND enrollment NOT IN ${among(present)}`
  await writeAll(
    d1,
    [sql`declaration_states`, sql`declaration_channels`].map(
      (table) => sql`DELETE FROM ${table} WHERE ${isOther}`,
    ),
  )
}
