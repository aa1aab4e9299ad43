/** Rows of the audit, as the API and webhooks show them. */
import { z } from '../zod.ts'
import { AUDIT_TOPICS } from '../../../events/topics.ts'
import type { AuditRow } from '../../../keys/audit-row.ts'
import { time } from '../values.ts'

export const auditScopes = AUDIT_TOPICS.map((topic) => topic.slice('audit.'.length))

export const auditEntrySchema = z
  .object({
    seq: z.int().openapi({ description: 'counts the rows without a gap, from 1; their order' }),
    id: z.string().openapi({ description: '`event_id` at webhooks' }),
    at: time.openapi({ description: 'when' }),
    actor: z
      .object({
        type: z.string().openapi({ description: '`key` or `system`' }),
        id: z.string().openapi({ description: 'the id of the key, which opens nothing' }),
        name: z.string().openapi({ description: 'the name of the key' }),
        who: z
          .string()
          .nullable()
          .openapi({ description: 'the person, in a session of the console' }),
      })
      .openapi({ description: 'who did it' }),
    via: z.string().openapi({
      description: 'the API of the request, `console`, or `cron` for the server itself',
    }),
    action: z.string().openapi({ description: 'noun and verb, such as `device.erase`' }),
    scope: z.enum(auditScopes).openapi({ description: 'the scope that the deed needs' }),
    target: z
      .object({
        type: z.string().openapi({ description: 'such as `device`' }),
        id: z.string().openapi({ description: 'its id' }),
      })
      .nullable()
      .openapi({ description: 'what it was done to' }),
    outcome: z.string().openapi({
      description: '`done`; `asked`, written before the deed; or what the deed was answered',
    }),
    request_id: z.string().nullable().openapi({ description: 'as in the log' }),
    network: z.string().nullable().openapi({ description: 'the sender’s address without its end' }),
    detail: z.record(z.string(), z.unknown()).openapi({
      description: 'facts for people: texts, numbers, booleans and lists of texts',
    }),
    prev: z.string().nullable().openapi({
      description: 'the hash of the row before it (docs/audit.md); null in the first row of all',
    }),
  })
  .openapi('AuditEntry')

export const AUDIT_EXAMPLE: AuditRow = {
  seq: 412,
  id: '5b0f7c1e-2f3a-4c8e-9a51-0c6f1d2e3b4a',
  at: '2026-11-28T05:01:13.204Z',
  actor: { type: 'key', id: '3fK9x2LmQ0', name: 'helpdesk', who: 'ada' },
  via: 'console',
  action: 'device.erase',
  scope: 'destructive',
  target: { type: 'device', id: 'E0B7A5F2-6C1D-4C57-9F0B-3C5C5D7A9E01' },
  outcome: 'asked',
  request_id: '8f1b2c3d4e5f6789-FRA',
  network: '203.0.113.0/24',
  detail: { reason: 'lost, ticket 88' },
  prev: 'sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
}
