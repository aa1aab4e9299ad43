/**
 * The only SQL on `device`: one row with the device, its channel, its identities and how far the subscribers
 * are. Most calls meet an object that is not in memory, so one query reads all that an Idle needs. Users
 * are a second query.
 */
import { column, type Db } from '../../../storage/db.ts'
import { refuseNewerRows } from '../../../storage/schema.ts'
import { beforeFirstWrite, createTables, tableNames } from '../../../storage/tables.ts'
import {
  channelFrom,
  HAS_USERS,
  newChannel,
  readUsersInUse,
  storedChannel,
  writeUserRow,
  type Channel,
} from '../channel-row.ts'
import { hasPendingAfter, LAST_COMMAND } from '../commands/pending.ts'
import type { Context } from '../context.ts'
import { newDevice, readDevice } from './device.ts'
import { LAST_EVENT } from '../events.ts'
import { SCHEMA, TABLES } from './schema.ts'
import { newQueue, type DeviceState, type StoredState } from '../state.ts'
import { upgradeTables } from './upgrade.ts'

interface Read {
  readonly schema: number
  readonly endedTo: number
  readonly state: string
  readonly hasUsers: number
  readonly lastSeq: number | null
  readonly lastCommand: number | null
  readonly pending: number
}

const READ = `SELECT schema, ended_to AS endedTo, state, ${HAS_USERS} AS hasUsers, ${LAST_EVENT} AS lastSeq,
  ${LAST_COMMAND} AS lastCommand, ${hasPendingAfter('ended_to')} AS pending FROM device`

/** For `ended_to` alone the row is written only if it lags by so many commands: a load reads their rows. */
const ENDED_LAG = 50

/** An object's rows in memory, and its database, whose tables the first commit makes. */
export interface Loaded {
  readonly state: DeviceState
  readonly db: Db
}

/** Reads the object's rows. */
export function loadState(db: Db, name: string): Loaded {
  const row = readRow(db)
  if (row) {
    refuseNewerRows('Device', row.schema, SCHEMA)
    return { state: stateOf(db, name, row), db }
  }
  const state = newState(name)
  const create = (): void => {
    createTables(db, TABLES)
    Object.assign(state, { isNew: false, changed: true })
  }
  return { state, db: beforeFirstWrite(db, create) }
}

/** The device, its channel or its identities have changed: this commit writes their row. */
export function saveDevice({ state }: Pick<Context, 'state'>): void {
  state.changed = true
}

/** A channel has changed: this commit writes its row. */
export function saveChannel({ db, state }: Pick<Context, 'db' | 'state'>, channel: Channel): void {
  if (channel.id === 0) {
    state.changed = true
  } else {
    writeUserRow(db, channel)
  }
}

/** The end of each commit: writes the device's row once, if anything in it has changed. */
export function writeState({ db, state }: Pick<Context, 'db' | 'state'>): void {
  const queue = state.queues.get(0)
  const endedTo = queue?.depth === 0 ? queue.lastId : state.endedTo
  if (!state.changed && endedTo - state.endedTo < ENDED_LAG) {
    return
  }
  const { device, channels, identities, storedCursors, earlier } = state
  const channel = storedChannel(channels[0] ?? newChannel(0, ''))
  insertRow(db, state.schema, endedTo, {
    device,
    channel,
    identities,
    cursors: [...storedCursors],
    earlier,
  })
  Object.assign(state, { endedTo, changed: false })
}

function insertRow(db: Db, schema: number, endedTo: number, stored: StoredState): void {
  db.run(
    'INSERT OR REPLACE INTO device (id, schema, ended_to, state) VALUES (1, ?, ?, ?)',
    schema,
    endedTo,
    JSON.stringify(stored),
  )
}

/** The row; `undefined` if the object has stored nothing. */
function readRow(db: Db): Read | undefined {
  try {
    return db.all<Read>(READ)[0]
  } catch (error) {
    // Only an object without tables, or with those of an earlier version, pays for a second query.
    const tables = tableNames(db)
    if (!tables.includes('device')) {
      return undefined
    }
    refuseNewerRows('Device', column<number>(db, 'SELECT schema FROM device')[0] ?? 0, SCHEMA)
    const stored = upgradeTables(db, tables)
    if (!stored) {
      throw error
    }
    insertRow(db, SCHEMA, 0, stored)
    return db.all<Read>(READ)[0]
  }
}

/** The state of an object without rows: what a query would find is known. */
function newState(name: string): DeviceState {
  return {
    isNew: true,
    schema: SCHEMA,
    changed: false,
    endedTo: 0,
    device: newDevice(name),
    channels: [newChannel(0, '')],
    identities: [],
    earlier: [],
    storedCursors: new Map(),
    cursors: undefined,
    queues: new Map([[0, { ...newQueue(0), pruned: true }]]),
    notifiedUntil: new Map(),
    unansweredPushes: new Map(),
    connectedAt: new Map(),
    manifests: new Map(),
    keptPushedAt: 0,
    lastMessageAt: 0,
    lastSeq: 0,
    pruned: true,
    retryAt: null,
    unmeasured: 0,
    setupsUntil: 0,
    offersUntil: 0,
  }
}

function stateOf(db: Db, name: string, row: Read): DeviceState {
  const { device, channel, identities, cursors, earlier }: StoredState = JSON.parse(row.state)
  const users = row.hasUsers === 1 ? readUsersInUse(db) : []
  const queues = new Map(row.pending === 1 ? [] : [[0, newQueue(row.lastCommand ?? 0)]])
  return {
    ...newState(name),
    isNew: false,
    schema: row.schema,
    endedTo: row.endedTo,
    device: readDevice(name, device),
    channels: [channelFrom(channel), ...users],
    identities: [...identities],
    earlier,
    storedCursors: new Map(cursors),
    queues,
    lastSeq: row.lastSeq ?? 0,
    pruned: false,
    retryAt: undefined,
    unmeasured: Infinity,
  }
}
