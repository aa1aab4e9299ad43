import { z } from '@hono/zod-openapi'
import { PROOF_NAMES } from '../../../device/store/proof.ts'
import { KINDS, type Place, type TimelineEntry } from '../../../device/views/timeline.ts'
import { enrollmentId } from '../../../mdm/enrollment.ts'
import { enrollmentIdOf, queuerJson } from '../commands/json.ts'
import { outcome, queuer } from '../commands/schema.ts'
import { atEnrollment } from '../device-id.ts'
import { listOf, pageQuery, readCursor, several, writeCursor } from '../paging.ts'
import { commandStateWord, proofWord, reportStatus, topicWord } from '../words.ts'
import { DEVICE_PARAMS, NO_DEVICE, operation } from '../operation.ts'
import { iso, time } from '../values.ts'
import { newRoutes } from '../routes.ts'

/** A device's timeline: its events, and the steps of its commands, pushes and identities. */
export const timelineRoutes = newRoutes()

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
  'reinstated',
  'frozen',
] as const

const entry = z
  .object({
    kind: z.enum(KINDS),
    at: time,
    enrollment_id: z.string(),
    sequence: z.int().nullable().openapi({ description: 'of an event, as webhooks have it' }),
    event_id: z.string().nullable(),
    topic: topicWord.nullable(),
    status: z.string().nullable().openapi({ description: 'of a report' }),
    command_uuid: z.string().nullable(),
    command_id: z.string().nullable(),
    identity_id: z.string().nullable().openapi({ description: '`fingerprint` in webhooks' }),
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
      .openapi({ description: 'of a command that the device’s OS does not have' }),
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
type Entry = z.input<typeof entry>

/** The fields of an entry that not all entries have. */
type Fields = Partial<Omit<Entry, 'kind' | 'at'>> & Pick<Entry, 'enrollment_id'>

function entryOf(kind: Entry['kind'], at: string, fields: Fields): Entry {
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

const EXAMPLE = entryOf('report', '2026-11-24T09:00:02.000Z', {
  enrollment_id: 'E0B7A5F2-6C1D-4C57-9F0B-3C5C5D7A9E01',
  sequence: 12,
  event_id: '0f3a8f9e-6a0e-4c5e-8a0c-0a8c2f6d1b7e',
  topic: 'mdm.Connect',
  status: 'Acknowledged',
  command_uuid: '7d8e1c2b-3a4f-4b5c-9d6e-8f7a6b5c4d3e',
})

timelineRoutes.openapi(
  operation('listEvents', 'get', '/devices/{id}/events', {
    tags: ['Devices'],
    summary:
      'Lists a device’s timeline: check-ins, reports, commands, pushes and identities, newest first',
    description:
      'Events have `sequence`, `event_id` and `topic`; KEEP_EVENTS sets how long they are kept. All other entries ' +
      'have `what`: they come from the commands that KEEP_RESULTS keeps, the last answers of APNs, and the device’s ' +
      'certificates. If a step of a command happened several times, there is one entry, at the first time.',
    params: DEVICE_PARAMS,
    query: {
      ...pageQuery,
      kind: several(z.enum(KINDS), 'kind of entry'),
      topic: several(topicWord, 'topic of events'),
      status: several(reportStatus, 'status of reports'),
    },
    answers: { 200: listOf('a page of entries', entry, EXAMPLE) },
    problems: NO_DEVICE,
  }),
  async (c) => {
    const { cursor, limit, kind: kinds = [], topic = [], status = [] } = c.req.valid('query')
    const filter = { before: placeOf(cursor), limit, kinds, topics: topic, statuses: status }
    const page = await atEnrollment(c.env, c.req.valid('param').id, (device, address) =>
      device.viewTimeline(address, filter),
    )
    const { device: id, entries, next } = page
    return c.json(
      {
        items: entries.map((one) => entryJson(id, one)),
        next: next ? writeCursor(`event ${next.at}.${next.rank}.${next.n}`) : null,
        total: null,
      },
      200,
    )
  },
)

function placeOf(cursor: string | undefined): Place | undefined {
  const [at, rank, n] = readCursor(cursor, /^event (\d{1,15})\.(\d)\.(\d{1,16})$/) ?? []
  return at === undefined ? undefined : { at: Number(at), rank: Number(rank), n: Number(n) }
}

function entryJson(device: string, one: TimelineEntry): Entry {
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
