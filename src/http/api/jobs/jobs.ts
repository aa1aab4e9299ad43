import { listJobs } from '../../../directory/jobs.ts'
import type { Env } from '../../../env.ts'
import { commandKind } from '../../../jobs/command.ts'
import { faultAt } from '../../request-error.ts'
import { answer, operation } from '../operation.ts'
import {
  listOf,
  numberCursor,
  numberedPage,
  pageQuery,
  shortPageQuery,
  sortedList,
} from '../paging.ts'
import { newRoutes } from '../new-routes.ts'
import { flag } from '../values.ts'
import { foundJob, jobAt, JOB_PARAMS, NO_JOB } from './job-at.ts'
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
const params = JOB_PARAMS
const problems = NO_JOB
/** The free plan allows fifty calls a request. */
const MOST_ASKED = 40
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
    return c.json(jobJson(foundJob(id, await jobAt(c.env, id).view())), 200)
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
      answers: flag.optional().openapi({
        description: `true: also asks each device for its \`answer\`; \`limit\` is ${MOST_ASKED} at most`,
      }),
    },
    answers: { 200: listOf('a page of outcomes', outcomeSchema, OUTCOME_EXAMPLE) },
    problems,
  }),
  async (c) => {
    const { id } = c.req.valid('param')
    const { cursor, limit, state, answers = false } = c.req.valid('query')
    if (answers && limit > MOST_ASKED) {
      throw faultAt('query.limit', `has to be ${MOST_ASKED} at most with answers=true`)
    }
    const job = jobAt(c.env, id)
    const view = foundJob(id, await job.view())
    const page = await job.outcomes(numberCursor(cursor, 'outcome') ?? 0, limit, state)
    const listed = page.outcomes.map(([target, one]) => outcomeJson(view, target, one))
    const items = answers ? await Promise.all(listed.map((one) => withAnswer(c.env, one))) : listed
    const total = cursor === undefined ? totalOf(view, state) : null
    return c.json({ ...numberedPage('outcome', items, page.next), total }, 200)
  },
)

type OutcomeJson = ReturnType<typeof outcomeJson>

/** A device that does not answer now has no answer to show. */
async function withAnswer(env: Env, outcome: OutcomeJson): Promise<OutcomeJson> {
  const { command_id: id } = outcome
  const state = id === null ? undefined : await commandKind.answer(env, id).catch(() => undefined)
  return { ...outcome, answer: state ?? null }
}
