import { z } from '../zod.ts'
import type { JobView } from '../../../jobs/view.ts'
import type { Replay } from '../../../device/outbox/replay.ts'
import type { ReleaseFilter } from '../../../device/queue/held.ts'
import type { CommandWork } from '../../../jobs/command.ts'
import { kindOf, type Outcome, type OutcomeKind } from '../../../jobs/rows.ts'
import { isRound } from '../../../jobs/kinds.ts'
import type { Env } from '../../../env.ts'
import { SMALL } from './targets.ts'
import { atOrNull, iso, time } from '../values.ts'
import { commandStateWord } from '../words.ts'

export const jobSchema = z
  .object({
    id: z.string(),
    kind: z
      .enum([
        'command',
        'replay',
        'release',
        'renewal',
        'push-waiting',
        'move',
        'declarations',
        'rollout',
      ])
      .openapi({
        description:
          '`renewal`: a round of renewals; `push-waiting`: pushes what waits, because pushes may leave ' +
          'again; ' +
          '`move`: applies a fleet that came from another server',
      }),
    state: z.enum(['running', 'finished', 'cancelled', 'stopped']).openapi({
      description:
        '`finished`: each id has its outcome, even if all have failed; `stopped`: the other ids stay ' +
        'waiting, and `reason` says why',
    }),
    reason: z.string().nullable(),
    created_at: time,
    ended_at: time.nullable(),
    paused_at: time.nullable().openapi({
      description: 'since when it waits for its resume; its state stays `running`',
    }),
    command: z.object({ request_type: z.string(), command_uuid: z.string() }).nullable(),
    replay: z
      .object({ webhook_id: z.string(), dry_run: z.boolean() })
      .nullable()
      .openapi({ description: 'of a job that posts events to a webhook again' }),
    release: z
      .object({
        request_types: z.array(z.string()).nullable(),
        queued_before: time.nullable(),
        queued_after: time.nullable(),
      })
      .nullable()
      .openapi({ description: 'of a job that releases held commands' }),
    total: z.int().openapi({
      description: 'how many ids; in a round, how many devices so far',
    }),
    done: z.int().openapi({
      description: 'how many ids are done: the command is queued there, not yet answered',
    }),
    failed: z.int(),
    waiting: z.int(),
    pace: z.int().nullable().openapi({ description: 'devices a minute' }),
    stop_at_error_rate: z.number().nullable(),
    answers: z.object({ answered: z.int(), failed: z.int() }).openapi({
      description: 'of a sample of the devices, in a job with stop_at_error_rate',
    }),
  })
  .openapi('Job')

export const outcomeSchema = z
  .object({
    id: z.string().openapi({
      description: 'the id as in the request; a serial number that leads to no device',
    }),
    state: z.enum(['waiting', 'done', 'failed']).openapi({
      description:
        '`done`: the command is queued at the device, the events are posted again, or held commands are ' +
        'released; read the device’s answer by `command_id`',
    }),
    command_id: z.string().nullable(),
    answer: commandStateWord.nullable().openapi({
      description: 'with `answers=true`, the state of the command at the device now; else null',
    }),
    known: z
      .boolean()
      .nullable()
      .openapi({
        description:
          '`false`: no device has ever enrolled with this id, and the command waits for one; null where ' +
          'no command is queued',
      }),
    events: z.int().nullable().openapi({ description: 'in a replay, how many are posted again' }),
    released: z
      .int()
      .nullable()
      .openapi({ description: 'in a release, how many commands are released' }),
    error: z.string().nullable().openapi({ description: 'why it failed' }),
  })
  .openapi('Outcome')

export const JOB_EXAMPLE: JobJson = {
  id: 'f3b8d0a5-1c58-4c3e-9b5a-0d6d9f3e7a11',
  kind: 'command',
  state: 'running',
  reason: null,
  created_at: '2026-11-24T09:00:00Z',
  ended_at: null,
  paused_at: null,
  command: {
    request_type: 'DeviceInformation',
    command_uuid: '0f3a8f9e-6a0e-4c5e-8a0c-0a8c2f6d1b7e',
  },
  replay: null,
  release: null,
  total: 100_000,
  done: 41_500,
  failed: 2,
  waiting: 58_498,
  pace: 6000,
  stop_at_error_rate: 0.1,
  answers: { answered: 260, failed: 1 },
}

