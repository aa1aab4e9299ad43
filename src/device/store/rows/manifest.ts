import type { Manifest } from '../../../ddm/manifest/manifest.ts'

/** What a channel is offered. Times are milliseconds. */
export interface ManifestRow extends Manifest {
  /** Of the catalog that it was made from. */
  readonly revision: number
  /** The enrolment that it is for. */
  readonly epoch: number
  /** When the list changed last: its Timestamp. */
  readonly changedAt: number
  /** The list in the last command, and when that was queued. */
  readonly commanded: string
  readonly commandedAt: number
  /** The list that the device has fetched. */
  readonly seen: string
  /** When it last reported a status; 0 for never. */
  readonly reportedAt: number
  /** Of the states for the directory, always rising. */
  readonly version: number
  /** How often a declaration was resent. */
  readonly resends: Readonly<Record<string, number>>
}
