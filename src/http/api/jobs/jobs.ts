import { createRoute, z } from '@hono/zod-openapi'
import type { JobView } from '../../../jobs/view.ts'
import { listJobs } from '../../../directory/jobs.ts'
import type { Env } from '../../../env.ts'
import { AdminError } from '../../admin-error.ts'
import {
  JOB_EXAMPLE,
  jobJson,
  jobSchema,
  OUTCOME_EXAMPLE,
  outcomeJson,
  outcomeSchema,
  totalOf,
} from './json.ts'
import {
  listOf,
  numberCursor,
  numberedPage,
  pageOfRows,
  pageQuery,
  placeCursor,
  placeIn,
  shortPageQuery,
  sortBy,
} from '../paging.ts'
import { answer, refusal } from '../operation.ts'
import { newRoutes } from '../routes.ts'

/** Long work, while it goes on and for thirty days after. */
export const jobs = newRoutes()

const tags = ['Bulk']
const params = z.object({
  id: z.string().openapi({
    param: { name: 'id', in: 'path' },
    description: 'a job’s id',
    example: JOB_EXAMPLE.id,
  }),
})
/** A UUID is what a job is called; no object is made for another name. */
const JOB_ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const noJob = refusal('no such job: it never was, or is kept no longer')

jobs.openapi(
  createRoute({
    method: 'get',
    path: '/jobs',
    operationId: 'listJobs',
    tags,
    summary: 'Lists jobs',
    request: {
      query: z.strictObject({ ...shortPageQuery, sort: sortBy(['created_at'], '-created_at') }),
    },
    responses: { 200: listOf('a page of jobs', jobSchema, JOB_EXAMPLE) },
  }),
  async (c) => {
    const { cursor, limit, sort } = c.req.valid('query')
    const listed = await listJobs(c.env.DB, {
      sort,
      after: placeIn(cursor, 'job', sort),
      limit,
    })
    const { items, ...page } = pageOfRows(listed, limit, {
      item: ({ id }) => c.env.JOB.getByName(id).view(),
      cursor: ({ createdAt, id }) => placeCursor('job', sort, { value: createdAt, id }),
    })
    // A job that died before its object knew of it is nothing.
    const views = (await Promise.all(items)).filter((view) => view !== undefined)
    return c.json({ ...page, items: views.map(jobJson) }, 200)
  },
)

jobs.openapi(
  createRoute({
    method: 'get',
    path: '/jobs/{id}',
    operationId: 'getJob',
    tags,
    summary: 'A job, and how far it is',
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
    summary: 'Lists the outcome of each id of a job, in the order of the request',
    request: {
      params,
      query: z.strictObject({
        ...pageQuery,
        state: outcomeSchema.shape.state
          .optional()
          .openapi({ description: 'only ids of this outcome' }),
      }),
    },
    responses: {
      200: listOf('a page of outcomes', outcomeSchema, OUTCOME_EXAMPLE),
      404: noJob,
    },
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

jobs.openapi(
  createRoute({
    method: 'post',
    path: '/jobs/{id}/cancel',
    operationId: 'cancelJob',
    tags,
    summary: 'Cancels a job: it calls no further device; commands that are queued stay queued',
    request: { params },
    responses: {
      200: answer('the job; a job that had ended does not change', jobSchema, {
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
