/** The cost of one operation of a device, as the platform's counters show it, billed or not. */
export interface Counters {
  /** Invocations of the Worker, the queue's consumer included. */
  requests: number
  /** RPCs to objects. */
  objectCalls: number
  /** Rows written in objects, pruning, `setAlarm` and the audit included. */
  rows: number
  /** Rows written in D1. */
  directoryRows: number
  /** Queue messages, each of which is three operations. */
  messages: number
  /** Lines of the log, at the level `info`. */
  lines: number
}

export type Operation =
  | 'enrolment'
  | 'tokenUpdate'
  | 'lastSeen'
  | 'idle'
  | 'idleWithWebhook'
  | 'command'
  | 'commandWithWebhook'

/** `test/worker/counters.test.ts` measures these and keeps them true. */
export const COUNTERS: Readonly<Record<Operation, Counters>> = {
  /** Authenticate and TokenUpdate of a new device, with its tables and the additions of its first connect. */
  enrolment: { requests: 2, objectCalls: 4, rows: 21, directoryRows: 4, messages: 0, lines: 1 },
  tokenUpdate: { requests: 1, objectCalls: 1, rows: 3, directoryRows: 0, messages: 0, lines: 0 },
  /** The addition of `last_seen` to a message, once in `LAST_SEEN_RESOLUTION`. */
  lastSeen: { requests: 0, objectCalls: 0, rows: 0, directoryRows: 1, messages: 0, lines: 0 },
  idle: { requests: 1, objectCalls: 1, rows: 0, directoryRows: 0, messages: 0, lines: 0 },
  idleWithWebhook: {
    requests: 2,
    objectCalls: 4,
    rows: 4,
    directoryRows: 0,
    messages: 1,
    lines: 0,
  },
  /**
   * Queued through the API, which is a row of the audit. Fetched by the Idle after a push, answered, and
   * later pruned from the history.
   */
  command: { requests: 3, objectCalls: 4, rows: 8, directoryRows: 0, messages: 0, lines: 1 },
  /** The same with an event for the Idle, which is two of its rows, and one for the answer. */
  commandWithWebhook: {
    requests: 4,
    objectCalls: 7,
    rows: 11,
    directoryRows: 0,
    messages: 1,
    lines: 1,
  },
}
