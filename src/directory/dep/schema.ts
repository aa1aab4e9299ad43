/** Automated Device Enrollment. Its queries are SQL; migrations are made from these tables. */
import { sql } from 'drizzle-orm'
import { blob, index, integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core'

/** Key pairs whose certificates an admin uploads to Apple. */
export const depKeys = sqliteTable('dep_keys', {
  /** The certificate's serial number, hexadecimal: a token file names it. */
  serial: text('serial').primaryKey(),
  /** The account whose token came for it last; empty as long as it waits for a token. */
  account: text('account').notNull().default(''),
  certificate: blob('certificate', { mode: 'buffer' }).notNull(),
  /** PKCS#8, sealed for the place `directory/dep_keys/{serial}`. */
  sealedKey: blob('sealed_key', { mode: 'buffer' }).notNull(),
  createdAt: integer('created_at').notNull(),
})

/** The list of accounts. Their objects hold tokens, sessions, cursors and standing (src/dep-account). */
export const depAccounts = sqliteTable('dep_accounts', {
  /** From the consumer key of its first token. */
  id: text('id').primaryKey(),
  /** Apple's id of the server entry, stable over renewals; empty until Apple has told it. */
  serverUuid: text('server_uuid').notNull().default(''),
  serverName: text('server_name').notNull().default(''),
  organization: text('organization').notNull().default(''),
  addedAt: integer('added_at').notNull(),
  /** When its newest token came. */
  tokenAt: integer('token_at').notNull(),
  /** JSON: the ordered rules of automatic assignment (src/dep/rules.ts). */
  rules: text('rules').notNull().default('[]'),
})

/** The devices of accounts, as Apple describes them. */
export const depDevices = sqliteTable(
  'dep_devices',
  {
    serial: text('serial').notNull(),
    account: text('account').notNull(),
    /** It is assigned to the account's server entry now. */
    live: integer('live', { mode: 'boolean' }).notNull(),
    profileUuid: text('profile_uuid').notNull().default(''),
    /** `empty`, `assigned`, `pushed` or `removed`, as Apple says. */
    profileStatus: text('profile_status').notNull().default(''),
    /** JSON: Apple's record. */
    record: text('record').notNull(),
    /** Of the newest change that is known: ISO 8601 in UTC, or empty. */
    opDate: text('op_date').notNull().default(''),
    addedAt: integer('added_at').notNull(),
    changedAt: integer('changed_at').notNull(),
    /** The profile that is to be assigned; empty while nothing is to be done. */
    wanted: text('wanted').notNull().default(''),
    /** What Apple answered to the last assignment; empty for none. */
    outcome: text('outcome').notNull().default(''),
    tries: integer('tries').notNull().default(0),
    /** When it is assigned next (milliseconds); 0 for never. */
    dueAt: integer('due_at').notNull().default(0),
  },
  (table) => [
    primaryKey({ columns: [table.serial, table.account] }),
    index('dep_devices_due')
      .on(table.account, table.dueAt)
      .where(sql`due_at > 0`),
  ],
)

/** Profiles that were defined at Apple. They never change there: a changed one gets another uuid. */
export const depProfiles = sqliteTable(
  'dep_profiles',
  {
    /** Apple's id. */
    uuid: text('uuid').primaryKey(),
    account: text('account').notNull(),
    name: text('name').notNull(),
    /** JSON, as it was sent to Apple. */
    profile: text('profile').notNull(),
    definedAt: integer('defined_at').notNull(),
    /** When another one of its name took its place (milliseconds); 0 for the present one. */
    replacedAt: integer('replaced_at').notNull().default(0),
    /** It rises with each content of the name. */
    version: integer('version').notNull().default(1),
  },
  (table) => [index('dep_profiles_name').on(table.account, table.name)],
)
