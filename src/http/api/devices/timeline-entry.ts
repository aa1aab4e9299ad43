import { z } from '../zod.ts'
import { PROOF_NAMES } from '../../../device/store/proof.ts'
import { TIMELINE_KINDS, type TimelineEntry } from '../../../device/views/timeline.ts'
import { enrollmentId } from '../../../mdm/enrollment.ts'
import { enrollmentIdOf, queuerJson } from '../commands/json.ts'
import { outcome, queuer } from '../commands/schema.ts'
import { iso, time } from '../values.ts'
import { commandStateWord, proofWord, topicWord } from '../words.ts'

/** One entry of a device's timeline. */

const STEPS = [
  'queued',
  'handed_out',
  'not_now',
  'answered',
  'ended',
  'pushed',
  'bound',
  'renewed',
  'revoked',
  'moved',
  'reinstated',
  'frozen',
] as const

export const timelineEntry = z
  .object({
    kind: z.enum(TIMELINE_KINDS),
    at: time,
    enrollment_id: z.string(),
    sequence: z.int().nullable().openapi({ description: 'of an event, as in webhooks' }),
    event_id: z.string().nullable(),
    topic: topicWord.nullable(),
    status: z.string().nullable().openapi({ description: 'of a report' }),
    command_uuid: z.string().nullable(),
    command_id: z.string().nullable(),
    identity_id: z.string().nullable().openapi({ description: '`fingerprint` in events' }),
    renewal: z.boolean().openapi({ description: 'it renews the identity' }),
    contested_until: time.nullable(),
    proof: proofWord.nullable().openapi({ description: 'the proof that settled a contest' }),
    what: z
      .enum(STEPS)
      .nullable()
      .openapi({ description: 'the step, for entries that are no event' }),
    request_type: z.string().nullable(),
    reasons: z
      .array(z.string())
      .nullable()
      .openapi({ description: 'why the device’s OS does not have a command' }),
    queued_by: queuer,
    times: z.int().openapi({ description: 'how often; `at` is the first time' }),
    last_at: time,
    state: commandStateWord
      .nullable()
      .openapi({ description: 'the state in which the command ended' }),
    outcome: outcome.nullable().openapi({ description: 'of a push' }),
    detail: z
      .string()
      .nullable()
      .openapi({ description: 'of a push: the apns-id, or the reason of the failure' }),
  })
  .openapi('TimelineEntry')
type Entry = z.input<typeof timelineEntry>

/** The fields of an entry that not all entries have. */
type Fields = Partial<Omit<Entry, 'kind' | 'at'>> & Pick<Entry, 'enrollment_id'>

export function entryOf(kind: Entry['kind'], at: string, fields: Fields): Entry {
  return {
    kind,
    at,
    sequence: null,
    event_id: null,
    topic: null,
    status: null,
    command_uuid: null,
    command_id: null,
    identity_id: null,
    renewal: false,
    contested_until: null,
    proof: null,
    what: null,
    request_type: null,
    reasons: null,
    queued_by: null,
    times: 1,
    last_at: at,
    state: null,
    outcome: null,
    detail: null,
    ...fields,
  }
}

export function entryJson(device: string, one: TimelineEntry): Entry {
  return entryOf(one.kind, iso(one.at), fieldsOf(device, one))
}

function fieldsOf(device: string, one: TimelineEntry): Fields {
  switch (one.of) {
    case 'event':
      return eventOf(one)
    case 'command':
      return commandStep(one)
    case 'push': {
      const { outcome: said, detail } = one.push
      const enrollment_id = enrollmentId(device, one.user)
      return { enrollment_id, what: 'pushed', outcome: said, detail }
    }
    case 'identity':
      return { enrollment_id: device, what: one.step, identity_id: one.fingerprint }
  }
}

function eventOf({ event }: Extract<TimelineEntry, { of: 'event' }>): Fields {
  const { sequence, id, topic, about } = event
  return {
    enrollment_id: enrollmentId(about.enrollment.device, about.enrollment.user),
    sequence,
    event_id: id,
    topic,
    status: about.status ?? null,
    command_uuid: about.commandUUID ?? null,
    command_id: about.commandId ?? null,
    request_type: about.requestType ?? null,
    reasons: about.lacks ? [...about.lacks] : null,
    identity_id: about.fingerprint ?? null,
    renewal: about.renewal ?? false,
    proof: PROOF_NAMES.find((name) => name === about.proof) ?? null,
    contested_until: about.contestedUntil === undefined ? null : iso(about.contestedUntil),
  }
}

function commandStep({ step, command }: Extract<TimelineEntry, { of: 'command' }>): Fields {
  const common = {
    what: step,
    enrollment_id: enrollmentIdOf(command.id),
    command_id: command.id,
    command_uuid: command.uuid,
    request_type: command.requestType,
  }
  switch (step) {
    case 'queued':
      return { ...common, queued_by: queuerJson(command.queuedBy) }
    case 'handed_out':
      return { ...common, times: command.handOuts, last_at: iso(command.handedOutAt) }
    case 'not_now':
      return { ...common, times: command.notNows, last_at: iso(command.notNowAt) }
    case 'answered':
    case 'ended':
      return { ...common, state: command.state }
  }
}
