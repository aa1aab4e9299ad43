/** Words of a command, for each screen that shows one. MDM’s own names stand beside them on first use. */
import type { Schema } from './types.ts'

type State = Schema<'Command'>['state']
/** As of a badge. */
type StateTone = 'good' | 'warn' | 'bad' | 'quiet' | 'busy'

/** States in the words of the console. */
export const COMMAND_STATES: Readonly<Record<State, readonly [tone: StateTone, word: string]>> = {
  held: ['quiet', 'Held'],
  queued: ['busy', 'Waiting'],
  sent: ['busy', 'Given to the device'],
  not_now: ['warn', 'Put off by the device'],
  stalled: ['warn', 'Ignored 3 times'],
  acknowledged: ['good', 'Done'],
  error: ['bad', 'Refused'],
  format_error: ['bad', 'Not understood by the device'],
  cancelled: ['quiet', 'Cancelled'],
  expired: ['quiet', 'Expired'],
  superseded: ['quiet', 'Enrolled anew'],
}

/** Why a command is held, and what ends that. */
export const HELD_WORDS: Readonly<Record<NonNullable<Schema<'Command'>['held_for']>, string>> = {
  arrival: 'Held until an admin confirms that the right device has enrolled with this id',
  contest: 'Held until it is proven which of two enrolments is the device',
  earlier: 'Held: it was queued for the enrolment before this one',
  review: 'Held: it loses data, and the enrolment that it was meant for is over',
  moved: 'Held: it came from another server with the fleet',
  setup: 'Held until the setup of the device is over',
}

export const LATE_ANSWER = 'A device that has it already may carry it out all the same.'
