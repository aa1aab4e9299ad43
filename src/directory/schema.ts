import { index, integer, sqliteTable, text } from 'drizzle-orm/sqlite-core'

/**
 * The directory: what can be listed, a projection of the Device objects' rows. An upsert takes only a newer
 * `version`, so order and repetition do not matter (design.md 2).
 */
export const devices = sqliteTable(
  'devices',
  {
    /** The object's name: UDID or EnrollmentID. */
    id: text('id').primaryKey(),
    type: text('type').notNull(),
    serialNumber: text('serial_number').notNull(),
    enrolled: integer('enrolled', { mode: 'boolean' }).notNull(),
    hidden: integer('hidden', { mode: 'boolean' }).notNull(),
    /** Another device has claimed this serial number since, and this one's object was told. */
    displaced: integer('displaced', { mode: 'boolean' }).notNull(),
    claimedAt: integer('claimed_at').notNull(),
    lastSeen: integer('last_seen').notNull(),
    deviceName: text('device_name').notNull(),
    model: text('model').notNull(),
    modelName: text('model_name').notNull(),
    productName: text('product_name').notNull(),
    osVersion: text('os_version').notNull(),
    buildVersion: text('build_version').notNull(),
    version: integer('version').notNull(),
  },
  (table) => [index('devices_serial').on(table.serialNumber)],
)

/** Which enrolment a certificate belongs to: claimed once, for good, so that no two devices share one. */
export const identities = sqliteTable('identities', {
  fingerprint: text('fingerprint').primaryKey(),
  enrollment: text('enrollment').notNull(),
})

/**
 * Configuration profiles that admins store. Base64, because D1 takes and gives bytes as arrays of numbers; with a rowid,
 * unlike the other tables, because its rows are long.
 */
export const profiles = sqliteTable('profiles', {
  identifier: text('identifier').primaryKey(),
  mobileconfig: text('mobileconfig').notNull(),
})
