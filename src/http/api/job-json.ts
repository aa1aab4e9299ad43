import { z } from '@hono/zod-openapi'
import type { JobView } from '../../delivery/job.ts'
import type { Replay } from '../../device/replay.ts'
import type { CommandWork } from '../../delivery/job-work.ts'
import { kindOf, type Outcome } from '../../delivery/job-rows.ts'
import { atOrNull, time } from './frame.ts'

export const jobSchema = z
  .object({
    id: z.string(),
    kind: z.enum(['command', 'replay']),
    state: z.enum(['running', 'finished', 'cancelled', 'stopped']).openapi({
      description:
        '`finished`: each id has its outcome, be it that all have failed; `stopped`: some wait that nobody will go on to, `reason` tells why',
    }),
    reason: z.string().nullable(),
    created_at: time,
    ended_at: time.nullable(),
    command: z.object({ request_type: z.string(), command_uuid: z.string() }).nullable(),
    replay: z
      .object({ webhook: z.string() })
      .nullable()
      .openapi({ description: 'of events to a webhook' }),
    total: z.int(),
    done: z.int().openapi({ description: 'queued at the device' }),
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
    id: z
      .string()
      .openapi({ description: 'as it was named; a serial number that leads to no device' }),
    outcome: z.enum(['waiting', 'done', 'failed']),
    command_id: z.string().nullable(),
    known: z.boolean().optional().openapi({
      description: '`false`: no such enrolment has ever been here, and the command waits for one',
    }),
    events: z.int().optional().openapi({ description: 'how many are replayed' }),
    error: z.string().nullable(),
  })
  .openapi('Outcome')

export const JOB_EXAMPLE: z.input<typeof jobSchema> = {
  id: 'f3b8d0a5-1c58-4c3e-9b5a-0d6d9f3e7a11',
  kind: 'command',
  state: 'running',
  reason: null,
  created_at: '2026-11-24T09:00:00Z',
  ended_at: null,
  command: {
    request_type: 'DeviceInformation',
    command_uuid: '0f3a8f9e-6a0e-4c5e-8a0c-0a8c2f6d1b7e',
  },
  replay: null,
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
  outcome: 'done',
  command_id: 'E0B7A5F2-6C1D-4C57-9F0B-3C5C5D7A9E01.17',
  error: null,
}

export function jobJson(job: JobView): z.input<typeof jobSchema> {
  return {
    id: job.name,
    ...workJson(job),
    state: job.state,
    reason: job.reason || null,
    created_at: new Date(job.createdAt).toISOString(),
    ended_at: atOrNull(job.endedAt),
    total: job.total,
    done: job.total - job.waiting - job.failed,
    failed: job.failed,
    waiting: job.waiting,
    pace: job.pace || null,
    stop_at_error_rate: job.stopAt || null,
    answers: job.answers,
  }
}

function workJson(job: JobView): Pick<z.input<typeof jobSchema>, 'kind' | 'command' | 'replay'> {
  if (job.kind === 'replay') {
    const { subscriber }: Replay = JSON.parse(job.work)
    return { kind: 'replay', command: null, replay: { webhook: subscriber } }
  }
  const { uuid, requestType }: CommandWork = JSON.parse(job.work)
  const command = { request_type: requestType, command_uuid: uuid }
  return { kind: 'command', command, replay: null }
}

export function outcomeJson(
  { kind }: Pick<JobView, 'kind'>,
  id: string,
  outcome: Outcome,
): z.input<typeof outcomeSchema> {
  if (kind === 'replay' && typeof outcome === 'number') {
    return { id, outcome: 'done', command_id: null, events: outcome, error: null }
  }
  return {
    id,
    outcome: kindOf(outcome),
    command_id: typeof outcome === 'number' ? `${id}.${outcome}` : (outcome?.at(0) ?? null),
    error: null,
    ...(Array.isArray(outcome) && outcome[1] === 'unknown' && { known: false }),
    ...(typeof outcome === 'string' && { command_id: null, error: outcome }),
  }
}
