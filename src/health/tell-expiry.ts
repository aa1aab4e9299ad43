import { clock } from '../clock.ts'
import type { Dated, Told } from '../control/dated.ts'
import type { Config } from '../config/config.ts'
import type { Env } from '../env.ts'
import { CONTROL_NAME } from '../figures/report.ts'
import { warn } from '../log.ts'
import { reasonOf } from '../reason.ts'
import { findDated } from './dated-things.ts'
import { EXPIRY_RULES } from './expiry-rules.ts'
import { daysLeft, noticeOf } from './notices.ts'

/** The outbox of events about the server itself. No device has such an id: a colon stands before a user. */
const OUTBOX = 'server:expiry'

/**
 * A duty of the daily cron: looks at all that ends, and tells webhooks and the log of each notice that is
 * due. A notice that could not be told is due the next time.
 */
export async function tellExpiry(env: Env, config: Config): Promise<void> {
  const now = clock.now()
  const control = env.CONTROL.getByName(CONTROL_NAME)
  const before = await control.dated()
  const things = await findDated(env, config, before.things, now)
  const told: Record<string, Told> = {}
  for (const thing of things) {
    const key = `${thing.kind} ${thing.name}`
    const last = before.told[key]
    const notice = noticeOf(thing, last, now)
    const kept = notice.isDue && !(await tell(env, thing, now)) ? last : notice.told
    if (kept) {
      told[key] = kept
    }
  }
  await control.keepDated({ things, told })
}

/** @returns whether the event is in its outbox */
async function tell(env: Env, thing: Dated, now: number): Promise<boolean> {
  const { kind, name, notAfter, count } = thing
  const { fix } = EXPIRY_RULES[kind]
  const days = daysLeft(notAfter, now)
  warn('expiry:notice', { kind, name, days_left: days, count, reason: fix })
  try {
    const not_after = new Date(notAfter).toISOString()
    const facts = { name, not_after, days_left: days, count: count ?? null, fix }
    const news = {
      id: crypto.randomUUID(),
      topic: `expiry.${kind}`,
      facts,
      listeners: undefined,
    } as const
    await env.DEVICE.getByName(OUTBOX).recordServerNews([news])
    return true
  } catch (error) {
    warn('expiry:not-told', { kind, name, reason: reasonOf(error) })
    return false
  }
}
