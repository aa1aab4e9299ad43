/** The only SQL on `dep_devices` that writes. Times are milliseconds, but for `opDate`. */
import { Buffer } from 'node:buffer'
import {
  among,
  jsonOf,
  listedValue,
  readAll,
  readOne,
  type Sql,
  sql,
  write,
  writeAll,
} from '../sql.ts'

/** A device as Apple describes it now. */
export interface SeenDevice {
  readonly serial: string
  /** It is assigned to the account's server entry. */
  readonly live: boolean
  readonly profileUuid: string
  readonly profileStatus: string
  /** JSON of Apple's record, always with its keys in one order. */
  readonly record: string
  /** Of its newest change: ISO 8601 in UTC, or empty. */
  readonly opDate: string
  /** The profile that it needs; empty for none. */
  readonly wanted: string
}

/** Serial numbers of the devices whose rows differ from before. */
export interface PageChanges {
  readonly added: readonly string[]
  readonly changed: readonly string[]
  readonly removed: readonly string[]
}

/** What became of an assignment. */
export interface StoredOutcome {
  readonly serial: string
  readonly outcome: string
  readonly tries: number
  /** When to go on; 0 for never. */
  readonly dueAt: number
  /** Empty when nothing is to be done any more. */
  readonly wanted: string
}

/** An assignment that is due. */
export interface DueDevice {
  readonly serial: string
  readonly wanted: string
  readonly outcome: string
  readonly tries: number
}

/** Bytes: a parameter has 2 MB at most. */
const MAX_PARAMETER = 1_900_000
/** A change of a profile shows in the record too. */
const IS_CHANGED = sql`(excluded.live <> dep_devices.live OR (excluded.live
  AND excluded.record <> dep_devices.record))`
const HAS_PROFILE = sql`excluded.profile_status IN ('assigned', 'pushed')`
/** An assignment that waits goes on until Apple shows that it is done. */
const GOES_ON = sql`(dep_devices.wanted <> '' AND excluded.live
  AND NOT (excluded.profile_uuid = dep_devices.wanted AND ${HAS_PROFILE}))`
/** The outcome of a device whose profile a person took away. Rules leave it alone. */
export const UNASSIGNED = 'UNASSIGNED'
const STAYS_FREE = sql`(dep_devices.outcome = ${UNASSIGNED} AND dep_devices.live AND excluded.live
  AND NOT ${HAS_PROFILE})`

/**
 * Stores what a page says. A row that says the same is not written. Without `fresh`, an entry that is older
 * than what is known changes nothing. All of the page is stored, or nothing.
 *
 * @param fresh the records are true now, as those of a full fetch and of `POST /devices` are
 */
export async function storePage(
  d1: D1Database,
  account: string,
  page: { readonly devices: readonly SeenDevice[]; readonly fresh: boolean },
  now: number,
): Promise<PageChanges> {
  const changes = { added: [] as string[], changed: [] as string[], removed: [] as string[] }
  const chunks = chunksOf(page.devices)
  if (chunks.length === 0) {
    return changes
  }
  const results = await writeAll(
    d1,
    chunks.map((chunk) => storeSeen(account, chunk, page.fresh, now)),
  )
  const rows = results.flatMap((result) => result.results)
  for (const { serial, live, isNew } of rows.filter(({ isChanged }) => isChanged)) {
    changes[live ? (isNew ? 'added' : 'changed') : 'removed'].push(serial)
  }
  return changes
}

function storeSeen(
  account: string,
  chunk: string,
  fresh: boolean,
  now: number,
): Sql<{ serial: string; live: number; isNew: number; isChanged: number }> {
  const [live, wanted] = [listedValue('live'), listedValue('wanted')]
  return sql`INSERT INTO dep_devices (serial, account, live, profile_uuid, profile_status, record, op_date,
      added_at, changed_at, wanted, due_at)
    SELECT ${listedValue('serial')}, ${account}, ${live}, ${listedValue('profileUuid')},
      ${listedValue('profileStatus')}, ${listedValue('record')}, ${listedValue('opDate')}, ${now}, ${now},
      ${wanted}, CASE ${wanted} WHEN '' THEN 0 ELSE ${now} END
    FROM json_each(${chunk}) AS listed WHERE ${live} OR EXISTS (SELECT 1 FROM dep_devices AS known
      WHERE known.serial = ${listedValue('serial')} AND known.account = ${account})
    ON CONFLICT (serial, account) DO UPDATE SET
      live = excluded.live, profile_uuid = excluded.profile_uuid,
      profile_status = excluded.profile_status, 
      record = CASE WHEN excluded.live THEN excluded.record ELSE dep_devices.record END,
      op_date = max(dep_devices.op_date, excluded.op_date),
      added_at = CASE WHEN dep_devices.live THEN dep_devices.added_at ELSE excluded.added_at END,
      changed_at = CASE WHEN ${IS_CHANGED} THEN excluded.changed_at ELSE dep_devices.changed_at END,
      wanted = CASE WHEN ${GOES_ON} THEN dep_devices.wanted WHEN ${STAYS_FREE} THEN ''
        ELSE excluded.wanted END,
      outcome = CASE WHEN ${GOES_ON} OR ${STAYS_FREE} THEN dep_devices.outcome
        WHEN dep_devices.wanted <> '' AND excluded.live THEN 'SUCCESS' ELSE '' END,
      tries = CASE WHEN ${GOES_ON} THEN dep_devices.tries ELSE 0 END,
      due_at = CASE WHEN ${GOES_ON} THEN dep_devices.due_at WHEN ${STAYS_FREE} THEN 0
        ELSE excluded.due_at END
    WHERE (${Number(fresh)} OR excluded.op_date > dep_devices.op_date OR
        (excluded.op_date = dep_devices.op_date AND (excluded.live OR NOT dep_devices.live)))
      AND (${IS_CHANGED} OR ${fresh ? sql`0` : sql`excluded.op_date > dep_devices.op_date`} OR
        (excluded.wanted <> '' AND dep_devices.wanted = '' AND NOT ${STAYS_FREE}))
    RETURNING serial, live, added_at = ${now} AS isNew, changed_at = ${now} AS isChanged`
}

