import type { Db } from './db.ts'

/**
 * The object's tables. Rows written are the bill (design.md, last section): integer keys, no AUTOINCREMENT,
 * no secondary index. A command's id is its channel's id times CHANNEL_SPAN plus a number of its own, so that
 * a channel's queue is one range of the table.
 */
export const CHANNEL_SPAN = 2 ** 40

/** Columns by table. Each table is a row written, and an object is made for every device: so what few need waits until it is needed. */
const TABLES = {
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
    displaced INTEGER NOT NULL,
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
    alias TEXT NOT NULL CHECK (alias IN ('none', 'wanted', 'made')),
    flag TEXT NOT NULL,
    flag_epoch INTEGER NOT NULL,
    pushed_at INTEGER NOT NULL,
    declarations TEXT NOT NULL,
    push_after INTEGER NOT NULL DEFAULT 0,
    push TEXT NOT NULL DEFAULT ''
  )`,
  identities: `(
    id INTEGER PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    ca_key TEXT NOT NULL,
    subject TEXT NOT NULL,
    not_after INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    reported INTEGER NOT NULL,
    history TEXT NOT NULL
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
  cursors: '(subscriber TEXT PRIMARY KEY, seq INTEGER NOT NULL) WITHOUT ROWID',
  aside: `(
    subscriber TEXT NOT NULL,
    seq INTEGER NOT NULL,
    tries INTEGER NOT NULL,
    next_at INTEGER,
    reason TEXT NOT NULL DEFAULT '',
    since INTEGER NOT NULL DEFAULT 0,
    replay INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (subscriber, seq)
  ) WITHOUT ROWID`,
  escrow: `(
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('unlock_token', 'bootstrap_token')),
    value BLOB NOT NULL,
    stored_at INTEGER NOT NULL,
    archived_at INTEGER NOT NULL
  )`,
  escrow_reads: `(
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    token INTEGER NOT NULL,
    who TEXT NOT NULL,
    address TEXT NOT NULL,
    reason TEXT NOT NULL
  )`,
  aliases: `(
    owner TEXT NOT NULL,
    user TEXT NOT NULL,
    PRIMARY KEY (owner, user)
  ) WITHOUT ROWID`,
  parts: `(
    body TEXT NOT NULL,
    ref INTEGER NOT NULL,
    part INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (body, ref, part)
  ) WITHOUT ROWID`,
} as const

type Table = keyof typeof TABLES

/** What every device has from its first commit on. */
const FIRST: readonly Table[] = ['device', 'channels', 'identities', 'commands', 'events']

/**
 * Which of the tables' forms an object has, kept in its own row: when they change, the steps between two forms are
 * numbered here and taken on first use (design.md 15). Nothing was ever deployed with another form than this.
 */
export const SCHEMA = 1

/** Makes the tables that every device needs, inside the commit that needs them. */
export function createTables(db: Db): void {
  for (const name of FIRST) {
    db.run(definition(name))
  }
}

/** An object that never stored anything has no tables, and reading one must not make them. */
export function tablesOf(db: Db): ReadonlySet<Table> {
  return new Set(db.all<{ name: Table }>('SELECT name FROM sqlite_master').map(({ name }) => name))
}

export function hasTable(db: Db, name: Table): boolean {
  return db.all('SELECT 1 FROM sqlite_master WHERE name = ?', name).length > 0
}

function definition(name: Table): string {
  return `CREATE TABLE ${name} ${TABLES[name]}`
}

function isTable(name: string): name is Table {
  return name in TABLES
}

/** The same database, but that it makes a table of ours when a statement names one that is missing. */
export function withTables(db: Db): Db {
  const repeated = <Answer>(statement: () => Answer): Answer => {
    for (;;) {
      try {
        return statement()
      } catch (error) {
        const [, missing = ''] = /no such table: (\w+)/.exec(String(error)) ?? []
        if (!isTable(missing)) {
          throw error
        }
        db.run(definition(missing))
      }
    }
  }
  return {
    all: (query, ...values) => repeated(() => db.all(query, ...values)),
    run: (query, ...values) => {
      repeated(() => {
        db.run(query, ...values)
      })
    },
  }
}
