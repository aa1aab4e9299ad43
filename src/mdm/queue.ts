import type { Report } from './message.ts'

/** The device still has to answer a command in one of these states. */
export const PENDING_STATES = ['held', 'queued', 'sent', 'not_now', 'stalled'] as const
export const ENDED_STATES = [
  'acknowledged',
  'error',
  'format_error',
  'cancelled',
  'expired',
  'superseded',
] as const

/**
 * The life of a command: `queued → sent → acknowledged | error | format_error`. A device may answer NotNow,
 * ignore a command until it is `stalled`, or leave (`superseded`). An admin may clear a command
 * (`cancelled`), or have set the time after which it makes no sense (`expired`). A `held` command goes out
 * when an admin releases it.
 */
export type CommandState = (typeof PENDING_STATES | typeof ENDED_STATES)[number]

/** Rounds in which a device may ignore a command before the command goes behind the others of its channel. */
const ROUNDS_BEFORE_STALLED = 3

/** The part of a command that the rules of the queue need. */
export interface QueueEntry {
  readonly id: number
  readonly uuid: string
  readonly state: CommandState
  /** Rounds in which it was handed out since its last answer. */
  readonly rounds: number
  /** Milliseconds of the last hand-out; 0 before the first. */
  readonly handedOutAt: number
  /** Milliseconds of the last NotNow; 0 without one. */
  readonly notNowAt: number
}

const TERMINAL: Readonly<Record<string, CommandState>> = {
  Acknowledged: 'acknowledged',
  Error: 'error',
  CommandFormatError: 'format_error',
}

/** The state that a report gives its command; `undefined` for Idle and for unknown statuses. */
export function stateAfter(report: Report): CommandState | undefined {
  return report.status === 'NotNow' ? 'not_now' : TERMINAL[report.status]
}

/** A round begins with Idle. An unknown status is handled as Idle. */
export function beginsRound(report: Report): boolean {
  return stateAfter(report) === undefined
}

/**
 * The entries that the device has been given. The caller keeps them in front, so the entries behind them
 * are never searched, however long the queue is.
 */
function handedOut(entries: readonly QueueEntry[]): readonly QueueEntry[] {
  const waiting = entries.findIndex((entry) => entry.handedOutAt === 0)
  return waiting === -1 ? entries : entries.slice(0, waiting)
}

/**
 * The pending entry that a report answers: the oldest handed-out one of its CommandUUID (UUIDs may repeat).
 * A CommandFormatError may have no CommandUUID: it answers the command that was handed out last on that
 * channel.
 */
export function entryAnswered<Entry extends QueueEntry>(
  entries: readonly Entry[],
  report: Report,
): Entry | undefined
export function entryAnswered(
  entries: readonly QueueEntry[],
  report: Report,
): QueueEntry | undefined {
  if (report.commandUUID !== undefined) {
    return handedOut(entries).find((entry) => entry.uuid === report.commandUUID)
  }
  return report.status === 'CommandFormatError'
    ? extreme(handedOut(entries).filter(isUnanswered), (entry) => -entry.handedOutAt)
    : undefined
}

/** Whether it was handed out and got no answer, not even NotNow. */
function isUnanswered({ state }: QueueEntry): boolean {
  return state === 'sent' || state === 'stalled'
}

/** A command without an answer for so many rounds goes behind the others. It is still offered last. */
export function hasStalled(entry: QueueEntry): boolean {
  return entry.state === 'sent' && entry.rounds >= ROUNDS_BEFORE_STALLED
}

/**
 * The command to hand out, of a channel's pending entries: those that the device has been given, then the
 * others in the order in which they were queued. (1) The handed-out, unanswered one; (2) the oldest that is
 * queued, or NotNow from before this round; (3) the stalled one that waited longest. `roundBegan` is
 * `undefined` when the beginning of the round is not known: then no NotNow entry is offered, so that device
 * and server cannot loop (Apple: "Sending MDM commands to a device"; docs/architecture.md).
 */
export function nextEntry<Entry extends QueueEntry>(
  entries: readonly Entry[],
  roundBegan: number | undefined,
): Entry | undefined
export function nextEntry(
  entries: readonly QueueEntry[],
  roundBegan: number | undefined,
): QueueEntry | undefined {
  const given = handedOut(entries)
  const oldestQueued = entries[given.length]
  const stalled = given.filter((entry) => entry.state === 'stalled' || hasStalled(entry))
  return (
    given.find((entry) => entry.state === 'sent' && !hasStalled(entry)) ??
    given.find(
      (entry) =>
        entry.state === 'not_now' && roundBegan !== undefined && entry.notNowAt < roundBegan,
    ) ??
    oldestQueued ??
    extreme(stalled, (entry) => entry.handedOutAt)
  )
}

/** The first entry for which `rank` is least. */
function extreme(
  entries: readonly QueueEntry[],
  rank: (entry: QueueEntry) => number,
): QueueEntry | undefined {
  return entries.reduce<QueueEntry | undefined>(
    (best, entry) => (best && rank(best) <= rank(entry) ? best : entry),
    undefined,
  )
}
