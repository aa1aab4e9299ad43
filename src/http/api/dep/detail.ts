/** One account in detail. */
import { z } from '../zod.ts'
import type { DepStatus } from '../../../dep-account/status.ts'
import type { DepAccountRow } from '../../../directory/dep/accounts.ts'
import { depStatusOf, type DepAccountInUse } from '../../dep/account.ts'
import { atOrNull, iso, textOrNull, time } from '../values.ts'
import { DEP_ACCOUNT_EXAMPLE, depAccountSchema } from './schema.ts'

const count = z.int()
const run = z
  .object({
    started_at: time,
    ended_at: time,
    calls: count.openapi({ description: 'to Apple' }),
    devices: count.openapi({ description: 'entries that Apple sent' }),
    changed: count.openapi({ description: 'devices that are new, changed or gone' }),
    full: z.boolean().openapi({ description: 'it fetched all devices' }),
    error: z.string().nullable().openapi({ description: 'why it ended early' }),
  })
  .openapi('DepSyncRun')

export const depAccountDetail = depAccountSchema
  .extend({
    token_expires_at: time,
    flag: z
      .enum(['terms', 'token_invalid', 'access_denied'])
      .nullable()
      .openapi({
        description:
          'why Apple refuses the account. `terms`: an administrator has to accept Apple’s terms at ' +
          'business.apple.com. `token_invalid`: import a new token',
      }),
    flag_since: time.nullable(),
    not_before: time.nullable().openapi({ description: 'Apple wants no call before it' }),
    assigns: z.enum(['nothing', 'own', 'all']).openapi({
      description:
        'what the rules do. `nothing`: they wait for confirmDepAccount. `own`: they leave devices alone ' +
        'that have a profile which the server did not define',
    }),
    syncing: z.boolean(),
    last_sync_at: time.nullable(),
    last_full_sync_at: time.nullable(),
    next_sync_at: time.nullable(),
    last_run: run.nullable(),
    devices: z
      .object({
        total: count,
        without_profile: count,
        assigned: count,
        pushed: count.openapi({ description: 'that have fetched their profile' }),
        waiting: count.openapi({ description: 'for an assignment' }),
        failed: count.openapi({ description: 'those of them whose last try failed' }),
      })
      .openapi({ description: 'that are assigned to the server entry now' }),
  })
  .openapi('DepAccountDetail')

export const DEP_DETAIL_EXAMPLE: z.input<typeof depAccountDetail> = {
  ...DEP_ACCOUNT_EXAMPLE,
  token_expires_at: '2027-11-28T09:00:00.000Z',
  flag: null,
  flag_since: null,
  not_before: null,
  assigns: 'own',
  syncing: false,
  last_sync_at: '2026-11-28T09:30:00.000Z',
  last_full_sync_at: '2026-11-28T09:00:00.000Z',
  next_sync_at: '2026-11-28T10:00:00.000Z',
  last_run: {
    started_at: '2026-11-28T09:30:00.000Z',
    ended_at: '2026-11-28T09:30:01.000Z',
    calls: 1,
    devices: 2,
    changed: 2,
    full: false,
    error: null,
  },
  devices: { total: 250, without_profile: 2, assigned: 48, pushed: 200, waiting: 2, failed: 0 },
}

export function depAccountJson(row: DepAccountRow): z.input<typeof depAccountSchema> {
  return {
    id: row.id,
    server_id: textOrNull(row.serverUuid),
    server_name: textOrNull(row.serverName),
    organization: textOrNull(row.organization),
    added_at: iso(row.addedAt),
    token_at: iso(row.tokenAt),
  }
}

/** @throws RequestError for an account whose token was never put in place */
export async function showDepAccount(
  account: DepAccountInUse,
): Promise<z.input<typeof depAccountDetail>> {
  const status = await depStatusOf(account)
  const { counts } = status
  return {
    ...depAccountJson(account.row),
    token_expires_at: iso(status.expiresAt),
    flag: status.flag || null,
    flag_since: atOrNull(status.since),
    not_before: atOrNull(status.notBefore),
    assigns: status.assigns,
    syncing: status.syncing,
    last_sync_at: atOrNull(status.lastSyncAt),
    last_full_sync_at: atOrNull(status.lastFullAt),
    next_sync_at: atOrNull(status.nextSyncAt),
    last_run: runJson(status.lastRun),
    devices: {
      total: counts.devices,
      without_profile: counts.empty,
      assigned: counts.assigned,
      pushed: counts.pushed,
      waiting: counts.waiting,
      failed: counts.failed,
    },
  }
}

function runJson(report: DepStatus['lastRun']): z.input<typeof run> | null {
  return report
    ? {
        started_at: iso(report.startedAt),
        ended_at: iso(report.endedAt),
        calls: report.calls,
        devices: report.devices,
        changed: report.rows,
        full: report.full,
        error: report.error ?? null,
      }
    : null
}
