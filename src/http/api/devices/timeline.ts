import { z } from '../zod.ts'
import { TIMELINE_KINDS, type TimelinePlace } from '../../../device/views/timeline.ts'
import { atEnrollment } from '../device-id.ts'
import { DEVICE_PARAMS, NO_DEVICE, operation } from '../operation.ts'
import { listOf, pageQuery, readCursor, several, writeCursor } from '../paging.ts'
import { newRoutes } from '../new-routes.ts'
import { reportStatus, topicWord } from '../words.ts'
import { entryJson, entryOf, timelineEntry } from './timeline-entry.ts'

/** A device's timeline: its events, and the steps of its commands, pushes and identities. */
export const timelineRoutes = newRoutes()

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
      'Events have `sequence`, `event_id` and `topic`; KEEP_EVENTS sets how long they are kept. All other ' +
      'entries have `what`: they come from the commands that KEEP_RESULTS keeps, the last answers of APNs, ' +
      'and the device’s certificates. If a step of a command happened several times, there is one entry, ' +
      'at the first time.',
    params: DEVICE_PARAMS,
    query: {
      ...pageQuery,
      kind: several(z.enum(TIMELINE_KINDS), 'kind of entry'),
      topic: several(topicWord, 'topic of events'),
      status: several(reportStatus, 'status of reports'),
    },
    answers: { 200: listOf('a page of entries', timelineEntry, EXAMPLE) },
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

function placeOf(cursor: string | undefined): TimelinePlace | undefined {
  const [at, rank, n] = readCursor(cursor, /^event (\d{1,15})\.(\d)\.(\d{1,16})$/) ?? []
  return at === undefined ? undefined : { at: Number(at), rank: Number(rank), n: Number(n) }
}
