/**
 * What is true of a declaration on a channel. `withheld`: the server does not offer it. `pending`: no report
 * names the content that is offered, or the device has not looked at it yet. `inactive`: it is valid, and no
 * predicate or activation makes it active; that is no error.
 */
export const DECLARATION_STATES = ['applied', 'pending', 'failed', 'inactive', 'withheld'] as const

export type DeclarationState = (typeof DECLARATION_STATES)[number]

/** A reason of a report (Apple: "StatusReason"), its details as JSON. */
export interface Reason {
  readonly code: string
  readonly description: string
  readonly details: unknown
}

/** A declaration as a device reports it. */
export interface Reported {
  readonly identifier: string
  readonly token: string
  readonly active: boolean
  readonly valid: string
  readonly reasons: readonly Reason[]
}

/** What is true of the declarations of one channel. Its object hands it out. */
export interface ChannelStates {
  /** The enrolment id. */
  readonly enrollment: string
  /** Always rising: an earlier one changes nothing. */
  readonly version: number
  /** Of the catalog that the channel was offered from. */
  readonly revision: number
  /** Whether the device has fetched the list that it is offered. */
  readonly synced: boolean
  /** When it last sent a status report (milliseconds); 0 for never. */
  readonly reportedAt: number
  /** What a device channel reports of updates (updates/report.ts); absent or empty for nothing. */
  readonly updates?: string
  readonly states: readonly StateEntry[]
}

export interface StateEntry {
  readonly identifier: string
  readonly state: DeclarationState
  /** The code of a reason; of a withheld one, a sentence. */
  readonly code: string
  /** The first digits of the content that is offered; empty for a withheld one. */
  readonly content: string
  /** Milliseconds. */
  readonly since: number
}

/** So much of a content token tells the contents of one declaration apart. */
export function shortContent(token: string): string {
  return token.slice(0, 8)
}
