import { sql } from 'drizzle-orm'
import {
  blob,
  index,
  integer,
  primaryKey,
  sqliteTable,
  text,
  uniqueIndex,
} from 'drizzle-orm/sqlite-core'

const CLAIMS_SERIAL =
  "serial_number <> '' AND NOT hidden AND state NOT IN ('unknown', 'checked_out')"

/**
 * The directory: the lists of the API, a projection of the Device objects' rows. An upsert takes only a
 * newer `version`, so order and repetition of updates do not matter (docs/architecture.md).
 */
export const devices = sqliteTable(
  'devices',
  {
    /** The object's name: UDID or EnrollmentID. */
    id: text('id').primaryKey(),
    type: text('type').notNull(),
    serialNumber: text('serial_number').notNull(),
    enrolled: integer('enrolled', { mode: 'boolean' }).notNull(),
    /** `unknown`, `authenticated`, `enrolled` or `checked_out`. */
    state: text('state').notNull().default(''),
    /** Whether the device channel can be pushed: `none`, `ready` or `failing`. */
    push: text('push').notNull().default(''),
    hidden: integer('hidden', { mode: 'boolean' }).notNull(),
    /** Its enrolment is not proven. */
    contested: integer('contested', { mode: 'boolean' }).notNull().default(false),
    /** Whether the serial number is proven, according to its object. If not, the device chose it. */
    serialProven: integer('serial_proven', { mode: 'boolean' }).notNull().default(false),
    /**
     * Its claim to the serial number: 2 with proof, 1 without, 0 of a device that left, was deleted or
     * reports none.
     */
    serialStanding: integer('serial_standing')
      .notNull()
      .generatedAlwaysAs(sql.raw(`CASE WHEN ${CLAIMS_SERIAL} THEN 1 + serial_proven ELSE 0 END`), {
        mode: 'virtual',
      }),
    claimedAt: integer('claimed_at').notNull(),
    lastSeen: integer('last_seen').notNull(),
    deviceName: text('device_name').notNull(),
    model: text('model').notNull(),
    modelName: text('model_name').notNull(),
    productName: text('product_name').notNull(),
    osVersion: text('os_version').notNull(),
    buildVersion: text('build_version').notNull(),
    version: integer('version').notNull(),
    /**
     * Fingerprint and end of the certificate that signed its last message; empty and 0 while none is known.
     * No index: it would cost a written row each time that a device is seen, and reading a row costs a
     * thousandth of that.
     */
    identity: text('identity').notNull().default(''),
    identityNotAfter: integer('identity_not_after').notNull().default(0),
    /** The state of its identity's renewal: `sent`, `renewed`, `failed`, `blocked`, or empty. */
    renewal: text('renewal').notNull().default(''),
    renewalReason: text('renewal_reason').notNull().default(''),
    renewalAt: integer('renewal_at').notNull().default(0),
    /** When the present enrolment was complete; 0 if that is not known. */
    enrolledAt: integer('enrolled_at').notNull().default(0),
    /** `automated`, `device` or `user`; empty if it is not known. */
    enrollment: text('enrollment').notNull().default(''),
    /** Null until a DeviceInformation has said it. */
    supervised: integer('supervised', { mode: 'boolean' }),
    blocked: integer('blocked', { mode: 'boolean' }).notNull().default(false),
    /** The short names of its users, one a line. */
    userNames: text('user_names').notNull().default(''),
  },
  (table) => [index('devices_serial').on(table.serialNumber, table.serialStanding)],
)

/**
 * Which enrolment a certificate belongs to. It is claimed once, for good, so that two devices never share
 * one.
 */
export const identities = sqliteTable('identities', {
  fingerprint: text('fingerprint').primaryKey(),
  enrollment: text('enrollment').notNull(),
})

/**
 * Which devices have a user channel with a UserID. `device` is empty where something waits for a device
 * with that id.
 */
export const users = sqliteTable(
  'users',
  {
    /** The bare UserID. */
    id: text('id').notNull(),
    device: text('device').notNull(),
    /** That of the device's row when it claimed the UserID. */
    version: integer('version').notNull(),
    /** An admin has addressed the channel by its bare UserID. */
    used: integer('used', { mode: 'boolean' }).notNull().default(false),
  },
  (table) => [
    primaryKey({ columns: [table.id, table.device] }),
    index('users_device').on(table.device),
  ],
)

