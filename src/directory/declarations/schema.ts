/** The catalog of declarations. Its queries are SQL; migrations are made from these tables. */
import { sql } from 'drizzle-orm'
import { index, integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core'

/** One row. Each change of the catalog raises the revision. */
export const declarationCatalog = sqliteTable('declaration_catalog', {
  id: integer('id').primaryKey(),
  revision: integer('revision').notNull(),
})

export const declarations = sqliteTable('declarations', {
  identifier: text('identifier').primaryKey(),
  type: text('type').notNull(),
  /** Of the content that is offered, in `declaration_versions`. */
  version: integer('version').notNull(),
  /** How often an admin made all devices fetch it again without a change. */
  touches: integer('touches').notNull(),
  /** JSON: what objects decide by (src/ddm/item.ts), without the identifier and the roll-out. */
  item: text('item').notNull(),
  /** JSON: the staged roll-out; empty without one. */
  rollout: text('rollout').notNull().default(''),
  changedAt: integer('changed_at').notNull(),
})

/** Contents. A deleted declaration leaves them, because devices may fetch what they were offered before. */
export const declarationVersions = sqliteTable(
  'declaration_versions',
  {
    identifier: text('identifier').notNull(),
    version: integer('version').notNull(),
    type: text('type').notNull(),
    /** JSON, as the admin wrote it. */
    payload: text('payload').notNull(),
    /** JSON, as devices get it; empty where that is the same. */
    served: text('served').notNull().default(''),
    /** SHA-256 of the content, its first 32 digits. */
    content: text('content').notNull(),
    createdAt: integer('created_at').notNull(),
    /** When another content took its place (milliseconds); 0 for the present one. */
    replacedAt: integer('replaced_at').notNull().default(0),
  },
  (table) => [primaryKey({ columns: [table.identifier, table.version] })],
)

/** Files that declarations name. Rows of replaced contents stay for devices that still fetch them. */
export const declarationFiles = sqliteTable(
  'declaration_files',
  {
    name: text('name').notNull(),
    sha256: text('sha256').notNull(),
    contentType: text('content_type').notNull(),
    size: integer('size').notNull(),
    /** The PayloadIdentifier of a configuration profile; empty for other files. */
    profile: text('profile').notNull().default(''),
    changedAt: integer('changed_at').notNull(),
    /** When the name moved on to another content (milliseconds); 0 for the present one. */
    replacedAt: integer('replaced_at').notNull().default(0),
  },
  (table) => [
    primaryKey({ columns: [table.name, table.sha256] }),
    index('declaration_files_sha256').on(table.sha256),
  ],
)

/** The contents of files. With a rowid, because its rows are long. */
export const declarationFileParts = sqliteTable(
  'declaration_file_parts',
  {
    sha256: text('sha256').notNull(),
    part: integer('part').notNull(),
    /** Sealed, in base64, because D1 passes bytes as arrays of numbers. */
    data: text('data').notNull(),
  },
  (table) => [primaryKey({ columns: [table.sha256, table.part] })],
)

export const declarationSets = sqliteTable(
  'declaration_sets',
  { set: text('set_name').notNull(), identifier: text('identifier').notNull() },
  (table) => [
    primaryKey({ columns: [table.set, table.identifier] }),
    index('declaration_sets_identifier').on(table.identifier),
  ],
)

/** Sets with a rule or a description. Others exist by their members. */
export const setRules = sqliteTable('set_rules', {
  set: text('set_name').primaryKey(),
  /** JSON; empty without a rule. */
  rule: text('rule').notNull(),
  description: text('description').notNull(),
  /** The capability that owns it, such as `software-updates`; empty for a set of an admin. */
  owner: text('owner').notNull().default(''),
})

/** How often a set has changed. The row stays when the set is deleted. */
export const setVersions = sqliteTable('set_versions', {
  set: text('set_name').primaryKey(),
  version: integer('version').notNull(),
})

/** Which channels an admin put into which sets. `user` is empty for the device channel. */
export const enrollmentSets = sqliteTable(
  'enrollment_sets',
  {
    device: text('device').notNull(),
    user: text('user').notNull(),
    set: text('set_name').notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.device, table.user, table.set] }),
    index('enrollment_sets_set').on(table.set, table.device),
  ],
)

/** Changes that devices are still to hear of. A name is empty where the row concerns the other one. */
export const declarationChanges = sqliteTable(
  'declaration_changes',
  {
    revision: integer('revision').notNull(),
    /** `*` stands for all devices. */
    set: text('set_name').notNull(),
    device: text('device').notNull(),
    /** Devices hear of it now, and not with a later change. */
    notify: integer('notify', { mode: 'boolean' }).notNull(),
    /** They synchronise even if nothing has changed for them. */
    forced: integer('forced', { mode: 'boolean' }).notNull(),
    at: integer('at').notNull(),
  },
  (table) => [primaryKey({ columns: [table.revision, table.set, table.device, table.forced] })],
)

/** A projection of the objects: one row for each channel that has a manifest. */
export const declarationChannels = sqliteTable('declaration_channels', {
  /** The enrolment id. */
  enrollment: text('enrollment').primaryKey(),
  /** Always rising: a later one replaces the states of an earlier one. */
  version: integer('version').notNull(),
  revision: integer('revision').notNull(),
  /** Whether the device has fetched the list that it is offered. */
  synced: integer('synced', { mode: 'boolean' }).notNull(),
  reportedAt: integer('reported_at').notNull(),
  /** JSON: what a device reports of updates (src/ddm/updates/report.ts); empty for nothing. */
  updates: text('updates').notNull().default(''),
})

/** What is true of each declaration on each channel. */
export const declarationStates = sqliteTable(
  'declaration_states',
  {
    identifier: text('identifier').notNull(),
    enrollment: text('enrollment').notNull(),
    /** `applied`, `pending`, `failed`, `inactive` or `withheld`. */
    state: text('state').notNull(),
    /** The code of the reason; of a withheld one, a sentence. */
    code: text('code').notNull(),
    /** The first digits of the content that is offered. */
    content: text('content').notNull(),
    since: integer('since').notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.identifier, table.enrollment] }),
    index('declaration_states_enrollment').on(table.enrollment),
    index('declaration_states_failed')
      .on(table.code, table.identifier)
      .where(sql`state = 'failed'`),
  ],
)
