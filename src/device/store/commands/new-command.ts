import type { Db } from '../../../storage/db.ts'
import { writeQueuedBy, type QueuedBy } from './queued-by.ts'

/** A command as its caller hands it over. */
export interface NewCommand {
  readonly uuid: string
  readonly requestType: string
  readonly payload: Uint8Array
  readonly secret: boolean
  /**
   * Which job queued it, or which command of another object it was, so that a repetition adds nothing.
   * {@link MOVED_SOURCE} for one that was queued at another server. Empty for all others.
   */
  readonly source: string
  /** When it was queued at another server (milliseconds), if that is known. */
  readonly queuedAt?: number
  readonly terms?: Terms
  readonly by?: QueuedBy | undefined
  readonly needs?: Needs | undefined
  /** It came with a moved fleet; or its turn in the setup has not come. */
  readonly heldFor?: 'moved' | 'setup'
}

/** The `source` of commands that came with a fleet. `moved` is one that another object has taken over. */
export const MOVED_SOURCE = 'fleet'

/** What a command needs of the device, and whether a lack is refused or announced. */
export interface Needs {
  /** Names of `needsOf`: what the OS has to have. */
  readonly names: readonly string[]
  readonly otherwise: 'refuse' | 'announce'
  /** The PayloadIdentifier of the profile that it installs or removes: no declaration may manage it. */
  readonly profile?: string
}

/** The times of a command, and the request that queued it. Times are milliseconds; 0 means none. */
export interface Terms {
  readonly notBefore: number
  readonly expiresAt: number
  /** The client's Idempotency-Key, and a hash of its request; empty without one. */
  readonly requestKey: string
  readonly requestHash: string
}

export const NO_TERMS: Terms = { notBefore: 0, expiresAt: 0, requestKey: '', requestHash: '' }

/**
 * Why a command is held. `arrival`: no device has enrolled with the id yet, and any device may; or a user
 * channel had the id first, and may be meant. `contest`: the enrolment of the device is not proven yet.
 * `earlier`: the command belongs to an enrolment that is kept. `review`: it is destructive, and its enrolment
 * is over or was never proven. `moved`: it was queued at another server, and came with its fleet.
 * `setup`: the setup of the device is under way. An admin releases a held command; the end of a contest
 * releases those of the contest, and the end of the setup those of the setup.
 */
export type HeldFor = 'arrival' | 'contest' | 'earlier' | 'review' | 'moved' | 'setup'

/** Writes the row of a new command. `payload` is what `storeBody` leaves to the row. */
export function insertCommand(
  db: Db,
  id: number,
  command: NewCommand,
  row: {
    readonly now: number
    readonly heldFor: HeldFor | undefined
    readonly payload: Uint8Array | null
  },
): void {
  const { notBefore, expiresAt, requestKey, requestHash } = command.terms ?? NO_TERMS
  db.run(
    `INSERT INTO commands (id, uuid, request_type, state, rounds, queued_at, not_before, expires_at,
      handed_out_at, not_now_at, answered_at, result_hash, secret, source, request_key, request_hash,
      queued_by, held_for, payload) VALUES (?, ?, ?, ?, 0, ?, ?, ?, 0, 0, 0, '', ?, ?, ?, ?, ?, ?, ?)`,
    id,
    command.uuid,
    command.requestType,
    row.heldFor ? 'held' : 'queued',
    command.queuedAt ?? row.now,
    notBefore,
    expiresAt,
    Number(command.secret),
    command.source,
    requestKey,
    requestHash,
    writeQueuedBy(command.by),
    row.heldFor ?? '',
    row.payload,
  )
}
