import { z } from '../zod.ts'
import { time } from '../values.ts'

const findingSchema = z
  .object({
    since: time.nullable().openapi({ description: 'null if it is not known' }),
    level: z.enum(['warn', 'error', 'down']).openapi({
      description:
        '`down`: the server cannot do its work. `error`: a part of it cannot. `warn`: it soon cannot',
    }),
    text: z.string().openapi({ description: 'what is wrong; for people' }),
    fix: z.string().openapi({ description: 'what to do' }),
    webhook_id: z
      .string()
      .nullable()
      .openapi({ description: 'the webhook whose receiver is down; null for all else' }),
  })
  .openapi('HealthFinding')

export const healthSchema = z
  .object({
    ready: z.boolean().openapi({ description: 'the server can do its work' }),
    checked_at: time,
    version: z.string().openapi({ description: 'the release, and its commit if it is known' }),
    public_url: z
      .string()
      .nullable()
      .openapi({ description: 'the address in the settings; null without' }),
    push_topic: z
      .string()
      .nullable()
      .openapi({ description: 'of the push certificate; null if it is not known' }),
    seal_keys: z
      .array(z.string())
      .openapi({ description: 'the ids of the keys that open sealed values, the newest first' }),
    checks: z.array(
      z.object({
        id: z.string().openapi({ description: 'stable; the same in GET /readyz' }),
        title: z.string().openapi({ description: 'what holds if there are no findings' }),
        known: z.boolean().openapi({ description: 'false if it could not be checked' }),
        findings: z.array(findingSchema),
      }),
    ),
  })
  .openapi('Health')

export const foundSchema = findingSchema
  .extend({
    id: z.string().openapi({ description: 'stable: the probe, or the check it belongs to' }),
  })
  .openapi('HealthFound')

export const probeSchema = z
  .object({
    probe: z.string(),
    checked_at: time,
    seen: z.string().openapi({ description: 'what the probe saw; for people' }),
    findings: z.array(foundSchema),
  })
  .openapi('HealthProbe')
