/** The events about the deployment itself: rows of the audit, wrong keys, and what ends. */
import {
  AUTH_FAILING,
  type ExpiryTopic,
  type ServerTopic,
  type Topic,
} from '../../../events/topics.ts'
import { AUDIT_EXAMPLE, auditEntrySchema } from '../audit/schema.ts'
import { time } from '../values.ts'
import { z } from '../zod.ts'
import type { Kind } from './kind.ts'

const failingSchema = z.object({
  since: time.openapi({ description: 'the beginning of the hour' }),
  failures: z.int().openapi({ description: 'wrong keys since then' }),
  networks: z.record(z.string(), z.int()).openapi({
    description: 'the networks with the most, each with its count',
  }),
})

const expirySchema = z.object({
  name: z.string().openapi({ description: 'of the thing, for people' }),
  not_after: time.openapi({ description: 'its end' }),
  days_left: z.int().openapi({ description: 'whole days; 0 on the last day and after it' }),
  count: z.int().nullable().openapi({
    description: 'of identities: how many end within 14 days; otherwise null',
  }),
  fix: z.string().openapi({ description: 'what to do' }),
})

/** The schema of the `server_event` of a topic. */
export function serverEvent(topic: Topic): z.ZodType {
  if (topic === AUTH_FAILING) {
    return failingSchema
  }
  return topic.startsWith('expiry.') ? expirySchema : auditEntrySchema
}

function auditKind(says: string): Kind {
  return { says, example: { server: { ...AUDIT_EXAMPLE } }, isEmpty: true }
}

function endKind(says: string, name: string, fix: string, count: number | null = null): Kind {
  const server = { name, not_after: '2026-12-24T09:00:00Z', days_left: 7, count, fix }
  return { says, example: { server }, isEmpty: true }
}

const END_KINDS: Readonly<Record<ExpiryTopic, Kind>> = {
  'expiry.push_certificate': endKind(
    'The push certificate ends: after its end no push reaches a device.',
    'com.apple.mgmt.External.7d8e1c2b',
    'renew it with the same Apple Account',
  ),
  'expiry.ca': endKind(
    'The issuing certificate authority ends.',
    'CN=EdgeMDM CA',
    'make its successor: npm run ca -- create',
  ),
  'expiry.identities': endKind(
    'Identities of devices end within 14 days, and were not renewed.',
    'identities of devices',
    'look at GET /api/renewals',
    3,
  ),
  'expiry.dep_token': endKind(
    'The server token of an account of Apple Business Manager ends.',
    'Example School',
    'download a new token from Apple and import it',
  ),
  'expiry.profile_signing': endKind(
    'The certificate that signs enrolment profiles ends.',
    'CN=mdm.example.com',
    'renew the certificate that signs profiles',
  ),
  'expiry.api_key': endKind('An API key ends.', 'ci', 'roll it: POST /api/keys/{id}/roll'),
}

export const SERVER_KINDS: Readonly<Record<ServerTopic, Kind>> = {
  'audit.command': auditKind('A row of the audit: a command that takes nothing from a device.'),
  'audit.destructive': auditKind('A row of the audit: a deed that takes something from a device.'),
  'audit.enroll': auditKind('A row of the audit: who may enrol.'),
  'audit.config': auditKind('A row of the audit: settings, webhooks, declarations and the like.'),
  'audit.secrets': auditKind('A row of the audit: a secret was shown.'),
  'audit.backup': auditKind('A row of the audit: a backup or an export.'),
  'audit.admin': auditKind('A row of the audit: API keys, sessions, moves and the audit itself.'),
  [AUTH_FAILING]: {
    says: 'Many wrong API keys came within an hour.',
    example: {
      server: { since: '2026-11-28T05:00:00Z', failures: 240, networks: { '203.0.113.7': 228 } },
    },
    isEmpty: true,
  },
  ...END_KINDS,
}
