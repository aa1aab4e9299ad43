import type { Context } from 'hono'
import { createHash } from 'node:crypto'
import { clock } from '../../../clock.ts'
import { addJob } from '../../../directory/jobs.ts'
import type { JobOrder } from '../../../jobs/rows.ts'
import type { AppEnv } from '../../app-env.ts'
import { noteAudit } from '../../access/audited.ts'
import { RequestError } from '../../request-error.ts'
import { answer, keyText, located } from '../operation.ts'
import { requestHash } from '../request-hash.ts'
import { JOB_EXAMPLE, OUTCOME_EXAMPLE, startedJobSchema, startedJson } from './json.ts'
import { SMALL, type Targets } from './targets.ts'

/** Jobs that requests make: one for each Idempotency-Key. */

export const idempotencyKey = keyText.optional().openapi({
  description:
    'a repeated request with this key starts nothing, and its answer is the same job; a key is known as ' +
    'long as its job, for 30 days after its end',
})

export const jobAnswers = {
  200: located(
    answer('all of it is done', startedJobSchema, {
      ...JOB_EXAMPLE,
      state: 'finished',
      ended_at: '2026-11-24T09:00:00Z',
      total: 1,
      done: 1,
      failed: 0,
      waiting: 0,
      outcomes: [OUTCOME_EXAMPLE],
    }),
  ),
  202: located(answer('a job that goes on', startedJobSchema, { ...JOB_EXAMPLE, outcomes: null })),
}
export const KEY_REUSED = 'another request had this Idempotency-Key'

/** The work of a new job, and its targets. */
export interface NewJob extends Pick<JobOrder, 'payload'> {
  readonly targets: Targets
  readonly facts: Omit<JobOrder['facts'], 'name' | 'request'>
}

/** The work is stored in one row of at most 2 MB. The payload of a command is stored beside it, in parts. */
const MAX_WORK = 1_000_000

/** Makes the job, or finds that of an earlier request with the same key. @throws RequestError */
export async function startJob(c: Context<AppEnv>, plan: () => Promise<NewJob>) {
  const key = c.req.header('idempotency-key') ?? ''
  const request = key === '' ? '' : requestHash(c.var.config.repeatKey, await c.req.text())
  const name = key === '' ? crypto.randomUUID() : nameOf(key)
  const object = c.env.JOB.getByName(name)
  let created = key === '' ? undefined : await object.known(request)
  if (!created) {
    // The row of the audit may come before the job.
    noteAudit(c, {}, { target: { type: 'job', id: name } })
    const { targets, facts, payload } = await plan()
    const { ids, faults } = targets
    if (Buffer.byteLength(facts.work) > MAX_WORK) {
      throw new RequestError(
        'the request is too long to be kept with its job: name fewer events, or a shorter CommandUUID',
        'invalid_request',
      )
    }
    await addJob(c.env.DB, { id: name, createdAt: clock.now() })
    created = await object.create({
      facts: { ...facts, name, request },
      payload,
      ids,
      faults,
      wait: ids.length <= SMALL && facts.pace === 0,
    })
  }
  if (created.kind === 'reused') {
    throw new RequestError(
      'another request had this Idempotency-Key, and its body differs: send a new key',
      'idempotency_key_reused',
    )
  }
  c.header('location', `/api/jobs/${name}`)
  const { job } = created
  return c.json(await startedJson(c.env, job), job.state === 'running' ? 202 : 200)
}

/** The same key names the same job. */
function nameOf(key: string): string {
  const hex = createHash('sha256').update(key).digest('hex')
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5')
}
