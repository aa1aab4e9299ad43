/** The setup of new devices. Its queries are SQL; migrations are made from these tables. */
import { blob, integer, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core'

export const blueprints = sqliteTable(
  'blueprints',
  {
    uuid: text('uuid').primaryKey(),
    name: text('name').notNull(),
    /** JSON: src/blueprints/blueprint.ts. */
    blueprint: text('blueprint').notNull(),
    version: integer('version').notNull(),
    changedAt: integer('changed_at').notNull(),
  },
  (table) => [uniqueIndex('blueprints_name').on(table.name)],
)

/** The last versions of deleted blueprints: one that comes back goes on from there. */
export const blueprintVersions = sqliteTable('blueprint_versions', {
  uuid: text('uuid').primaryKey(),
  version: integer('version').notNull(),
})

/** MicroMDM's users: administrator accounts that a Mac gets while it is set up. */
export const setupUsers = sqliteTable('setup_users', {
  uuid: text('uuid').primaryKey(),
  shortName: text('short_name').notNull(),
  longName: text('long_name').notNull(),
  hidden: integer('hidden', { mode: 'boolean' }).notNull(),
  /** Each device gets a password of its own. */
  generates: integer('generates', { mode: 'boolean' }).notNull().default(false),
  /** JSON with the password hash and MicroMDM's other fields, sealed for `directory/setup_users/{uuid}`. */
  sealed: blob('sealed', { mode: 'buffer' }).notNull(),
  changedAt: integer('changed_at').notNull(),
})
