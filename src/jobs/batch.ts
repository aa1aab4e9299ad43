import { reasonOf } from '../reason.ts'
import { splitEnrollmentId } from '../mdm/enrollment.ts'
import { PENDING_STATES, type CommandState } from '../mdm/queue.ts'
import {
  PAGE_TARGETS,
  type JobCounts,
  type JobRow,
  type Outcome,
  type Page,
  type Watch,
} from './rows.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
/** Calls of one job at the same time. */
const IN_FLIGHT = 32
/**
 * So many failures in a row have another cause than one device: the rest of the batch waits for the next
 * alarm.
 */
const FAILURES_TO_LEAVE = 16
/** After so many alarms without progress, the targets that were tried count as failed. */
const MAX_TRIES = 5
/** How long a device's object stays in memory, with its open files, after a call. */
export const RESIDENT = 10 * SECOND
/** A share of failures counts only with at least this many results, and this many failures. */
const ENOUGH = 10
const MANY = 5
/** Commands that are watched: of each batch, and in all. */
const WATCHED_OF_BATCH = 10
const WATCHED = 100
const ASKED_AT_ONCE = 20
const WAITS: ReadonlySet<unknown> = new Set(PENDING_STATES)

/** How many targets may be done now, and when more may be done. */
export function quotaOf(
  { pace }: Pick<JobRow, 'pace'>,
  burst: number,
  touched: readonly { readonly at: number; readonly count: number }[],
  now: number,
): { quota: number; freeAt: number } {
  const recent = touched.filter(({ at }) => at > now - RESIDENT)
  const room =
    burst === 0 ? PAGE_TARGETS : burst - recent.reduce((sum, { count }) => sum + count, 0)
  // A batch for ten seconds, because each alarm costs.
  const batch = pace === 0 ? PAGE_TARGETS : Math.ceil((pace * RESIDENT) / MINUTE)
  const freeAt = (recent[0]?.at ?? now) + RESIDENT
  return { quota: Math.max(0, Math.min(room, batch, PAGE_TARGETS)), freeAt }
}

/** The earliest time of the next batch, after one of `count` targets. */
export function nextBatchAt(
  { pace }: Pick<JobRow, 'pace'>,
  page: Pick<Page, 'tries'> | undefined,
  count: number,
  began: number,
): number {
  const backOff = page && page.tries > 0 ? 2 ** page.tries * SECOND : 0
  return began + Math.max(pace === 0 ? 0 : (count * MINUTE) / pace, backOff)
}

export interface BatchPorts {
  attempt(id: string): Promise<Outcome>
  /** Whether the job was cancelled during the batch. */
  stopped(): boolean
  done(outcome: Outcome): void
  /**
   * Lets other work run. On one machine all objects share a thread, which reads its sockets only when it is
   * idle: a batch without pauses delays every device until its end.
   */
  pause(): Promise<void>
}

/**
 * Does up to `quota` waiting targets of a page.
 * @returns the page after that, and the places that were called.
 */
export async function runBatch(
  page: Page,
  quota: number,
  ports: BatchPorts,
): Promise<{ page: Page; called: number[] }> {
  const outcomes = [...page.outcomes]
  const waiting = page.ids.flatMap((id, at) => (outcomes[at] === null ? [{ id, at }] : []))
  const called: number[] = []
  let progress = false
  let failures = 0
  let reason = ''
  const line = waiting.slice(0, quota).values()
  const work = async (): Promise<void> => {
    for (const { id, at } of line) {
      if (failures >= FAILURES_TO_LEAVE || ports.stopped()) {
        return
      }
      called.push(at)
      try {
        const outcome = await ports.attempt(id)
        outcomes[at] = outcome
        ports.done(outcome)
        progress = true
        failures = 0
      } catch (error) {
        failures += 1
        reason = reasonOf(error)
      }
      await ports.pause()
    }
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, work))
  const tries = progress ? page.tries : page.tries + 1
  if (tries > MAX_TRIES) {
    for (const at of called) {
      outcomes[at] ??= `could not be reached: ${reason}`
    }
    return { page: { ...page, outcomes, tries: 0 }, called }
  }
  return { page: { ...page, outcomes, tries }, called }
}

/** Watches some of the commands just queued, one of each device: only the devices know the answers. */
export function watchMore(watch: Watch, page: Page, called: readonly number[]): Watch {
  const queued = called.flatMap((at) => {
    const id = page.ids[at] ?? ''
    const outcome = page.outcomes[at]
    return typeof outcome === 'number'
      ? [`${id}.${outcome}`]
      : Array.isArray(outcome)
        ? [String(outcome[0])]
        : []
  })
  const devices = new Set(watch.open.map(deviceOf))
  const others = queued.filter((id) => {
    const isNew = !devices.has(deviceOf(id))
    devices.add(deviceOf(id))
    return isNew
  })
  const open = [...watch.open, ...others.slice(0, WATCHED_OF_BATCH)]
  return { ...watch, open: open.slice(-WATCHED) }
}

function deviceOf(commandId: string): string {
  return splitEnrollmentId(commandId.slice(0, commandId.lastIndexOf('.'))).device
}

/**
 * Reads the states of some watched commands from their devices. A command without an answer is read again
 * later.
 */
export async function askWatched(
  watch: Watch,
  answer: (commandId: string) => Promise<CommandState | undefined>,
): Promise<Watch> {
  const asked = watch.open.slice(0, ASKED_AT_ONCE)
  const states = await Promise.all(
    asked.map((id) => answer(id).catch((): CommandState => 'queued')),
  )
  const count = (...ends: CommandState[]): number =>
    states.filter((state) => state !== undefined && ends.includes(state)).length
  const failed = count('error', 'format_error')
  return {
    open: [...watch.open.slice(ASKED_AT_ONCE), ...asked.filter((_, at) => WAITS.has(states[at]))],
    answered: watch.answered + count('acknowledged') + failed,
    failed: watch.failed + failed,
  }
}

/** Why a job has reached its error limit; `undefined` while it may go on. */
export function reasonToStop(
  { stopAt, total, faults, watch }: Pick<JobRow, 'stopAt' | 'total' | 'faults' | 'watch'>,
  { waiting, failed }: JobCounts,
): string | undefined {
  const done = total - faults - waiting
  const above = (part: number, whole: number): boolean =>
    stopAt > 0 && whole >= ENOUGH && part >= MANY && part / whole > stopAt
  if (above(failed - faults, done)) {
    return `${failed - faults} of ${done} ids failed`
  }
  return above(watch.failed, watch.answered)
    ? `${watch.failed} of ${watch.answered} devices that were asked have answered with an error`
    : undefined
}
