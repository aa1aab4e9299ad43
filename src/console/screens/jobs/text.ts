/** Words of jobs: pure. */
import type { Schema } from '../../api/types.ts'
import { counted } from '../../time/words.ts'

type Job = Schema<'Job'>
type Outcome = Schema<'Outcome'>

const KIND_WORDS: Readonly<Record<Job['kind'], string>> = {
  command: 'Command',
  replay: 'Events posted again',
  release: 'Release of held commands',
  renewal: 'Renewals of identities',
  'push-waiting': 'Push of waiting devices',
  move: 'Move of a fleet',
  declarations: 'Offer of declarations',
  rollout: 'Roll-out of declarations',
}

/** Kinds that find their devices as they go, and keep counts only. */
const ROUNDS: ReadonlySet<string> = new Set([
  'renewal',
  'push-waiting',
  'move',
  'declarations',
  'rollout',
])

export function isRoundOf({ kind }: Job): boolean {
  return ROUNDS.has(kind)
}

/** `ProfileList to 1,240 devices` */
export function titleOf({ kind, command, total }: Job): string {
  const devices = counted(total, 'device')
  return command ? `${command.request_type} to ${devices}` : `${KIND_WORDS[kind]}: ${devices}`
}

interface Said {
  readonly word: string
  readonly tone: 'good' | 'warn' | 'bad' | 'quiet' | 'busy'
}

const STATES: Readonly<Record<Job['state'], Said>> = {
  running: { word: 'Running', tone: 'busy' },
  finished: { word: 'Finished', tone: 'good' },
  cancelled: { word: 'Halted', tone: 'quiet' },
  stopped: { word: 'Stopped by errors', tone: 'bad' },
}

export function stateOf({ state, paused_at: pausedAt, command, done }: Job): Said {
  if (state === 'running' && pausedAt !== null) {
    return { word: 'Paused', tone: 'warn' }
  }
  // The devices may not have answered yet.
  return state === 'finished' && command && done > 0
    ? { word: 'Handed out', tone: 'good' }
    : STATES[state]
}

/** How far a job is, as a sentence. A round does not know how many devices come. */
export function progressOf(job: Job): string {
  const { done, failed, total } = job
  const through = done + failed
  return isRoundOf(job)
    ? `${counted(through, 'device')} so far`
    : `${through.toLocaleString('en-GB')} of ${total.toLocaleString('en-GB')}, ${percent(through, total)}`
}

export function percent(part: number, whole: number): string {
  const share = whole === 0 ? 0 : (100 * part) / whole
  // 99.96 % is not all, and one in a million is not nothing.
  const rounded = share > 0 && share < 1 ? share.toFixed(1) : String(Math.floor(share))
  return `${rounded} %`
}

const OUTCOME_WORDS: Readonly<Record<Outcome['state'], Said>> = {
  waiting: { word: 'Waiting', tone: 'quiet' },
  done: { word: 'Sent', tone: 'good' },
  failed: { word: 'Failed', tone: 'bad' },
}

/** What happened at a device: its answer, if it is known, or how far the job came. */
export function outcomeOf({ state, answer, events, released }: Outcome): Said {
  if (answer !== null) {
    return ANSWER_WORDS[answer] ?? { word: answer, tone: 'quiet' }
  }
  if (events !== null) {
    return { word: `${counted(events, 'event')} posted again`, tone: 'good' }
  }
  if (released !== null) {
    return { word: `${counted(released, 'command')} released`, tone: 'good' }
  }
  return OUTCOME_WORDS[state]
}

const ANSWER_WORDS: Readonly<Partial<Record<string, Said>>> = {
  queued: { word: 'Waiting', tone: 'busy' },
  held: { word: 'Held', tone: 'warn' },
  sent: { word: 'Given to the device', tone: 'busy' },
  not_now: { word: 'Put off by the device', tone: 'warn' },
  stalled: { word: 'Ignored 3 times', tone: 'warn' },
  acknowledged: { word: 'Done', tone: 'good' },
  error: { word: 'Refused', tone: 'bad' },
  format_error: { word: 'Not understood', tone: 'bad' },
  superseded: { word: 'Enrolled anew', tone: 'quiet' },
  expired: { word: 'Expired', tone: 'quiet' },
  cancelled: { word: 'Cancelled', tone: 'quiet' },
}

/** How many devices of a page have answered what, the commonest first. */
export function answersOf(outcomes: readonly Outcome[]): readonly (Said & { count: number })[] {
  const counts = new Map<string, Said & { count: number }>()
  for (const outcome of outcomes) {
    const said = outcomeOf(outcome)
    counts.set(said.word, { ...said, count: (counts.get(said.word)?.count ?? 0) + 1 })
  }
  return [...counts.values()].toSorted((a, b) => b.count - a.count)
}

export const JOB_WORDS = {
  none: 'No job yet',
  noneHint: 'A command for several devices becomes a job. Select devices in the list.',
  pace: (pace: number): string => `${counted(pace, 'device')} a minute`,
  stopAt: (rate: number): string => `at ${percent(rate, 1)} errors`,
  paused: 'The job waits until you resume it',
  resumed: 'The job goes on',
  halted: 'The job is halted: what is queued stays queued, and the other devices get nothing',
  selectFailed: (count: number): string =>
    `Select the ${count === 1 ? 'one' : count.toLocaleString('en-GB')} that failed`,
  selectFirst: (count: number): string => `Select the first ${count} that failed`,
  noOutcome: { waiting: 'None waits', done: 'None yet', failed: 'None has failed', all: 'None' },
  sampled: (answered: number, failed: number): string =>
    `Of ${counted(answered, 'device')} that were asked, ${failed.toLocaleString('en-GB')} refused`,
  ofPage: 'Answers of the devices below',
  roundNote: 'A round finds its devices while it goes on, and keeps counts only.',
} as const
