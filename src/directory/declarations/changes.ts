/** The only SQL on `declaration_changes`: an outbox from the catalog to the round that tells devices. */
import { among, jsonOf, readAll, type Sql, sql, writeAll } from '../sql.ts'
import { REVISION } from './catalog.ts'

/** Stands for all devices: a rule may take any of them. */
export const EVERY_DEVICE = '*'

export interface ChangeTime {
  /** Milliseconds. */
  readonly now: number
  /** Devices hear of the change now, and not with a later one. */
  readonly notify: boolean
}

/** The first statement of each change of the catalog, in its batch. */
export const RAISE_REVISION = sql`INSERT INTO declaration_catalog (id, revision) VALUES (1, 1)
  ON CONFLICT (id) DO UPDATE SET revision = revision + 1`

const INSERT = sql`INSERT OR IGNORE INTO declaration_changes
  (revision, set_name, device, notify, forced, at)`

/** Notes that the sets with a declaration change. It stands in the batch of the change. */
export function noteDeclaration(identifier: string, { now, notify }: ChangeTime): Sql {
  return sql`${INSERT} SELECT (${REVISION}), set_name, '', ${Number(notify)}, 0, ${now}
    FROM declaration_sets WHERE identifier = ${identifier}`
}

/** Notes that a set or a device changes: the other name is empty. */
export function noteChangeOf(
  { set = '', device = '' }: { readonly set?: string; readonly device?: string },
  { now, notify }: ChangeTime,
  forced = false,
): Sql {
  return sql`${INSERT}
    VALUES ((${REVISION}), ${set}, ${device}, ${Number(notify)}, ${Number(forced)}, ${now})`
}

/** Notes that these devices change. */
export function noteDevices(devices: readonly string[], { now, notify }: ChangeTime): Sql {
  return sql`${INSERT} SELECT (${REVISION}), '', value, ${Number(notify)}, 0, ${now}
    FROM json_each(${jsonOf(devices)})`
}

/** Lets devices hear of all changes, also of those that were made without a notice. */
export const NOTIFY_ALL = sql`UPDATE declaration_changes SET notify = 1 WHERE notify = 0`

/** Changes that one pass tells to devices. */
export interface PendingChanges {
  readonly upTo: number
  readonly sets: readonly string[]
  readonly devices: readonly string[]
  readonly forced: boolean
  /** When the oldest forced one was made (milliseconds). */
  readonly since: number
}

interface ChangeRow {
  readonly revision: number
  readonly name: string
  readonly device: string
  readonly forced: number
  readonly at: number
}

const PENDING = sql<ChangeRow>`SELECT revision, set_name AS name, device, forced, at
  FROM declaration_changes WHERE notify = 1 AND forced = (SELECT forced FROM declaration_changes
    WHERE notify = 1 ORDER BY forced, revision LIMIT 1) ORDER BY revision LIMIT 2000`

/** The changes that devices are to hear of now; forced ones for themselves. */
export async function pendingChanges(d1: D1Database): Promise<PendingChanges | undefined> {
  const rows = await readAll(d1, PENDING)
  const last = rows.at(-1)
  return (
    last && {
      upTo: last.revision,
      sets: [...new Set(rows.map(({ name }) => name))].filter((name) => name !== ''),
      devices: [...new Set(rows.map(({ device }) => device))].filter((one) => one !== ''),
      forced: last.forced === 1,
      since: Math.min(...rows.map(({ at }) => at)),
    }
  )
}

/**
 * Removes the changes of a pass that has told them to all devices. Silent devices become changes of their own
 * in the same commit. If they are so many that their list was cut, all devices do.
 */
export async function settleChanges(
  d1: D1Database,
  { upTo, forced, sets, devices }: PendingChanges,
  silent: readonly string[],
  now: number,
): Promise<void> {
  const when = { now, notify: true }
  const rest =
    silent.length < MOST_SILENT
      ? silent.map((device) => noteChangeOf({ device }, when, forced))
      : [noteChangeOf({ set: EVERY_DEVICE }, when, forced)]
  const settled = sql`DELETE FROM declaration_changes WHERE notify = 1 AND forced = ${Number(forced)}
    AND revision <= ${upTo} AND set_name IN ${among(['', ...sets])}
    AND device IN ${among(['', ...devices])}`
  await writeAll(d1, [settled, ...rest])
}

/** A pass keeps so many silent devices. */
export const MOST_SILENT = 500

/** Devices that have not fetched their list for a while are offered it again. */
export function noteUnsynced({ now, notify }: ChangeTime): Sql {
  return sql`${INSERT} SELECT (${REVISION}), '', substr(enrollment, 1, instr(enrollment || ':', ':') - 1),
    ${Number(notify)}, 0, ${now} FROM declaration_channels WHERE synced = 0 LIMIT 1000`
}
