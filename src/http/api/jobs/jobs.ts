import { z } from '../zod.ts'
import { listJobs } from '../../../directory/jobs.ts'
import type { Env } from '../../../env.ts'
import { MOVE } from '../../../jobs/move/round.ts'
import { PUSH_WAITING } from '../../../jobs/push-waiting.ts'
import { RENEWALS } from '../../../jobs/renewal/control.ts'
import type { JobView } from '../../../jobs/view.ts'
import { RequestError } from '../../request-error.ts'
import { answer, operation, pathId } from '../operation.ts'
import {
  listOf,
  numberCursor,
  numberedPage,
  pageQuery,
  shortPageQuery,
  sortedList,
} from '../paging.ts'
import { newRoutes } from '../new-routes.ts'
import {
  JOB_EXAMPLE,
  jobJson,
  jobSchema,
  OUTCOME_EXAMPLE,
  outcomeJson,
  outcomeSchema,
  totalOf,
} from './json.ts'

/** Jobs: their progress, their outcomes, their end (docs/bulk.md). */
export const jobRoutes = newRoutes()

const tags = ['Bulk']
const params = pathId(
  z.string(),
  'the id of a job; `renewals` and `push-waiting` are the rounds that the server begins by itself, and ' +
    '`move` applies a fleet that came from another server',
  JOB_EXAMPLE.id,
)
const problems = { 404: 'no such job: it did not exist, or ended more than 30 days ago' }
const list = sortedList('job', ['created_at'], '-created_at', shortPageQuery)

jobRoutes.openapi(
  operation('listJobs', 'get', '/jobs', {
    tags,
    summary: 'Lists jobs',
    query: list.query,
    answers: { 200: listOf('a page of jobs', jobSchema, JOB_EXAMPLE) },
  }),
  async (c) => {
    const { items, ...page } = await list.page(c.req.valid('query'), {
      read: (range) => listJobs(c.env.DB, range),
      item: ({ id }) => c.env.JOB.getByName(id).view(),
      place: ({ createdAt, id }) => ({ value: createdAt, id }),
    })
    // A crash can list a job that was never stored.
    const views = (await Promise.all(items)).filter((view) => view !== undefined)
    return c.json({ ...page, items: views.map(jobJson) }, 200)
  },
)

jobRoutes.openapi(
  operation('getJob', 'get', '/jobs/{id}', {
    tags,
    summary: 'One job and its progress',
    params,
    answers: { 200: answer('the job', jobSchema, JOB_EXAMPLE) },
    problems,
  }),
  async (c) => {
    const { id } = c.req.valid('param')
    return c.json(jobJson(found(id, await jobAt(c.env, id).view())), 200)
  },
)

jobRoutes.openapi(
  operation('listOutcomes', 'get', '/jobs/{id}/outcomes', {
    tags,
    summary: 'Lists the outcome of each id of a job, in the order of the request',
    description: 'A round of renewals or of waiting pushes keeps counts only.',
    params,
    query: {
      ...pageQuery,
      state: outcomeSchema.shape.state
        .optional()
        .openapi({ description: 'only ids with this outcome' }),
    },
    answers: { 200: listOf('a page of outcomes', outcomeSchema, OUTCOME_EXAMPLE) },
    problems,
  }),
  async (c) => {
    const { id } = c.req.valid('param')
    const { cursor, limit, state } = c.req.valid('query')
    const job = jobAt(c.env, id)
    const view = found(id, await job.view())
    const page = await job.outcomes(numberCursor(cursor, 'outcome') ?? 0, limit, state)
    const items = page.outcomes.map(([target, one]) => outcomeJson(view, target, one))
    const total = cursor === undefined ? totalOf(view, state) : null
    return c.json({ ...numberedPage('outcome', items, page.next), total }, 200)
  },
)

jobRoutes.openapi(
  operation('cancelJob', 'post', '/jobs/{id}/cancel', {
    tags,
    summary: 'Cancels a job: it calls no further device; commands that are queued stay queued',
    params,
    answers: {
      200: answer('the job; a job that had ended does not change', jobSchema, {
        ...JOB_EXAMPLE,
        state: 'cancelled',
        ended_at: '2026-11-24T09:07:00Z',
      }),
    },
    problems,
  }),
  async (c) => {
    const { id } = c.req.valid('param')
    return c.json(jobJson(found(id, await jobAt(c.env, id).cancel())), 200)
  },
)

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const ROUNDS: ReadonlySet<string> = new Set([RENEWALS, PUSH_WAITING, MOVE])

/** The object of a job. An id that no job can have creates none. @throws RequestError */
function jobAt(env: Env, id: string): ReturnType<Env['JOB']['getByName']> {
  if (!UUID.test(id) && !ROUNDS.has(id)) {
    throw unknownJob(id)
  }
  return env.JOB.getByName(id)
}

function found(id: string, job: JobView | undefined): JobView {
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
