import { z } from '../zod.ts'
import { FACES } from '../../../device/store/commands/queued-by.ts'
import { commandStateWord } from '../words.ts'
import { time } from '../values.ts'

export const plistKeys = z.record(z.string(), z.unknown())

export const outcome = z.enum([
  'delivered',
  'token_dead',
  'token_refused',
  'configuration',
  'later',
  'transport',
  'bug',
])

const pushed = z.object({
  at: time,
  outcome,
  detail: z.string().openapi({ description: 'the apns-id, or the reason of the failure' }),
})

export const pushNote = pushed.nullable().openapi({ description: 'the last answer of APNs' })

export const queuer = z
  .object({
    face: z.enum(FACES).openapi({
      description: 'the API; `server`: the server itself, to renew an identity',
    }),
    key: z
      .string()
      .nullable()
      .openapi({ description: 'the first eight hex digits of the API key’s SHA-256' }),
    actor: z.string().nullable().openapi({ description: 'the value of the header X-Actor' }),
    job_id: z.string().nullable().openapi({ description: 'the job that queued it for many' }),
    renewal: z.boolean().openapi({ description: 'it renews the device’s identity' }),
  })
  .nullable()
  .openapi({ description: 'its origin' })

const QUEUER_EXAMPLE = {
  face: 'api' as const,
  key: '9f86d081',
  actor: 'ada',
  job_id: null,
  renewal: false,
}

/** A command in a list. */
export const commandSummary = z
  .object({
    id: z.string().openapi({ description: 'the enrolment’s id, a dot and a number' }),
    enrollment_id: z.string().openapi({ description: 'the device or user channel' }),
    command_uuid: z.string(),
    request_type: z.string(),
    state: commandStateWord.openapi({
      description:
        'a command that waits: `held` (until `not_before`, or for the reason in `held_for`), `queued`, ' +
        '`sent` (the device has it), `not_now` (the device answered NotNow), `stalled` (the device ignored ' +
        'it in three rounds, and it is behind the others). A command that has ended, with `ended_at`: ' +
        '`acknowledged`, `error`, `format_error` (the device’s answers), `cancelled`, `expired`, ' +
        '`superseded` (the device enrolled again)',
    }),
    held_for: z
      .enum(['arrival', 'contest', 'earlier', 'review', 'moved', 'setup'])
      .nullable()
      .openapi({
        description:
          'why it is held. `arrival`: no device has enrolled with this id yet, or the id is a user’s too; ' +
          '`contest`: until the enrolment is proven; `earlier`: it was queued for the enrolment before the ' +
          'contested one; `review`: it is destructive, and the enrolment that it was queued for is over, ' +
          'or was not proven; `moved`: it came with a fleet from another server; `setup`: until the setup ' +
          'of the device is over',
      }),
    queued_at: time,
    queued_by: queuer,
    not_before: time.nullable(),
    expires_at: time.nullable(),
    pushed: pushNote,
    hand_outs: z.int().openapi({ description: 'how often it was handed out to the device' }),
    last_handed_out_at: time.nullable(),
    not_nows: z.int().openapi({ description: 'how often the device answered NotNow' }),
    not_now_since: time.nullable(),
    answered_at: time.nullable(),
    ended_at: time.nullable().openapi({ description: 'null until the command has ended' }),
    repeatable: z.boolean().openapi({
      description:
        'retryCommand can queue it again: it has no secret, and its payload is short enough',
    }),
  })
  .openapi('Command')

export const step = z.object({
  at: time,
  what: z.enum(['queued', 'pushed', 'handed_out', 'not_now', 'answered', 'ended']),
  times: z.int(),
  last_at: time.openapi({ description: 'the last of several times; `at` is the first' }),
  detail: z.string().nullable(),
})

/** One command in detail: its steps and the device's answer. */
export const commandDetailSchema = commandSummary
  .extend({
    command: plistKeys.nullable().openapi({
      description: 'Apple’s keys; null when they are no longer kept',
    }),
    timeline: z.array(step),
    result: plistKeys
      .nullable()
      .openapi({ description: 'the device’s answer; its bytes are at /result' }),
    secrets: z.array(z.string()).openapi({
      description:
        'the keys that `command` and `result` leave out, such as `command.PIN`: revealCommand shows them, ' +
        'and needs a reason',
    }),
    errors: z
      .array(
        z.object({
          code: z.number().nullable(),
          domain: z.string().nullable(),
          description: z.string().nullable(),
        }),
      )
      .openapi({ description: 'the error chain, as the device reports it' }),
  })
  .openapi('CommandDetail')

export const COMMAND_EXAMPLE = {
  id: 'E0B7A5F2-6C1D-4C57-9F0B-3C5C5D7A9E01.17',
  enrollment_id: 'E0B7A5F2-6C1D-4C57-9F0B-3C5C5D7A9E01',
  command_uuid: '0f3a8f9e-6a0e-4c5e-8a0c-0a8c2f6d1b7e',
  request_type: 'DeviceInformation',
  state: 'acknowledged' as const,
  held_for: null,
  queued_at: '2026-11-24T09:00:00.000Z',
  queued_by: QUEUER_EXAMPLE,
  not_before: null,
  expires_at: null,
  pushed: {
    at: '2026-11-24T09:00:00.250Z',
    outcome: 'delivered' as const,
    detail: 'B1F6E3B4-7B6A-4F0D-9F3B-0D5C9C2A8E77',
  },
  hand_outs: 1,
  last_handed_out_at: '2026-11-24T09:00:01.000Z',
  not_nows: 0,
  not_now_since: null,
  answered_at: '2026-11-24T09:00:02.000Z',
  ended_at: '2026-11-24T09:00:02.000Z',
  repeatable: true,
}
function stepExample(what: 'queued' | 'answered', at: string) {
  return { at, what, times: 1, last_at: at, detail: null }
}

export const DETAIL_EXAMPLE = {
  ...COMMAND_EXAMPLE,
  command: null,
  timeline: [
    stepExample('queued', COMMAND_EXAMPLE.queued_at),
    stepExample('answered', COMMAND_EXAMPLE.answered_at),
  ],
  result: { Status: 'Acknowledged', QueryResponses: { OSVersion: '26.1' } },
  secrets: [],
  errors: [],
}
