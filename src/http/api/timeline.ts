import { createRoute, z } from '@hono/zod-openapi'
import { KINDS, type Place, type TimelineEntry } from '../../device/timeline.ts'
import { TOPICS } from '../../events/topics.ts'
import { enrollmentId } from '../../mdm/enrollment.ts'
import { REPORT_STATUSES } from '../../mdm/message.ts'
import { atDevice } from '../at-device.ts'
import { queuerJson } from './command-json.ts'
import { outcome, QUEUER_EXAMPLE, queuer } from './command-schema.ts'
import {
  answer,
  deviceId,
  newRoutes,
  nextCursor,
  pageQuery,
  readCursor,
  several,
  time,
  writeCursor,
} from './frame.ts'

/** A device's timeline: its events, after every subscriber has had them, and what became of commands and identities. */
export const timeline = newRoutes()

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

const entry = z.object({
  kind: z.enum(KINDS),
  at: time,
  enrollment_id: z.string(),
  sequence: z.int().optional().openapi({ description: 'of an event, as webhooks have it' }),
  event_id: z.string().optional(),
  topic: z.string().optional(),
  status: z.string().optional(),
  command_uuid: z.string().optional(),
  command_id: z.string().optional(),
  fingerprint: z.string().optional(),
  renewal: z.boolean().optional(),
  contested_until: time.optional(),
  proof: z.string().optional().openapi({ description: 'by which a contest was settled' }),
  what: z.enum(STEPS).optional().openapi({ description: 'of what is no event' }),
  request_type: z.string().optional(),
  reasons: z
    .array(z.string())
    .optional()
    .openapi({ description: 'of a command that the device’s OS does not have' }),
  queued_by: queuer.optional(),
  times: z.int().optional().openapi({ description: 'how often; `at` is the first time' }),
  last_at: time.optional(),
  state: z.string().optional().openapi({ description: 'to which end the command came' }),
  outcome: outcome.optional(),
  detail: z.string().optional().openapi({ description: 'of a push: the apns-id, or why not' }),
})
type Entry = z.input<typeof entry>

const EXAMPLE = {
  enrollment_id: 'E0B7A5F2-6C1D-4C57-9F0B-3C5C5D7A9E01',
  command_uuid: '7d8e1c2b-3a4f-4b5c-9d6e-8f7a6b5c4d3e',
}
const COMMAND = {
  kind: 'command' as const,
  ...EXAMPLE,
  command_id: 'E0B7A5F2-6C1D-4C57-9F0B-3C5C5D7A9E01.17',
  request_type: 'DeviceInformation',
}

timeline.openapi(
  createRoute({
    method: 'get',
    path: '/devices/{id}/events',
    operationId: 'listEvents',
    tags: ['Devices'],
    summary:
      'A device’s timeline: check-ins, reports, commands, pushes and identities, newest first',
    description:
      'Events, as far as KEEP_EVENTS keeps them, have `sequence`, `event_id` and `topic`. The others have `what`: they are told by the commands that KEEP_RESULTS keeps, the last answers of APNs, and the device’s certificates. Of what happened to a command several times there is one entry, at the first time.',
    request: {
      params: z.object({ id: deviceId }),
      query: z.strictObject({
        ...pageQuery,
        kind: z
          .string()
          .optional()
          .openapi({ description: `one or more, between commas: ${KINDS.join(', ')}` }),
        topic: z
          .string()
          .optional()
          .openapi({ description: `of events: one or more, between commas: ${TOPICS.join(', ')}` }),
        status: z
          .string()
          .optional()
          .openapi({
            description: `of reports: one or more, between commas: ${REPORT_STATUSES.join(', ')}`,
          }),
      }),
    },
    responses: {
      200: answer('a page of entries', z.object({ events: z.array(entry), next: nextCursor }), {
        events: [
          {
            kind: 'report',
            sequence: 12,
            event_id: '0f3a8f9e-6a0e-4c5e-8a0c-0a8c2f6d1b7e',
            topic: 'mdm.Connect',
            at: '2026-11-24T09:00:02.000Z',
            status: 'Acknowledged',
            ...EXAMPLE,
          },
          {
            ...COMMAND,
            at: '2026-11-24T09:00:01.000Z',
            what: 'handed_out',
            times: 1,
            last_at: '2026-11-24T09:00:01.000Z',
          },
          {
            ...COMMAND,
            at: '2026-11-24T09:00:00.000Z',
            what: 'queued',
            queued_by: QUEUER_EXAMPLE,
          },
        ],
        next: null,
      }),
    },
  }),
  async (c) => {
    const { cursor, limit, kind, topic, status } = c.req.valid('query')
    const filter = {
      before: placeIn(cursor),
      limit,
      kinds: several('kind', kind, KINDS),
      topics: several('topic', topic, TOPICS),
      statuses: several('status', status, REPORT_STATUSES),
    }
    const { device, entries, next } = await atDevice(
      c.env,
      c.req.valid('param').id,
      (object, address) => object.viewTimeline(address, filter),
    )
    return c.json(
      {
        events: entries.map((one) => entryJson(device, one)),
        next: next ? writeCursor(`event ${next.at}.${next.rank}.${next.n}`) : null,
      },
      200,
    )
  },
)

function placeIn(cursor: string | undefined): Place | undefined {
  const [at, rank, n] = readCursor(cursor, /^event (\d{1,15})\.(\d)\.(\d{1,16})$/) ?? []
  return at === undefined ? undefined : { at: Number(at), rank: Number(rank), n: Number(n) }
}

function entryJson(device: string, one: TimelineEntry): Entry {
  const common = { kind: one.kind, at: iso(one.at) }
  switch (one.of) {
    case 'event': {
      const { sequence, id, topic, about } = one.event
      return {
        ...common,
        sequence,
        event_id: id,
        topic,
        enrollment_id: enrollmentId(about.enrollment.device, about.enrollment.user),
        status: about.status,
        command_uuid: about.commandUUID,
        command_id: about.commandId,
        request_type: about.requestType,
        ...(about.lacks && { reasons: [...about.lacks] }),
        fingerprint: about.fingerprint,
        renewal: about.renewal,
        proof: about.proof,
        ...(about.contestedUntil === undefined
          ? {}
          : { contested_until: iso(about.contestedUntil) }),
      }
    }
    case 'command':
      return { ...common, ...commandStep(one) }
    case 'push': {
      const { outcome: said, detail } = one.push
      const enrollment_id = enrollmentId(device, one.user)
      return { ...common, enrollment_id, what: 'pushed', outcome: said, detail }
    }
    case 'identity':
      return { ...common, enrollment_id: device, what: one.step, fingerprint: one.fingerprint }
  }
}

function commandStep({
  step,
  command,
}: Extract<TimelineEntry, { of: 'command' }>): Omit<Entry, 'kind' | 'at'> {
  const common = {
    what: step,
    enrollment_id: command.id.slice(0, command.id.lastIndexOf('.')),
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

function iso(ms: number): string {
  return new Date(ms).toISOString()
}
