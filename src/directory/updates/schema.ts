/** Policies of software updates. Their queries are SQL; migrations are made from these tables. */
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core'

export const softwareUpdates = sqliteTable('software_updates', {
  name: text('name').primaryKey(),
  /** JSON: src/ddm/updates/policy.ts. */
  policy: text('policy').notNull(),
  /** JSON: what the devices of each platform are to install. */
  targets: text('targets').notNull(),
  changedAt: integer('changed_at').notNull(),
})

/** One row: the list of OS versions. With a rowid, because it is long. */
export const osVersions = sqliteTable('os_versions', {
  id: integer('id').primaryKey(),
  /** Where it is fetched each day; empty for an uploaded one. */
  url: text('url').notNull(),
  /** JSON. */
  releases: text('releases').notNull(),
  /** When the list came; 0 for never. */
  fetchedAt: integer('fetched_at').notNull(),
  /** When it was last asked for. */
  triedAt: integer('tried_at').notNull(),
  /** Why that failed; empty if it did not. */
  error: text('error').notNull(),
})
