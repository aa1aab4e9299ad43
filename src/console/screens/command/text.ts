/** Sentences about one command and its answer. */
import type { Schema } from '../../api/types.ts'

type Step = Schema<'CommandDetail'>['timeline'][number]

export const STEP_WORDS: Readonly<Record<Step['what'], string>> = {
  queued: 'Queued',
  pushed: 'Pushed',
  handed_out: 'Given to the device',
  not_now: 'Put off',
  answered: 'Answered',
  ended: 'Ended',
}

const NATURAL_ORDER = Object.keys(STEP_WORDS)

/**
 * The steps of a command by their times. APNs may answer a moment after the device has come: within the
 * second that is shown, the push stands first.
 */
export function inOrder(steps: readonly Step[]): readonly Step[] {
  const second = ({ at }: Step): number => Math.floor(Date.parse(at) / 1000)
  const rank = ({ what }: Step): number => NATURAL_ORDER.indexOf(what)
  return steps.toSorted((one, other) => second(one) - second(other) || rank(one) - rank(other))
}

export const NO_ANSWER_YET = 'The answer appears here as soon as the device connects.'
export const ONLY_DONE = 'The device carried it out, and reported nothing more.'
export const GONE = 'The answer is no longer kept.'
export const SEALED =
  'The command or its answer holds a secret. Reveal shows it for a minute, and records who read it and why.'
export const HIDES = 'It hides after a minute. The clipboard keeps what you copy.'
export const NO_EARLIER_ANSWER = 'No earlier answer to the same question is kept.'
