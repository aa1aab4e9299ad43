import { warnOfPushExpiry } from './device/push/certificate.ts'
import { warnOfCAExpiry } from './directory/authorities.ts'
import type { Env } from './env.ts'
import { reasonOf } from './reason.ts'
import { warn } from './log.ts'
import { clock } from './clock.ts'
import { forgetUnused } from './directory/certificates.ts'
import type { Config } from './config/config.ts'
import { beginRenewals } from './jobs/renewal/control.ts'

/** The duties of the daily cron (wrangler.toml). */
export async function runDailyDuties(env: Env, config: Config): Promise<void> {
  const now = clock.now()
  await Promise.all([
    runDuty('push certificate', () => warnOfPushExpiry(env, config, now)),
    runDuty('CA', () => warnOfCAExpiry(env.DB, now)),
    runDuty('unused certificates', () => forgetUnused(env.DB, now)),
    runDuty('renewals', () => beginRenewals(env, config)),
  ])
}

/** The failure of one duty does not stop the others. */
async function runDuty(duty: string, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    warn('cron:failed', { duty, reason: reasonOf(error) })
  }
}