/** The items as JSON arrays, each short enough for a parameter. */
function chunksOf(items: readonly unknown[]): string[] {
  const whole = jsonOf(items)
  if (Buffer.byteLength(whole) <= MAX_PARAMETER || items.length < 2) {
    return items.length === 0 ? [] : [whole]
  }
  const middle = items.length >> 1
  return [...chunksOf(items.slice(0, middle)), ...chunksOf(items.slice(middle))]
}

/**
 * Marks the devices in a range of serial numbers that a full fetch did not contain: Apple has taken them from
 * the account. @returns their serial numbers
 */
export async function markAbsent(
  d1: D1Database,
  account: string,
  range: {
    /** The range begins behind this serial number. */
    readonly after: string
    /** The last one of the range; undefined for no end. */
    readonly until: string | undefined
    /** Those that are there, at most 20,000. */
    readonly present: readonly string[]
  },
  now: number,
): Promise<string[]> {
  const end = range.until === undefined ? sql`1` : sql`serial <= ${range.until}`
  const marked = sql<{ serial: string }>`UPDATE dep_devices SET live = 0, wanted = '', outcome = '',
      tries = 0, due_at = 0, changed_at = ${now}
    WHERE serial > ${range.after} AND ${end} AND account = ${account} AND live
      AND serial NOT IN ${among(range.present)} RETURNING serial`
  return (await readAll(d1, marked)).map(({ serial }) => serial)
}

/** The assignments that are due, the longest waiting first. */
export function dueDevices(
  d1: D1Database,
  account: string,
  now: number,
  limit: number,
): Promise<readonly DueDevice[]> {
  return readAll(
    d1,
    sql<DueDevice>`SELECT serial, wanted, outcome, tries FROM dep_devices
      WHERE account = ${account} AND due_at > 0 AND due_at <= ${now} ORDER BY due_at LIMIT ${limit}`,
  )
}

/** When the next assignment is due; undefined for none. */
export async function nextDue(d1: D1Database, account: string): Promise<number | undefined> {
  const next = sql<{ at: number | null }>`
    SELECT min(due_at) AS at FROM dep_devices WHERE account = ${account} AND due_at > 0`
  return (await readOne(d1, next))?.at ?? undefined
}

/** Stores outcomes of devices that are still assigned to the account. One that is known is not written. */
export async function storeOutcomes(
  d1: D1Database,
  account: string,
  outcomes: readonly StoredOutcome[],
): Promise<void> {
  for (const chunk of chunksOf(outcomes)) {
    await write(
      d1,
      sql`UPDATE dep_devices SET outcome = ${listedValue('outcome')}, tries = ${listedValue('tries')},
          due_at = ${listedValue('dueAt')}, wanted = ${listedValue('wanted')}
        FROM json_each(${chunk}) AS listed
        WHERE dep_devices.serial = ${listedValue('serial')} AND account = ${account} AND live
          AND (outcome, tries, due_at, wanted) <> (${listedValue('outcome')}, ${listedValue('tries')},
            ${listedValue('dueAt')}, ${listedValue('wanted')})`,
    )
  }
}

/**
 * Lets devices get a profile as soon as the account may call Apple. Those whose profile a person took away
 * stay as they are.
 */
export async function wantProfiles(
  d1: D1Database,
  account: string,
  wishes: readonly { readonly serial: string; readonly wanted: string }[],
  now: number,
): Promise<void> {
  for (const chunk of chunksOf(wishes)) {
    await write(
      d1,
      sql`UPDATE dep_devices SET wanted = ${listedValue('wanted')}, due_at = ${now}, tries = 0, outcome = ''
        FROM json_each(${chunk}) AS listed WHERE dep_devices.serial = ${listedValue('serial')}
          AND account = ${account} AND live AND wanted <> ${listedValue('wanted')}
          AND outcome <> ${UNASSIGNED}`,
    )
  }
}

/** Lets all devices that have one profile, or wait for it, get another one. @returns how many */
export function replaceWanted(
  d1: D1Database,
  account: string,
  { before, wanted }: { readonly before: readonly string[]; readonly wanted: string },
  now: number,
): Promise<number> {
  const olds = among(before)
  return write(
    d1,
    sql`UPDATE dep_devices SET wanted = ${wanted}, due_at = ${now}, tries = 0, outcome = ''
      WHERE account = ${account} AND live AND (wanted IN ${olds} OR (wanted <> ${wanted}
        AND profile_uuid IN ${olds} AND profile_status IN ('assigned', 'pushed')))`,
  )
}