/**
 * Configuration profiles that admins store. Base64, because D1 passes bytes as arrays of numbers. With a
 * rowid, unlike the other tables, because its rows are long.
 */
export const profiles = sqliteTable('profiles', {
  identifier: text('identifier').primaryKey(),
  mobileconfig: text('mobileconfig').notNull(),
  /** As of migration 0008, these and the next are empty in older rows (enroll/profile-in.ts). */
  name: text('name').notNull().default(''),
  payloadTypes: text('payload_types').notNull().default(''),
  signedBy: text('signed_by').notNull().default(''),
  changedAt: integer('changed_at').notNull().default(0),
})
/**
 * The server's certificate authorities, each identified by its key. The newest one issues, the others are
 * accepted.
 */
export const authorities = sqliteTable('authorities', {
  /** SHA-256 of the public key. */
  keyId: text('key_id').primaryKey(),
  certificate: blob('certificate', { mode: 'buffer' }).notNull(),
  /** PKCS#8, sealed for the place `directory/authorities/{key_id}`. */
  sealedKey: blob('sealed_key', { mode: 'buffer' }).notNull(),
  /** Imported, from MicroMDM for example: devices have profiles with its static challenge. */
  imported: integer('imported', { mode: 'boolean' }).notNull(),
  /** An imported counter continues here; without one, serial numbers are random. */
  nextSerial: integer('next_serial'),
  addedAt: integer('added_at').notNull(),
})

/**
 * Every certificate that the server issued. `identities` holds its owner, under its fingerprint. With a
 * rowid, because its rows are long: without one, each takes a page of its own.
 */
export const certificates = sqliteTable(
  'certificates',
  {
    fingerprint: text('fingerprint').primaryKey(),
    /** Names the SCEP request that it answers: the same request gets the same certificate again. */
    request: text('request'),
    /** `key_id` of the authority, which may be removed from `authorities` by now. */
    authority: text('authority').notNull(),
    serial: text('serial').notNull(),
    subject: text('subject').notNull(),
    issuedAt: integer('issued_at').notNull(),
    notAfter: integer('not_after').notNull(),
    der: blob('der', { mode: 'buffer' }).notNull(),
    /** SHA-256 of the one-time challenge that it was issued for. This row consumes the challenge. */
    challenge: text('challenge'),
    /** Version of the enrolment profile that the challenge stood in; 0 for none. */
    profile: integer('profile').notNull().default(0),
    /** Digests of the device that the challenge was bound to; empty for any. */
    boundUdid: text('bound_udid').notNull().default(''),
    boundSerial: text('bound_serial').notNull().default(''),
    /** Anyone could get its challenge: it counts for `SCEP_RATE`. */
    counted: integer('counted', { mode: 'boolean' }).notNull().default(false),
    /** Until when it is kept for a device to use it (milliseconds); 0 once a device has. */
    keptUntil: integer('kept_until').notNull().default(0),
    /** Another server issued it, and its records came here. */
    moved: integer('moved', { mode: 'boolean' }).notNull().default(false),
  },
  (table) => [
    uniqueIndex('certificates_request').on(table.request),
    uniqueIndex('certificates_serial').on(table.authority, table.serial),
    uniqueIndex('certificates_challenge').on(table.challenge),
    index('certificates_counted')
      .on(table.issuedAt)
      .where(sql`counted = 1`),
    index('certificates_kept')
      .on(table.keptUntil)
      .where(sql`kept_until > 0`),
  ],
)

/**
 * One-time SCEP challenges that are still unused, by their SHA-256. Those of public downloads need no row.
 */
export const challenges = sqliteTable(
  'challenges',
  {
    hash: text('hash').primaryKey(),
    /** Until when it may be used (milliseconds). */
    openUntil: integer('open_until').notNull(),
    /** The certificate that it is to renew; empty for a new enrolment. */
    certificate: text('certificate').notNull(),
    /** Version of the enrolment profile that it stands in; empty for none. */
    profile: text('profile').notNull().default(''),
    /** Digests of the device that it is bound to; empty for any. */
    boundUdid: text('bound_udid').notNull().default(''),
    boundSerial: text('bound_serial').notNull().default(''),
    /** The invitation by which its profile was downloaded; empty for others. */
    invitation: text('invitation').notNull().default(''),
  },
  (table) => [
    index('challenges_open').on(table.openUntil),
    // Partial, so that it costs nothing without an invitation.
    index('challenges_invitation')
      .on(table.invitation)
      .where(sql`invitation <> ''`),
  ],
)

