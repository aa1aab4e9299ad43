import type { Db } from '../../storage/db.ts'
import { PARTS_TABLE } from '../../storage/bodies.ts'
import type { RareTable } from '../../storage/rare-tables.ts'

/**
 * The object's tables. Written rows are the main cost (docs/architecture.md §24): integer keys, no
 * AUTOINCREMENT, no secondary index. store/commands/ids.ts has the numbering of commands.
 */

/** The tables that every device has, from its first commit on. */
const TABLES: Readonly<Record<string, string>> = {
  device: `(
    id INTEGER PRIMARY KEY CHECK (id = 1),
    schema INTEGER NOT NULL,
    name TEXT NOT NULL,
    type TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('unknown', 'authenticated', 'enrolled', 'checked_out')),
    facts TEXT NOT NULL,
    installed TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    blocked INTEGER NOT NULL,
    hidden INTEGER NOT NULL,
    namesake TEXT NOT NULL CHECK (namesake IN ('', 'called', 'contested')),
    contest TEXT NOT NULL,
    claimed_at INTEGER NOT NULL,
    renewed_at INTEGER NOT NULL,
    last_seen INTEGER NOT NULL,
    version INTEGER NOT NULL CHECK (version >= 0),
    projected INTEGER NOT NULL
  )`,
  channels: `(
    id INTEGER PRIMARY KEY,
    user TEXT NOT NULL,
    enabled INTEGER NOT NULL,
    token BLOB,
    token_at INTEGER NOT NULL,
    magic TEXT NOT NULL,
    topic TEXT NOT NULL,
    tally INTEGER NOT NULL,
    awaiting_configuration INTEGER NOT NULL,
    claim TEXT NOT NULL CHECK (claim IN ('none', 'wanted', 'made')),
    flag TEXT NOT NULL,
    flag_epoch INTEGER NOT NULL,
    pushed_at INTEGER NOT NULL,
    declarations TEXT NOT NULL,
    push_after INTEGER NOT NULL DEFAULT 0,
    push TEXT NOT NULL DEFAULT '',
    used_at INTEGER NOT NULL DEFAULT 0,
    parked INTEGER NOT NULL DEFAULT 0
  )`,
  identities: `(
    id INTEGER PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    ca_key TEXT NOT NULL,
    subject TEXT NOT NULL,
    not_after INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    proven_serial TEXT NOT NULL DEFAULT '',
    reported INTEGER NOT NULL,
    history TEXT NOT NULL,
    proof TEXT NOT NULL,
    heard TEXT NOT NULL
  )`,
  commands: `(
    id INTEGER PRIMARY KEY,
    uuid TEXT NOT NULL,
    request_type TEXT NOT NULL,
    state TEXT NOT NULL,
    rounds INTEGER NOT NULL,
    queued_at INTEGER NOT NULL,
    not_before INTEGER NOT NULL DEFAULT 0,
    expires_at INTEGER NOT NULL DEFAULT 0,
    first_handed_out_at INTEGER NOT NULL DEFAULT 0,
    handed_out_at INTEGER NOT NULL,
    handed_epoch INTEGER NOT NULL DEFAULT 0,
    hand_outs INTEGER NOT NULL DEFAULT 0,
    not_now_since INTEGER NOT NULL DEFAULT 0,
    not_now_at INTEGER NOT NULL,
    not_nows INTEGER NOT NULL DEFAULT 0,
    deferred INTEGER NOT NULL DEFAULT 0,
    answered_at INTEGER NOT NULL,
    ended_at INTEGER NOT NULL DEFAULT 0,
    result_hash TEXT NOT NULL,
    secret INTEGER NOT NULL,
    source TEXT NOT NULL,
    request_key TEXT NOT NULL DEFAULT '',
    request_hash TEXT NOT NULL DEFAULT '',
    push TEXT NOT NULL DEFAULT '',
    queued_by TEXT NOT NULL DEFAULT '',
    held_for TEXT NOT NULL DEFAULT ''
      CHECK (held_for IN ('', 'arrival', 'contest', 'earlier', 'review')),
    payload BLOB,
    result BLOB
  )`,
  events: `(
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    topic TEXT NOT NULL,
    at INTEGER NOT NULL,
    about TEXT NOT NULL,
    listeners TEXT,
    secret INTEGER NOT NULL,
    body BLOB
  )`,
}

