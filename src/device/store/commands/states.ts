/** The states of a command as conditions of SQL. */
import { ENDED_STATES, PENDING_STATES } from '../../../mdm/queue.ts'
import { rangeSql } from './ids.ts'

export const PENDING = `('${PENDING_STATES.join("', '")}')`
export const ENDED = `('${ENDED_STATES.join("', '")}')`

/** Whether a command is pending, and not held. */
export const ACTIVE = "state IN ('queued', 'sent', 'not_now', 'stalled')"
/** The state that a held command had before. */
export const BEFORE_HOLD = `CASE WHEN handed_out_at = 0 THEN 'queued'
  WHEN not_now_at >= handed_out_at THEN 'not_now' ELSE 'sent' END`

/** A job that died repeats a batch, and has to find within this time which commands it queued already. */
const JOB_SPAN = 86_400_000

/** Whether a job may still look for a row. The parameter is {@link jobHorizon}. Only time ends this. */
export function jobMayLookFor(parameter: string): string {
  return `(source GLOB 'job/*' AND queued_at >= ${parameter})`
}

export function jobHorizon(now: number): number {
  return now - JOB_SPAN
}

/** Whether a command is pending on the channel of this id. */
export function isPendingOn(channelId: string): string {
  return `EXISTS (SELECT 1 FROM commands WHERE commands.id ${rangeSql(channelId)} AND state IN ${PENDING})`
}

/** The same, or a job may still look for one of the channel's commands. */
export function isNeededOn(channelId: string, parameter: string): string {
  return `EXISTS (SELECT 1 FROM commands WHERE commands.id ${rangeSql(channelId)}
    AND (state IN ${PENDING} OR ${jobMayLookFor(parameter)}))`
}
