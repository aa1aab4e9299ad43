import { WorkerEntrypoint } from 'cloudflare:workers'
import { expireAudit } from './audit/read.ts'
import { warnOfPushExpiry } from './device/push/certificate.ts'
import { warnOfCAExpiry } from './directory/authorities.ts'
import { noteUnsynced, NOTIFY_ALL, pendingChanges } from './directory/declarations/changes.ts'
import { forgetContents } from './directory/declarations/edit.ts'
import { forgetFiles } from './directory/declarations/files.ts'
import { writeAll } from './directory/sql.ts'
import type { Env } from './env.ts'
import { laterIn } from './guard.ts'
import { reasonOf } from './reason.ts'
import { warn } from './log.ts'
import { clock } from './clock.ts'
import { forgetUnused } from './directory/certificates.ts'
import { beginOffers } from './jobs/declarations/begin.ts'
import { prepareConfig } from './config/claim.ts'
import { requireConfig, type Config } from './config/config.ts'
import { CONTROL_NAME } from './figures/report.ts'
import { tellExpiry } from './health/tell-expiry.ts'
import { beginRenewals } from './jobs/renewal/control.ts'
import { refreshUpdates } from './updates/refresh.ts'

/**
 * The duties of the daily cron (wrangler.toml). The object Control notes the run: when the next one is late,
 * it does the duties in place of the cron.
 */
export async function runDailyDuties(env: Env, config: Config, byCron = true): Promise<void> {
  const now = clock.now()
  const done = await Promise.all([
    runDuty('push certificate', () => warnOfPushExpiry(env, config, now)),
    runDuty('CA', () => warnOfCAExpiry(env.DB, now)),
    runDuty('unused certificates', () => forgetUnused(env.DB, now)),
    runDuty('declarations', () => tellRest(env, now)),
    runDuty('files', () => forgetFiles(env.DB, now)),
    runDuty('software updates', () => refreshUpdates(env, config.allowPrivateWebhooks, now)),
    runDuty('audit', () => expireAudit(env, { days: config.auditDays, now })),
    runDuty('renewals', () => beginRenewals(env, config)),
    runDuty('expiry', () => tellExpiry(env, config)),
  ])
  const failed = done.filter((duty) => duty !== undefined)
  await runDuty('beat', () => env.CONTROL.getByName(CONTROL_NAME).beat({ at: now, byCron, failed }))
}

/** The duties for an object: it calls them when the cron is late. */
export class Duties extends WorkerEntrypoint<Env> {
  async run(): Promise<void> {
    await prepareConfig(this.env, laterIn(this.ctx))
    await runDailyDuties(this.env, requireConfig(this.env), false)
  }
}

/** Devices hear of changes that were made without a notice, or whose round did not begin. */
async function tellRest(env: Env, now: number): Promise<void> {
  await writeAll(env.DB, [NOTIFY_ALL, noteUnsynced({ now, notify: true })])
  await forgetContents(env.DB, now)
  if (await pendingChanges(env.DB)) {
    await beginOffers(env)
  }
}

/** The failure of one duty does not stop the others. @returns its name if it failed */
async function runDuty(duty: string, work: () => Promise<void>): Promise<string | undefined> {
  try {
    await work()
    return undefined
  } catch (error) {
    warn('cron:failed', { duty, reason: reasonOf(error) })
    return duty
  }
}
