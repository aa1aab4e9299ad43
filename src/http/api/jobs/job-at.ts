import { z } from '../zod.ts'
import type { Env } from '../../../env.ts'
import { MOVE } from '../../../jobs/move/round.ts'
import { PUSH_WAITING } from '../../../jobs/push-waiting.ts'
import { RENEWALS } from '../../../jobs/renewal/control.ts'
import type { JobView } from '../../../jobs/view.ts'
import { RequestError } from '../../request-error.ts'
import { pathId } from '../operation.ts'
import { JOB_EXAMPLE } from './json.ts'

/** The job that a path names. */

export const JOB_PARAMS = pathId(
  z.string(),
  'the id of a job; `renewals` and `push-waiting` are the rounds that the server begins by itself, and ' +
    '`move` applies a fleet that came from another server',
  JOB_EXAMPLE.id,
)
export const NO_JOB = { 404: 'no such job: it did not exist, or ended more than 30 days ago' }

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const ROUNDS: ReadonlySet<string> = new Set([RENEWALS, PUSH_WAITING, MOVE])

/** The object of a job. An id that no job can have creates none. @throws RequestError */
export function jobAt(env: Env, id: string): ReturnType<Env['JOB']['getByName']> {
  if (!UUID.test(id) && !ROUNDS.has(id)) {
    throw unknownJob(id)
  }
  return env.JOB.getByName(id)
}

/** @throws RequestError */
export function foundJob(id: string, job: JobView | undefined): JobView {
  if (!job) {
    throw unknownJob(id)
  }
  return job
}

function unknownJob(id: string): RequestError {
  return new RequestError(
    `no job has the id ${id}: it did not exist, or ended more than 30 days ago`,
    'job_not_found',
  )
}
