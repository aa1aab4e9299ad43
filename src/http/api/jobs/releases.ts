import { z } from '../zod.ts'
import type { ReleaseFilter } from '../../../device/queue/held.ts'
import type { Env } from '../../../env.ts'
import { IN_ORDER, isInOrder, releaseFilterOf, releaseWords } from '../commands/release-filter.ts'
import { body, operation } from '../operation.ts'
import { newRoutes } from '../new-routes.ts'
import { idempotencyKey, jobAnswers, KEY_REUSED, type NewJob, startJob } from './start.ts'
import { findTargets, idList, isNamedOnce, NAMED_ONCE, SMALL, targetFields } from './targets.ts'

/** The commands that came with a moved fleet are released at many devices (docs/bulk.md). */
export const releaseRoutes = newRoutes()

const releaseRequest = z
  .strictObject({ ids: idList, ...targetFields, ...releaseWords })
  .refine(isNamedOnce, NAMED_ONCE)
  .refine(isInOrder, IN_ORDER)

const request_types = ['InstallProfile']

releaseRoutes.openapi(
  operation('releaseMoved', 'post', '/commands/release', {
    tags: ['Bulk'],
    summary: 'Releases commands of a moved fleet at many devices and their users',
    description:
      'Only commands that are held for `moved`. Commands that are held for another reason need a look at ' +
      'their device, and destructive ones a release by their id. The commands of a device go out in their ' +
      `order. Up to ${SMALL} ids without a pace are done within the call; more become a job.`,
    headers: { 'idempotency-key': idempotencyKey },
    body: body(releaseRequest, {
      ids: { ids: ['E0B7A5F2-6C1D-4C57-9F0B-3C5C5D7A9E01'] },
      filter: { filter: { platform: ['macOS'], os_version: '15' }, request_types, pace: 6000 },
      all: { all: true, request_types, queued_after: '2026-11-24T09:00:00Z' },
    }),
    answers: jobAnswers,
    problems: { 422: KEY_REUSED },
  }),
  async (c) => startJob(c, () => planOf(c.env, c.req.valid('json'))),
)

async function planOf(env: Env, wanted: z.output<typeof releaseRequest>): Promise<NewJob> {
  const targets = await findTargets(env.DB, wanted)
  const filter: ReleaseFilter = { ...releaseFilterOf(wanted), heldFor: 'moved' }
  const facts = {
    kind: 'release',
    work: JSON.stringify(filter),
    secret: false,
    pace: wanted.pace ?? 0,
    stopAt: 0,
  } as const
  return { targets, facts, payload: new Uint8Array() }
}