export const OUTCOME_EXAMPLE: z.input<typeof outcomeSchema> = {
  id: 'E0B7A5F2-6C1D-4C57-9F0B-3C5C5D7A9E01',
  state: 'done',
  command_id: 'E0B7A5F2-6C1D-4C57-9F0B-3C5C5D7A9E01.17',
  answer: null,
  known: true,
  events: null,
  released: null,
  error: null,
}

type JobJson = z.input<typeof jobSchema>

export function jobJson(job: JobView): JobJson {
  return {
    id: job.name,
    kind: job.kind,
    ...workJson(job),
    state: job.state,
    reason: job.reason || null,
    created_at: iso(job.createdAt),
    ended_at: atOrNull(job.endedAt),
    paused_at: atOrNull(job.pausedAt ?? 0),
    total: job.total,
    done: job.total - job.waiting - job.failed,
    failed: job.failed,
    waiting: job.waiting,
    pace: job.pace || null,
    stop_at_error_rate: job.stopAt || null,
    answers: job.answers,
  }
}

const NO_WORK = { command: null, replay: null, release: null }

function workJson({ kind, work }: JobView): Pick<JobJson, keyof typeof NO_WORK> {
  switch (kind) {
    case 'command': {
      const { uuid, requestType }: CommandWork = JSON.parse(work)
      return { ...NO_WORK, command: { request_type: requestType, command_uuid: uuid } }
    }
    case 'replay': {
      const { subscriber, dryRun }: Replay = JSON.parse(work)
      return { ...NO_WORK, replay: { webhook_id: subscriber, dry_run: dryRun } }
    }
    case 'release': {
      const { requestTypes, queuedBefore = 0, queuedAfter = 0 }: ReleaseFilter = JSON.parse(work)
      const release = {
        request_types: requestTypes?.slice() ?? null,
        queued_before: atOrNull(queuedBefore),
        queued_after: atOrNull(queuedAfter),
      }
      return { ...NO_WORK, release }
    }
    default:
      return NO_WORK
  }
}

export function outcomeJson(
  { kind }: Pick<JobView, 'kind'>,
  id: string,
  outcome: Outcome,
): z.input<typeof outcomeSchema> {
  const none = { command_id: null, answer: null, known: null, events: null, released: null }
  const blank = { id, state: kindOf(outcome), ...none, error: null }
  if (outcome === null || typeof outcome === 'string') {
    return { ...blank, error: outcome }
  }
  if (typeof outcome !== 'number') {
    const [commandId, unknown] = outcome
    return { ...blank, command_id: commandId, known: unknown === undefined }
  }
  switch (kind) {
    case 'replay':
      return { ...blank, events: outcome }
    case 'release':
      return { ...blank, released: outcome }
    default:
      return { ...blank, command_id: `${id}.${outcome}`, known: true }
  }
}

/** How many outcomes of a state a job has. A round keeps none. */
export function totalOf(job: JobView, state?: OutcomeKind): number {
  const { total, waiting, failed } = job
  if (isRound(job)) {
    return 0
  }
  const counts = { waiting, failed, done: total - waiting - failed }
  return state === undefined ? total : counts[state]
}

/** A job that a request has made, with the outcomes of a small one. */
export const startedJobSchema = jobSchema
  .extend({
    outcomes: z
      .array(outcomeSchema)
      .nullable()
      .openapi({
        description: `of up to ${SMALL} ids; null for more: those are at /api/jobs/{id}/outcomes`,
      }),
  })
  .openapi('StartedJob')

export async function startedJson(
  env: Pick<Env, 'JOB'>,
  job: JobView,
): Promise<z.input<typeof startedJobSchema>> {
  const small = job.total <= SMALL
  const { outcomes } = small
    ? await env.JOB.getByName(job.name).outcomes(0, SMALL, undefined)
    : { outcomes: [] }
  return {
    ...jobJson(job),
    outcomes: small ? outcomes.map(([id, one]) => outcomeJson(job, id, one)) : null,
  }
}
