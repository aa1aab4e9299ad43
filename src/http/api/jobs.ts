import { createRoute, z } from '@hono/zod-openapi'
import type { JobView } from '../../delivery/job.ts'
import { listJobs } from '../../directory/jobs.ts'
import type { Env } from '../../env.ts'
import { AdminError } from '../at-device.ts'
import {
  answer,
  limitUpTo,
  newRoutes,
  nextCursor,
  numberCursor,
  numberedCursor,
  pageQuery,
  refusal,
  writeCursor,
} from './frame.ts'
import {
  JOB_EXAMPLE,
  jobJson,
  jobSchema,
  OUTCOME_EXAMPLE,
  outcomeJson,
  outcomeSchema,
} from './job-json.ts'

/** Long work, while it goes on and for thirty days after. */
export const jobs = newRoutes()

const tags = ['Bulk']
const params = z.object({
  id: z.string().openapi({ param: { name: 'id', in: 'path' }, example: JOB_EXAMPLE.id }),
})
/** A UUID is what a job is called; no object is made for another name. */
const JOB_ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const noJob = refusal('no such job: it never was, or is kept no longer')
/** Each job is asked how far it is, and the free plan allows fifty calls. */
const MAX_JOBS = 40

jobs.openapi(
  createRoute({
    method: 'get',
    path: '/jobs',
    operationId: 'listJobs',
    tags,
    summary: 'Jobs, newest first',
    request: {
      query: z.strictObject({
        cursor: pageQuery.cursor,
        limit: limitUpTo(MAX_JOBS).default(20),
      }),
    },
    responses: {
      200: answer('a page of jobs', z.object({ jobs: z.array(jobSchema), next: nextCursor }), {
        jobs: [JOB_EXAMPLE],
        next: null,
      }),
    },
  }),
  async (c) => {
    const { cursor, limit } = c.req.valid('query')
    const after = numberedCursor(cursor, 'job')
    const place = after && { createdAt: after.n, id: after.id }
    const ahead = await listJobs(c.env.DB, place, limit + 1)
    const listed = ahead.slice(0, limit)
    const views = await Promise.all(listed.map(({ id }) => c.env.JOB.getByName(id).view()))
    const last = ahead.length > limit ? listed.at(-1) : undefined
    return c.json(
      {
        // One that died before its object knew of it is nothing.
        jobs: views.flatMap((view) => (view ? [jobJson(view)] : [])),
        next: last ? writeCursor(`job ${last.createdAt} ${last.id}`) : null,
      },
      200,
    )
  },
)

jobs.openapi(
  createRoute({
    method: 'get',
    path: '/jobs/{id}',
    operationId: 'getJob',
    tags,
    summary: 'How far a job is',
    request: { params },
    responses: { 200: answer('the job', jobSchema, JOB_EXAMPLE), 404: noJob },
  }),
  async (c) => {
    const { id } = c.req.valid('param')
    return c.json(jobJson(found(id, await jobAt(c.env, id).view())), 200)
  },
)

jobs.openapi(
  createRoute({
    method: 'get',
    path: '/jobs/{id}/outcomes',
    operationId: 'listOutcomes',
    tags,
    summary: 'What became of each id, in the order in which they were named',
    request: {
      params,
      query: z.strictObject({ ...pageQuery, outcome: outcomeSchema.shape.outcome.optional() }),
    },
    responses: {
      200: answer(
        'a page of outcomes',
        z.object({ outcomes: z.array(outcomeSchema), next: nextCursor }),
        { outcomes: [OUTCOME_EXAMPLE], next: null },
      ),
      404: noJob,
    },
  }),
  async (c) => {
    const { id } = c.req.valid('param')
    const { cursor, limit, outcome } = c.req.valid('query')
    const job = jobAt(c.env, id)
    const view = found(id, await job.view())
    const page = await job.outcomes(numberCursor(cursor, 'outcome') ?? 0, limit, outcome)
    return c.json(
      {
        outcomes: page.outcomes.map(([target, one]) => outcomeJson(view, target, one)),
        next: page.next === undefined ? null : writeCursor(`outcome ${page.next}`),
      },
      200,
    )
  },
)

jobs.openapi(
  createRoute({
    method: 'post',
    path: '/jobs/{id}/cancel',
    operationId: 'cancelJob',
    tags,
    summary: 'Goes on to no further device; what is queued stays queued',
    request: { params },
    responses: {
      200: answer('the job; one that had ended is as it was', jobSchema, {
        ...JOB_EXAMPLE,
        state: 'cancelled',
        ended_at: '2026-11-24T09:07:00Z',
      }),
      404: noJob,
    },
  }),
  async (c) => {
    const { id } = c.req.valid('param')
    return c.json(jobJson(found(id, await jobAt(c.env, id).cancel())), 200)
  },
)

function jobAt(env: Env, id: string): ReturnType<Env['JOB']['getByName']> {
  if (!JOB_ID.test(id)) {
    throw unknown(id)
  }
  return env.JOB.getByName(id)
}

function found(id: string, job: JobView | undefined): JobView {
  if (!job) {
    throw unknown(id)
  }
  return job
}

function unknown(id: string): AdminError {
  return new AdminError(
    `no job has the id ${id}: it never was, or is kept no longer`,
    'job_not_found',
  )
}
