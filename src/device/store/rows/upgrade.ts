/** The tables of the version before the present one, and the way from there. */
import { storeParts } from '../../../storage/bodies.ts'
import { column, type Db } from '../../../storage/db.ts'
import { createTables } from '../../../storage/tables.ts'
import { channelFrom, writeUserRow, type StoredChannel } from '../channel-row.ts'
import { TABLES } from './schema.ts'
import type { StoredState } from '../state.ts'

const BEFORE = 3

/** Two objects of JSON become one: in production a function of SQL takes at most 32 arguments. */
const DEVICE = `SELECT json_patch(json_object('name', name, 'type', type, 'state', state,
  'facts', json(facts), 'installed', json(installed), 'epoch', epoch, 'blocked', ${flag('blocked')},
  'hidden', ${flag('hidden')}, 'namesake', namesake), json_object('contest', json(nullif(contest, '')),
  'claimedAt', claimed_at, 'renewedAt', renewed_at, 'lastSeen', last_seen, 'version', version,
  'projected', projected)) FROM device`

const CHANNELS = `SELECT json_patch(json_object('id', id, 'user', user, 'enabled', ${flag('enabled')},
  'token', hex(token), 'tokenAt', token_at, 'magic', magic, 'topic', topic, 'tally', tally,
  'awaitingConfiguration', ${flag('awaiting_configuration')}), json_object('claim', claim, 'flag', flag,
  'flagEpoch', flag_epoch, 'pushedAt', pushed_at, 'pushAfter', push_after, 'push', json(nullif(push, '')),
  'usedAt', used_at, 'parked', ${flag('parked')}, 'declarations', json(declarations)))
  FROM channels ORDER BY id`

const IDENTITIES = `SELECT json_object('id', id, 'fingerprint', fingerprint, 'caKey', ca_key,
  'subject', subject, 'notAfter', not_after, 'epoch', epoch, 'provenSerial', proven_serial,
  'reported', ${flag('reported')}, 'history', json(history), 'proof', proof, 'heard', json(heard))
  FROM identities ORDER BY id`

const CURSORS = 'SELECT json_array(subscriber, seq) FROM cursors'

const EARLIER = `SELECT json_object('epoch', epoch, 'parkedAt', parked_at, 'proven', ${flag('proven')},
  'since', since, 'renewal', json(renewal), 'probe', probe, 'device', json(device)) FROM earlier`

/** Moves the rows into the present tables. @returns the device's row; `undefined` for other versions */
export function upgradeTables(db: Db, tables: readonly string[]): StoredState | undefined {
  const [schema] = column<number>(db, 'SELECT schema FROM device')
  const [device] = schema === BEFORE ? readJson<StoredState['device']>(db, DEVICE) : []
  if (!device) {
    return undefined
  }
  const has = (table: string): boolean => tables.includes(table)
  const channels = readJson<StoredChannel>(db, CHANNELS).map(({ token, ...channel }) => ({
    ...channel,
    token: token ? Buffer.from(token, 'hex').toString('base64') : null,
  }))
  const channel = channels.find(({ id }) => id === 0) ?? { id: 0, user: '' }
  const stored: StoredState = {
    device,
    channel,
    identities: readJson(db, IDENTITIES),
    cursors: has('cursors') ? readJson(db, CURSORS) : [],
    earlier: has('earlier') ? readJson(db, EARLIER) : [],
  }
  const kept = has('earlier')
    ? db.all<{ epoch: number; channels: ArrayBuffer | Uint8Array | null }>(
        'SELECT epoch, channels FROM earlier',
      )
    : []
  for (const table of ['device', 'channels', 'identities', 'cursors', 'earlier']) {
    db.run(`DROP TABLE IF EXISTS ${table}`)
  }
  createTables(db, TABLES)
  for (const one of channels.filter(({ id }) => id > 0)) {
    writeUserRow(db, channelFrom(one))
  }
  for (const { epoch, channels: bytes } of kept) {
    if (bytes) {
      storeParts(db, 'earlier', epoch, new Uint8Array(bytes))
    }
  }
  return stored
}

/** SQL: a column of 0 or 1 as JSON. */
function flag(name: string): string {
  return `json(iif(${name}, 'true', 'false'))`
}

function readJson<Row>(db: Db, query: string): Row[] {
  // The present rows have no property in place of null.
  return column<string>(db, query).map((row) =>
    JSON.parse(row, (_, value: unknown) => (value === null ? undefined : value)),
  )
}
