import { PARTS_TABLE } from '../../../storage/bodies.ts'
import type { Tables } from '../../../storage/tables.ts'

/**
 * The object's tables, all made by its first commit. Each costs time in each enrolment, and written rows are
 * the main cost (docs/architecture.md §24): few tables, integer keys, no AUTOINCREMENT, no secondary index.
 * store/commands/ids.ts has the numbering of commands.
 */
export const TABLES: Tables = {
  device: `(
    id INTEGER PRIMARY KEY CHECK (id = 1),
    schema INTEGER NOT NULL,
    ended_to INTEGER NOT NULL,
    state TEXT NOT NULL
  )`,
  channels: `(
    id INTEGER PRIMARY KEY,
    user TEXT NOT NULL,
    parked INTEGER NOT NULL,
    used_at INTEGER NOT NULL,
    state TEXT NOT NULL
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
    held_for TEXT NOT NULL DEFAULT '',
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
  aside: `(
    subscriber TEXT NOT NULL,
    seq INTEGER NOT NULL,
    tries INTEGER NOT NULL,
    next_at INTEGER,
    reason TEXT NOT NULL,
    since INTEGER NOT NULL,
    replay INTEGER NOT NULL,
    PRIMARY KEY (subscriber, seq)
  ) WITHOUT ROWID`,
  escrow: `(
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    value BLOB NOT NULL,
    stored_at INTEGER NOT NULL,
    archived_at INTEGER NOT NULL,
    proven INTEGER NOT NULL
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
  parts: PARTS_TABLE,
}

/**
 * The table of declarations. It is made when a device is first offered one: then its row has `declares`. Each
 * value has a name: what a channel is offered, and what its device reports (docs/architecture.md §28).
 */
export const DECLARATION_TABLE: Tables = {
  declarations: `(
    channel INTEGER NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (channel, name)
  ) WITHOUT ROWID`,
}

/** The table of the runs of its setup. It is made when a device enrols for which there are blueprints. */
export const SETUP_TABLE: Tables = {
  setup: `(
    run INTEGER PRIMARY KEY,
    state TEXT NOT NULL
  )`,
}

/**
 * The version of the tables, in the device's row. A version only adds to the one before, whose code still
 * reads it (docs/upgrade.md).
 */
export const SCHEMA = 4
