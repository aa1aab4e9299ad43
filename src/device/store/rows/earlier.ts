import type { DeviceRow } from './device.ts'

/** An enrolment that is kept while a newer one is contested, without its channels. */
export interface EarlierRow {
  readonly epoch: number
  /** When another enrolment began to be served (milliseconds). */
  readonly parkedAt: number
  /** It is the enrolment from before the contest. */
  readonly proven: boolean
  /** When its own contest began, and the profiles that may have renewed its identity. */
  readonly since: number
  readonly renewal: readonly string[]
  /** CommandUUID of the DeviceInformation that its identity has to acknowledge; empty before it connects. */
  readonly probe: string
  readonly device: Pick<
    DeviceRow,
    'state' | 'type' | 'facts' | 'installed' | 'claimedAt' | 'renewedAt'
  >
}
