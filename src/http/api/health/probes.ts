import { clock } from '../../../clock.ts'
import { MOST_SAMPLED, probeDevices } from '../../../health/probes/devices.ts'
import type { ProbeOutcome } from '../../../health/probes/outcome.ts'
import { probeObjects, probeQueue } from '../../../health/probes/platform.ts'
import { probePush } from '../../../health/probes/push.ts'
import { findingJson } from '../../health/probes.ts'
import { newRoutes } from '../new-routes.ts'
import { answer, body, operation } from '../operation.ts'
import { iso } from '../values.ts'
import { z } from '../zod.ts'
import { probeSchema } from './schema.ts'

/** Checks that use the platform, APNs or devices for a moment (docs/health.md). */
export const probeRoutes = newRoutes()

const tags = ['Health']

const sample = z.strictObject({
  sample: z
    .int()
    .min(1)
    .max(MOST_SAMPLED)
    .default(MOST_SAMPLED)
    .openapi({ description: 'how many devices: each is a call, and the free plan allows 50' }),
  repair: z.boolean().default(false).openapi({
    description:
      'sets alarms again that are gone, and announces rows to the list that are not there',
  }),
})

probeRoutes.openapi(
  operation('probeDevices', 'post', '/health/probes/devices', {
    tags,
    summary: 'Compares some devices of the list with their objects',
    description:
      'Takes those that were silent longest, and others by chance, and also owners of certificates that ' +
      'are not in the list. It reads the row of each device. Without `repair` it changes nothing.',
    body: body(sample, { look: { sample: 20 }, repair: { repair: true } }),
    answers: {
      200: answer('what it saw and found', probeSchema, {
        probe: 'devices',
        checked_at: '2026-11-24T09:00:00.000Z',
        seen: 'looked at 20 of 153 devices',
        findings: [
          {
            id: 'devices.alarms',
            since: null,
            level: 'error',
            text: '1 of 20 devices have work and no alarm: 4A6D',
            fix: 'POST /api/health/probes/devices with {"repair": true} puts it right',
            webhook_id: null,
          },
        ],
      }),
    },
  }),
  async (c) => {
    const { sample: size, repair } = c.req.valid('json')
    const outcome = await probeDevices(c.env, c.var.config, { size, repair })
    return c.json(outcomeJson('devices', outcome), 200)
  },
)

probeRoutes.openapi(
  operation('probeObjects', 'post', '/health/probes/objects', {
    tags,
    summary: 'Tries an object: it writes, gets its alarm and deletes all, within 5 seconds',
    answers: sawAndFound('objects', 'an object wrote, and got its alarm, within 120 ms'),
  }),
  async (c) => c.json(outcomeJson('objects', await probeObjects(c.env)), 200),
)

probeRoutes.openapi(
  operation('probeQueue', 'post', '/health/probes/queue', {
    tags,
    summary: 'Tries the queue: a message goes to its consumer, within 30 seconds',
    answers: sawAndFound('queue', 'a message came through the queue within 1200 ms'),
  }),
  async (c) => c.json(outcomeJson('queue', await probeQueue(c.env)), 200),
)

probeRoutes.openapi(
  operation('probePush', 'post', '/health/probes/push', {
    tags,
    summary: 'Tries the way to APNs',
    description: 'Pushes a token that no device has. APNs refuses it if it takes the certificate.',
    answers: sawAndFound('push', 'APNs takes the certificate and the topic: BadDeviceToken'),
  }),
  async (c) => c.json(outcomeJson('push', await probePush(c.env, c.var.config)), 200),
)

function sawAndFound(probe: string, seen: string) {
  const example = { probe, checked_at: '2026-11-24T09:00:00.000Z', seen, findings: [] }
  return { 200: answer('what it saw and found', probeSchema, example) }
}

function outcomeJson(probe: string, { seen, findings }: ProbeOutcome) {
  const found = findings.map(({ id, ...finding }) => ({ ...findingJson(finding), id }))
  return { probe, checked_at: iso(clock.now()), seen, findings: found }
}
