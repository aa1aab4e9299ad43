import { clock, inTime } from '../clock.ts'
import { START, walkPage } from '../directory/devices/walk.ts'
import { reasonOf } from '../reason.ts'
import { warn } from '../log.ts'
import type { JobFacts } from './rows.ts'
import type { Round, RoundKind, Step, WorkEnv } from './work.ts'

/**
 * Lets each device of the directory push its waiting commands, because pushes may leave again. While the
 * circuit is open and its time is over, a few devices at a time try: the first delivered push closes it.
 */
export const pushWaitingKind: RoundKind = { step: pushNext }

/** Names the job. */
export const PUSH_WAITING = 'push-waiting'

interface Walk {
  readonly topic: string
  /** The device after which the walk goes on. */
  readonly place: string
  /** When the cause ended that held pushes back: later enrolments had no reason to wait. */
  readonly until: number
}

/** The pace: so many devices at once, so often. */
const PAGE = 25
const PAGE_EVERY = 1000
/** How long the walk waits for a device. The pushes of the device go on after that. */
const PATIENCE = 2000
/** The pause after a walk, if the circuit is still open: no device had a push to try with. */
const REST = 900_000

export function pushWaitingRound(
  topic: string,
  until: number,
): Pick<JobFacts, 'name' | 'kind' | 'work'> {
  return { name: PUSH_WAITING, kind: 'push-waiting', work: workOf({ topic, place: START, until }) }
}

async function pushNext(env: WorkEnv, { work }: Round): Promise<Step> {
  const walk: Walk = JSON.parse(work)
  const { topic, place } = walk
  const { open, until } = await env.PUSH.getByName(topic).state()
  const isOpen = open !== undefined
  if (clock.now() < until) {
    return { total: 0, failed: 0, work, after: { kind: 'wait', until } }
  }
  const { ids, next } = await walkPage(env.DB, place, PAGE, isOpen ? undefined : walk.until)
  const asked = await Promise.all(ids.map((id) => askToPush(env, id, isOpen)))
  const failed = asked.filter((answered) => !answered).length
  const step = { total: ids.length, failed, work: workOf({ ...walk, place: next ?? START }) }
  if (next === undefined && !isOpen) {
    return { ...step, after: { kind: 'finished' } }
  }
  const pause = next === undefined ? REST : PAGE_EVERY
  return { ...step, after: { kind: 'wait', until: clock.now() + pause } }
}

/** @returns whether the device has answered. */
async function askToPush(env: WorkEnv, device: string, tries: boolean): Promise<boolean> {
  try {
    await inTime(PATIENCE, env.DEVICE.getByName(device).pushWaiting(tries))
    return true
  } catch (error) {
    warn('push:device-unreachable', { device, reason: reasonOf(error) })
    return false
  }
}

function workOf(walk: Walk): string {
  return JSON.stringify(walk)
}
