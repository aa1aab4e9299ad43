/** Sentences of a device’s page. */
import type { Schema } from '../../api/types.ts'

export const NOT_KEPT = 'Its content is not kept: to have it again, send a new one.'
export const CLIPBOARD = 'The clipboard keeps what you copy. Clear it when you are done.'

export const BLOCK_WORDS =
  'At its next connection the server answers 401, and the device removes its MDM profile, with all that ' +
  'the profile brought. Its commands wait. After an unblock it has to enrol again.'
export const RETIRE_WORDS =
  'The server stops pushing a device that is gone. If the device connects all the same, it is pushed again.'
export const DELETE_WORDS =
  'The device leaves the lists until it enrols again. Its queue, tokens, certificates and secrets stay, ' +
  'and a device that still has its profile stays managed.'

export const SETUP_WORDS: Readonly<Record<Schema<'SetupRun'>['state'], string>> = {
  pending: 'Begins',
  running: 'Under way',
  held: 'Waits for your release',
  releasing: 'Leaves Setup Assistant',
  released: 'Done',
  finished: 'Done, without Setup Assistant',
  none: 'No blueprint is for it',
  superseded: 'Enrolled anew',
}

export const SETUP_STEP_WORDS: Readonly<Record<Schema<'SetupStep'>['state'], string>> = {
  waiting: 'Its turn has not come',
  sent: 'Waits for the device',
  watched: 'Not there yet',
  done: 'Done',
  skipped: 'Skipped',
  failed: 'Failed',
  timed_out: 'Took too long',
}
