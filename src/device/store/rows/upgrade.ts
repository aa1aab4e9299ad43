/** The tables of the version before the present one, and the way from there. */
import { storeParts } from '../../../storage/bodies.ts'
import { column, type Db, type SqlValue } from '../../../storage/db.ts'
import { createTables } from '../../../storage/tables.ts'
import { channelFrom, writeUserRow, type StoredChannel } from '../channel-row.ts'
import { TABLES } from './schema.ts'
import type { StoredState } from '../state.ts'

const BEFORE = 3
const MOVED = ['device', 'channels', 'identities', 'cursors', 'earlier']

const JSON_COLUMN = /^(facts|installed|contest|push|declarations|history|heard|renewal|device)$/
const FLAG = /^(blocked|hidden|enabled|awaiting_configuration|parked|reported|proven)$/

/** Moves the rows into the present tables. @returns the device's row; `undefined` for other versions */
export function upgradeTables(db: Db, tables: readonly string[]): StoredState | undefined {
  if (column<number>(db, 'SELECT schema FROM device')[0] !== BEFORE) {
    return undefined
  }
  const rows = (table: string): Row[] =>
    tables.includes(table) ? db.all(`SELECT * FROM ${table} ORDER BY 1`) : []
  const [device = {}] = moved<StoredState['device']>(rows('device'), ['id', 'schema'])
  const channels = moved<StoredChannel>(rows('channels'))
  const earlier = rows('earlier')
  const stored: StoredState = {
    device,
    channel: channels.find(({ id }) => id === 0) ?? { id: 0, user: '' },
    identities: moved(rows('identities')),
    cursors: moved<Cursor>(rows('cursors')).map(({ subscriber, seq }) => [subscriber, seq]),
    earlier: moved(earlier, ['channels']),
  }
  for (const table of MOVED) {
    db.run(`DROP TABLE IF EXISTS ${table}`)
  }
  createTables(db, TABLES)
  if (tables.includes('commands')) {
    liftCheck(db)
  }
  for (const one of channels.filter(({ id }) => id > 0)) {
    writeUserRow(db, channelFrom(one))
  }
  for (const { epoch, channels: kept } of earlier) {
    if (isBytes(kept)) {
      storeParts(db, 'earlier', Number(epoch), new Uint8Array(kept))
    }
  }
  return stored
}

/** The column had a check, which knew fewer reasons to hold a command. */
function liftCheck(db: Db): void {
  db.run("ALTER TABLE commands ADD COLUMN held TEXT NOT NULL DEFAULT ''")
  db.run('UPDATE commands SET held = held_for')
  db.run('ALTER TABLE commands DROP COLUMN held_for')
  db.run('ALTER TABLE commands RENAME COLUMN held TO held_for')
}

type Row = Readonly<Record<string, SqlValue>>

interface Cursor {
  readonly subscriber: string
  readonly seq: number
}

/** Rows as they are stored now: with JSON, with bytes as base64, and without columns that are `left`. */
function moved<Stored>(rows: readonly Row[], left: readonly string[] = []): Stored[] {
  const objects = rows.map((row) =>
    Object.fromEntries(
      Object.entries(row)
        .filter(([name]) => !left.includes(name))
        .map(([name, value]) => [
          name.replaceAll(/_(.)/g, (_, letter: string) => letter.toUpperCase()),
          movedValue(name, value),
        ]),
    ),
  )
  return JSON.parse(JSON.stringify(objects))
}

function movedValue(name: string, value: SqlValue): unknown {
  if (isBytes(value)) {
    return Buffer.from(new Uint8Array(value)).toString('base64')
  }
  if (FLAG.test(name)) {
    return value === 1
  }
  if (JSON_COLUMN.test(name)) {
    return value ? JSON.parse(String(value)) : undefined
  }
  return value
}

function isBytes(value: SqlValue | undefined): value is Uint8Array | ArrayBuffer {
  return value instanceof ArrayBuffer || value instanceof Uint8Array
}
