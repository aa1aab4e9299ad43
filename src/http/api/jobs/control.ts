import type { z } from '../zod.ts'
import { isRound } from '../../../jobs/kinds.ts'
import type { JobView } from '../../../jobs/view.ts'
import { RequestError } from '../../request-error.ts'
import { answer, operation } from '../operation.ts'
import { newRoutes } from '../new-routes.ts'
import { foundJob, jobAt, JOB_PARAMS, NO_JOB } from './job-at.ts'
import { JOB_EXAMPLE, jobJson, jobSchema } from './json.ts'

/** An admin cancels, pauses and resumes jobs. */
export const jobControlRoutes = newRoutes()

interface Steer {
  cancel(): Promise<JobView | undefined>
  pause(): Promise<JobView | undefined>
  resume(): Promise<JobView | undefined>
}

const ACTIONS: readonly {
  readonly path: string
  readonly operationId: string
  readonly summary: string
  readonly description?: string
  readonly says: string
  readonly example: Partial<z.input<typeof jobSchema>>
  readonly steer: (job: Steer) => Promise<JobView | undefined>
}[] = [
  {
    path: '/jobs/{id}/cancel',
    operationId: 'cancelJob',
    summary: 'Cancels a job: it calls no further device; commands that are queued stay queued',
    says: 'the job; a job that had ended does not change',
    example: { state: 'cancelled', ended_at: '2026-11-24T09:07:00Z' },
    steer: async (job) => job.cancel(),
  },
  {
    path: '/jobs/{id}/pause',
    operationId: 'pauseJob',
    summary: 'Pauses a job: it calls no further device until it is resumed',
    description: 'The state stays `running`, and `paused_at` says that it waits.',
    says: 'the job; a job that had ended does not change',
    example: { paused_at: '2026-11-24T09:07:00Z' },
    steer: async (job) => job.pause(),
  },
  {
    path: '/jobs/{id}/resume',
    operationId: 'resumeJob',
    summary: 'Resumes a job that was paused',
    says: 'the job; a job that is not paused does not change',
    example: {},
    steer: async (job) => job.resume(),
  },
]

for (const { operationId, path, says, example, steer, ...about } of ACTIONS) {
  jobControlRoutes.openapi(
    operation(operationId, 'post', path, {
      tags: ['Bulk'],
      ...about,
      params: JOB_PARAMS,
      answers: { 200: answer(says, jobSchema, { ...JOB_EXAMPLE, ...example }) },
      problems: { ...NO_JOB, 409: 'a round cannot be paused or resumed' },
    }),
    async (c) => {
      const { id } = c.req.valid('param')
      const job = jobAt(c.env, id)
      if (operationId !== 'cancelJob' && isRound(foundJob(id, await job.view()))) {
        throw new RequestError(
          `${id} is a round, which has no pause: cancel it, or change its settings`,
          'conflict',
        )
      }
      return c.json(jobJson(foundJob(id, await steer(job))), 200)
    },
  )
}
