import type { CommandState, QueueEntry } from '../../mdm/queue.ts'
import type { Channel, StoredChannel } from './channel-row.ts'
import type { DeviceRow } from './rows/device.ts'
import type { EarlierRow } from './rows/earlier.ts'
import type { Identity } from './rows/identity.ts'
import type { ManifestRow } from './rows/manifest.ts'

export interface PendingCommand extends QueueEntry {
  readonly requestType: string
  readonly secret: boolean
  /** Its payload lies in `parts`. */
  readonly big: boolean
  /** Since when the device could have fetched it. */
  readonly queuedAt: number
  /** It was held until then. */
  readonly released: boolean
  state: CommandState
  rounds: number
  handedOutAt: number
  notNowAt: number
}

/** The part of a channel's queue that memory holds: its head, and enough to number new commands. */
export interface Queue {
  /** Commands that the device was given, then those that wait, each in the order they were queued. */
  pending: PendingCommand[]
  /** Whether the table has more pending commands behind those in memory. */
  more: boolean
  lastId: number
  /** Pending commands in memory, in the table, and held. */
  depth: number
  /** Whether history was checked since it was loaded. */
  pruned: boolean
  /**
   * When the next command with a start time may go out, and when the next one expires; Infinity without one.
   */
  heldUntil: number
  expiresAt: number
  /** Milliseconds of the last Idle, if memory still has it. */
  roundBegan: number | undefined
}

/** A queue without commands, until its table is read. */
export function newQueue(lastId: number): Queue {
  return {
    pending: [],
    more: false,
    lastId,
    depth: 0,
    pruned: false,
    heldUntil: Infinity,
    expiresAt: Infinity,
    roundBegan: undefined,
  }
}

/** The JSON of the device's row. */
export interface StoredState {
  readonly device: Partial<DeviceRow>
  readonly channel: StoredChannel
  readonly identities: readonly Identity[]
  readonly cursors: readonly (readonly [subscriber: string, seq: number])[]
  readonly earlier: readonly EarlierRow[]
}

/** The object's memory of its own rows. It is the only writer, so it reads them once. */
export interface DeviceState {
  /** Whether the object has stored nothing yet. */
  isNew: boolean
  /** The version of its tables: a later release may have made them. */
  readonly schema: number
  /** Whether this commit has to write the device's row. */
  changed: boolean
  /** All commands of the device channel up to this row have ended. */
  endedTo: number
  readonly device: DeviceRow
  /** The device channel, then the channels of users in use: a channel's place is not its number. */
  readonly channels: Channel[]
  readonly identities: Identity[]
  /** Enrolments that are kept during a contest. */
  earlier: readonly EarlierRow[]
  /** The last event that each subscriber has passed, as the device's row has it. */
  readonly storedCursors: Map<string, number>
  /** The same, ahead of the row by events that the subscriber does not want; `undefined` until it is used. */
  cursors: Map<string, number> | undefined
  readonly queues: Map<number, Queue>
  /** For each notified subscriber, the time until which it needs no other notification. */
  readonly notifiedUntil: Map<string, number>
  /** The times of pushes, for channels that have not connected since. They are lost with the memory. */
  readonly unansweredPushes: Map<number, number>
  /** When channels connected last, as far as memory goes back. */
  readonly connectedAt: Map<number, number>
  /** What channels are offered, by their numbers, as far as it was read. */
  readonly manifests: Map<number, ManifestRow | undefined>
  /** When identities that are kept in a contest were pushed last, as far as memory goes back. */
  keptPushedAt: number
  /** When the device connected last, as far as memory goes back. */
  lastMessageAt: number
  lastSeq: number
  /** Whether events were checked for surplus since they were loaded. */
  pruned: boolean
  /** When the next retry of an event is due; `null` without one, `undefined` until it is read. */
  retryAt: number | null | undefined
  /** The most bytes that messages may have stored since the storage was measured. */
  unmeasured: number
  /** Until when the readings of blueprints that the device has caused use up its share. */
  setupsUntil: number
  /** Until when the offers of declarations that the device has caused use up its share. */
  offersUntil: number
}