/** Moments that apply to the whole deployment, by name. */
export const moments = sqliteTable('moments', {
  name: text('name').primaryKey(),
  /** Milliseconds. */
  at: integer('at').notNull(),
})

/** Links that open the enrolment of a few devices. */
export const invitations = sqliteTable('invitations', {
  /** The first half of the SHA-256 of the secret in the link. */
  id: text('id').primaryKey(),
  /** The one device that it is for, in the form of `readSerial`; empty for any. */
  serial: text('serial').notNull(),
  /** A note of the admin about its recipient. */
  note: text('note').notNull(),
  createdAt: integer('created_at').notNull(),
  expiresAt: integer('expires_at').notNull(),
  /** How many certificates it is good for, and how many were issued. */
  maxUses: integer('max_uses').notNull(),
  used: integer('used').notNull().default(0),
  /** 0 for one that was not revoked. */
  revokedAt: integer('revoked_at').notNull().default(0),
})

/** Serial numbers that admins have listed, in the form of `readSerial`. */
export const knownSerials = sqliteTable('known_serials', {
  serial: text('serial').primaryKey(),
  addedAt: integer('added_at').notNull(),
})

/** Webhooks, except the one of `WEBHOOK_URL`. */
export const webhooks = sqliteTable('webhooks', {
  id: text('id').primaryKey(),
  enabled: integer('enabled', { mode: 'boolean' }).notNull(),
  /** JSON: the URL, the topics and the options. */
  settings: text('settings').notNull(),
  /** JSON, sealed: secrets, headers, and the URL's user and password. */
  sealed: blob('sealed', { mode: 'buffer' }).notNull(),
  createdAt: integer('created_at').notNull(),
  updatedAt: integer('updated_at').notNull(),
})

/** The list of jobs. Their objects hold their work and progress. */
export const jobs = sqliteTable('jobs', {
  id: text('id').primaryKey(),
  createdAt: integer('created_at').notNull(),
})

/** Fleets that come from another server (docs/move-from-micromdm.md). */
export const moves = sqliteTable('moves', {
  id: text('id').primaryKey(),
  source: text('source').notNull(),
  /** What an admin calls the copy: a file's name or an address. */
  name: text('name').notNull(),
  /** SHA-256 of the copy. */
  digest: text('digest').notNull(),
  /** `open`: nothing is served from it. `activating`: its items are being applied. `active`. */
  state: text('state').notNull(),
  createdAt: integer('created_at').notNull(),
  /** 0 while it is open, and while it is not complete. */
  activatedAt: integer('activated_at').notNull().default(0),
  endedAt: integer('ended_at').notNull().default(0),
  /** JSON: what was odd in the copy. */
  odd: text('odd').notNull(),
})

/** What comes with a move. With a rowid, because its rows are long. */
export const moveItems = sqliteTable(
  'move_items',
  {
    move: text('move').notNull(),
    /** `ITEM_KINDS` of directory/moves/items.ts. */
    kind: text('kind').notNull(),
    id: text('id').notNull(),
    /** A long item has several rows. The first has all but the data of the others. */
    part: integer('part').notNull(),
    /** SHA-256 of its content. */
    digest: text('digest').notNull(),
    /** Of a device: the topic of its push token. */
    topic: text('topic').notNull(),
    /** Of a device: `blocked`, `retired`, `unproven` or empty. */
    standing: text('standing').notNull(),
    /** What became of it; empty while it waits. */
    outcome: text('outcome').notNull().default(''),
    /** Why it was not taken up, or what it lacks; empty for nothing to say. */
    remark: text('remark').notNull().default(''),
    /** Sealed; `null` once it is applied. */
    data: blob('data', { mode: 'buffer' }),
  },
  (table) => [primaryKey({ columns: [table.move, table.kind, table.id, table.part] })],
)
