import type { Report } from './message.ts'

/**
 * A command's life (design.md 5). `queued → sent → acknowledged | error | format_error`; a device may answer
 * NotNow, ignore a command until it is `stalled`, or leave (`superseded`); an admin may clear (`cancelled`), or
 * have said until when it makes sense (`expired`). A `held` one goes out when an admin releases it.
 */
export type CommandState =
  | 'held'
  | 'queued'
  | 'sent'
  | 'not_now'
  | 'stalled'
  | 'acknowledged'
  | 'error'
  | 'format_error'
  | 'cancelled'
  | 'expired'
  | 'superseded'

/** Rounds in which a device may ignore a command before it goes behind the others of its channel. */
export const ROUNDS_BEFORE_STALLED = 3

/** What the queue rules need to know of a command. */
export interface QueueEntry {
  readonly id: number
  readonly uuid: string
  readonly state: CommandState
  /** Rounds in which it was handed out since it was last answered. */
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

/** The state a report puts its command into; `undefined` for Idle and for statuses that nobody knows. */
export function stateAfter(report: Report): CommandState | undefined {
  return report.status === 'NotNow' ? 'not_now' : TERMINAL[report.status]
}

/** A round begins with Idle; a status that nobody knows is handled as Idle. */
export function beginsRound(report: Report): boolean {
  return stateAfter(report) === undefined
}

/**
 * The entries that the device has been given. They are a prefix, because the caller keeps them in front, so nobody
 * ever looks through what waits behind them, however long the queue.
 */
function handedOut(entries: readonly QueueEntry[]): readonly QueueEntry[] {
  const waiting = entries.findIndex((entry) => entry.handedOutAt === 0)
  return waiting === -1 ? entries : entries.slice(0, waiting)
}

/**
 * The pending entry that a report answers: the oldest handed-out one of its CommandUUID (UUIDs may repeat).
 * A CommandFormatError may come without one: it answers the command last handed out on that channel.
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

/** Handed out, and no answer came, not even NotNow. */
export function isUnanswered({ state }: QueueEntry): boolean {
  return state === 'sent' || state === 'stalled'
}

/** An unanswered hand-out that has had its rounds: it goes behind the others, and is still offered last. */
export function hasStalled(entry: QueueEntry): boolean {
  return entry.state === 'sent' && entry.rounds >= ROUNDS_BEFORE_STALLED
}

/**
 * The command to hand out, of a channel's pending entries: those the device has been given, then the others in the
 * order they were queued:
 * (1) the handed-out, unanswered one; (2) the oldest queued, or NotNow from before this round;
 * (3) the stalled one that waited longest. `roundBegan` is `undefined` when nobody remembers the round's
 * beginning: then no NotNow entry is offered, so that the two sides never loop.
 * Source: design.md 5, spec/apple-protocol.md §2.1, §2.2.
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
