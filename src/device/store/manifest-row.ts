/** The only SQL on `declarations`: what a channel is offered, and what its device reports. */
import { column } from '../../storage/db.ts'
import { createTables } from '../../storage/tables.ts'
import type { Context } from './context.ts'
import { saveDevice } from './rows/save.ts'
import { DECLARATION_TABLE } from './rows/schema.ts'
import type { ManifestRow } from './rows/manifest.ts'

const MANIFEST = 'manifest'

type Store = Pick<Context, 'db' | 'state'>

interface ChannelNumber {
  readonly id: number
}

/** What a channel is offered; `undefined` if it was never offered anything. */
export function manifestOfChannel(
  { db, state }: Store,
  { id }: ChannelNumber,
): ManifestRow | undefined {
  const { manifests } = state
  if (!manifests.has(id)) {
    const stored = valueOf({ db, state }, id, MANIFEST)
    manifests.set(id, stored === undefined ? undefined : JSON.parse(stored))
  }
  return manifests.get(id)
}

/** The same, if it is of the present enrolment: a device that enrols again has nothing of the earlier one. */
export function presentManifest(context: Store, channel: ChannelNumber): ManifestRow | undefined {
  const row = manifestOfChannel(context, channel)
  return row?.epoch === context.state.device.epoch ? row : undefined
}

export function saveManifest(context: Store, { id }: ChannelNumber, manifest: ManifestRow): void {
  context.state.manifests.set(id, manifest)
  saveValues(context, id, new Map([[MANIFEST, JSON.stringify(manifest)]]))
}

/** Whether any of these channels is offered a declaration that names a hosted file. */
export function namesFile({ db, state }: Store, sha256: string): boolean {
  const { device, channels } = state
  if (!device.declares) {
    return false
  }
  const ids = JSON.stringify(channels.map(({ id }) => id))
  return (
    db.all(
      `SELECT 1 FROM declarations WHERE name = ? AND channel IN (SELECT value FROM json_each(?))
        AND declarations.value ->> 'epoch' = ?
        AND EXISTS (SELECT 1 FROM json_each(declarations.value, '$.offered') AS item,
          json_each(item.value, '$.files') AS file WHERE file.value = ?)`,
      MANIFEST,
      ids,
      device.epoch,
      sha256,
    ).length > 0
  )
}

/** One value of a channel. */
export function valueOf({ db, state }: Store, channel: number, name: string): string | undefined {
  if (!state.device.declares) {
    return undefined
  }
  return column<string>(
    db,
    'SELECT value FROM declarations WHERE channel = ? AND name = ?',
    channel,
    name,
  )[0]
}

/** The values of a channel whose names begin so, in the order of their names. */
export function valuesOf(
  { db, state }: Store,
  channel: number,
  beginning: string,
): ReadonlyMap<string, string> {
  if (!state.device.declares) {
    return new Map()
  }
  const rows = db.all<{ name: string; value: string }>(
    `SELECT name, value FROM declarations WHERE channel = ? AND name >= ?2 AND name < ?2 || char(1114111)
      ORDER BY name`,
    channel,
    beginning,
  )
  return new Map(rows.map(({ name, value }) => [name, value]))
}

/** The greatest `id` in the values whose names begin so; 0 without one. */
export function lastId({ db, state }: Store, channel: number, beginning: string): number {
  if (!state.device.declares) {
    return 0
  }
  const query = `SELECT max(value ->> 'id') FROM declarations
    WHERE channel = ? AND name >= ?2 AND name < ?2 || char(1114111)`
  return column<number | null>(db, query, channel, beginning)[0] ?? 0
}

/** Writes the values of a channel; an `undefined` one is deleted. */
export function saveValues(
  { db, state }: Store,
  channel: number,
  values: ReadonlyMap<string, string | undefined>,
): void {
  if (!state.device.declares) {
    createTables(db, DECLARATION_TABLE)
    state.device.declares = true
    saveDevice({ state })
  }
  for (const [name, value] of values) {
    if (value === undefined) {
      db.run('DELETE FROM declarations WHERE channel = ? AND name = ?', channel, name)
    } else {
      db.run(
        'INSERT OR REPLACE INTO declarations (channel, name, value) VALUES (?, ?, ?)',
        channel,
        name,
        value,
      )
    }
  }
}

/** Deletes all that a channel reported. */
export function dropReports({ db, state }: Store, channel: number): void {
  if (state.device.declares) {
    db.run('DELETE FROM declarations WHERE channel = ? AND name <> ?', channel, MANIFEST)
  }
}

/** Deletes all of a channel that is deleted: its number may become that of another user. */
export function dropDeclarations({ db, state }: Store, { id }: ChannelNumber): void {
  state.manifests.delete(id)
  if (state.device.declares) {
    db.run('DELETE FROM declarations WHERE channel = ?', id)
  }
}