/** Tables that few devices need. Creating a table writes rows, and every device has an object. */
export const RARE_TABLES: ReadonlyMap<string, RareTable> = new Map(
  Object.entries({
    cursors: {
      columns: ['subscriber TEXT NOT NULL', 'seq INTEGER NOT NULL'],
      key: 'subscriber',
    },
    aside: {
      columns: [
        'subscriber TEXT NOT NULL',
        'seq INTEGER NOT NULL',
        'tries INTEGER NOT NULL',
        'next_at INTEGER',
        "reason TEXT NOT NULL DEFAULT ''",
        'since INTEGER NOT NULL DEFAULT 0',
        'replay INTEGER NOT NULL DEFAULT 0',
      ],
      key: 'subscriber, seq',
    },
    escrow: {
      columns: [
        'id INTEGER PRIMARY KEY',
        "kind TEXT NOT NULL CHECK (kind IN ('unlock_token', 'bootstrap_token'))",
        'value BLOB NOT NULL',
        'stored_at INTEGER NOT NULL',
        'archived_at INTEGER NOT NULL',
        'proven INTEGER NOT NULL DEFAULT 1',
      ],
    },
    escrow_reads: {
      columns: [
        'id INTEGER PRIMARY KEY',
        'at INTEGER NOT NULL',
        'kind TEXT NOT NULL',
        'token INTEGER NOT NULL',
        'who TEXT NOT NULL',
        'address TEXT NOT NULL',
        'reason TEXT NOT NULL',
      ],
    },
    earlier: {
      columns: [
        'epoch INTEGER PRIMARY KEY',
        'parked_at INTEGER NOT NULL',
        'proven INTEGER NOT NULL',
        'since INTEGER NOT NULL',
        'renewal TEXT NOT NULL',
        'probe TEXT NOT NULL',
        'device TEXT NOT NULL',
        'channels BLOB',
      ],
    },
    parts: PARTS_TABLE,
  }),
)

/**
 * The version of the tables. The device's row has the object's version; the first use runs the steps between.
 */
export const SCHEMA = 3

/** The statements that lead to each version from the one before. */
const STEPS: Readonly<Record<number, readonly string[]>> = {
  // A claim in D1 replaces the object of a bare UserID. The user's next message makes the claim.
  2: [
    'ALTER TABLE channels RENAME COLUMN alias TO claim',
    "UPDATE channels SET claim = 'none'",
    "ALTER TABLE device ADD COLUMN namesake TEXT NOT NULL DEFAULT ''",
    'DROP TABLE IF EXISTS aliases',
    'UPDATE device SET schema = 2',
  ],
  // Identities have a proof: those that were bound before count as the first. All devices of a serial number
  // are listed, not one. Users beyond a bound are parked.
  3: [
    // An adopted device had no epoch.
    "UPDATE device SET epoch = 1 WHERE epoch = 0 AND state <> 'unknown'",
    'UPDATE identities SET epoch = 1 WHERE epoch = 0',
    "ALTER TABLE identities ADD COLUMN proof TEXT NOT NULL DEFAULT 'first'",
    "ALTER TABLE identities ADD COLUMN heard TEXT NOT NULL DEFAULT '[]'",
    "ALTER TABLE identities ADD COLUMN proven_serial TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE device ADD COLUMN contest TEXT NOT NULL DEFAULT ''",
    'ALTER TABLE device DROP COLUMN displaced',
    "ALTER TABLE commands ADD COLUMN held_for TEXT NOT NULL DEFAULT ''",
    "UPDATE commands SET held_for = 'arrival' WHERE state = 'held'",
    'ALTER TABLE commands ADD COLUMN handed_epoch INTEGER NOT NULL DEFAULT 0',
    'ALTER TABLE channels ADD COLUMN used_at INTEGER NOT NULL DEFAULT 0',
    'ALTER TABLE channels ADD COLUMN parked INTEGER NOT NULL DEFAULT 0',
    'ALTER TABLE escrow ADD COLUMN proven INTEGER NOT NULL DEFAULT 1',
    'UPDATE device SET schema = 3',
  ],
}

/** Creates the tables that every device needs, inside the commit that needs them. */
export function createTables(db: Db): void {
  for (const [name, columns] of Object.entries(TABLES)) {
    db.run(`CREATE TABLE ${name} ${columns}`)
  }
}

/**
 * Whether an object has tables, which are in the present version after this call. An object that never stored
 * anything has none, and reading it must not create them.
 */
export function hasTables(db: Db): boolean {
  const [device] = db.all("SELECT 1 FROM sqlite_master WHERE name = 'device'")
  if (!device) {
    return false
  }
  const [row] = db.all<{ schema: number }>('SELECT schema FROM device')
  for (let version = (row?.schema ?? SCHEMA) + 1; version <= SCHEMA; version++) {
    for (const statement of STEPS[version] ?? []) {
      db.run(statement)
    }
  }
  return true
}
