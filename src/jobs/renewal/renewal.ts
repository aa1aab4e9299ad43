import { clock, inTime } from '../../clock.ts'
import { requireConfig } from '../../config/config.ts'
import { authorityCertificates } from '../../directory/authorities.ts'
import { projectDevices } from '../../directory/devices/project.ts'
import { countRenewals, dueForRenewal, passOver } from '../../directory/devices/renewals.ts'
import { assumedProfile, renewDevice } from '../../identity/renew-device.ts'
import { log, warn } from '../../log.ts'
import { reasonOf } from '../../reason.ts'
import type { Round, RoundKind, Step, WorkEnv } from '../work.ts'
import { batchInterval, nextStep } from './pace.ts'
import { dueIdentities, renewalSettings, renewalsEnabled } from './settings.ts'

/**
 * A round of renewals: paced, canaries first (docs/renewal.md). The directory has the outcome of each device.
 */
export const renewalKind: RoundKind = { step: renewNext }

/** How often a round that may send nothing looks again. */
const WAIT = 300_000
const AT_ONCE = 1000
/** A device that was seen within this time is likely to answer. */
const LIVELY = 2 * 86_400_000
/** How long a round waits for a device's object. The object may still do the renewal later. */
const PATIENCE = 30_000

async function renewNext(env: WorkEnv, round: Round): Promise<Step> {
  const now = clock.now()
  const [issuing] = await authorityCertificates(env.DB)
  if (!issuing || issuing.notAfter <= now) {
    return stopRound('there is no CA that issues: `npm run ca -- create`')
  }
  const next = nextStep(await countRenewals(env.DB, round.since), now)
  if (next.kind === 'stop') {
    return stopRound(next.reason)
  }
  if (!(await renewalsEnabled(env.DB, round.settings()))) {
    return endRound()
  }
  if (next.kind === 'wait') {
    return { ...NOTHING, after: { kind: 'wait', until: clock.now() + WAIT } }
  }
  const livelySince = next.canary ? now - LIVELY : undefined
  const due = dueIdentities(requireConfig(env), round.settings())
  const ids = await dueForRenewal(env.DB, due, next.count, livelySince)
  return ids.length === 0 ? endRound() : renew(env, round, ids)
}

/** A batch of blocked devices alone costs nothing, so the next one follows at once. */
async function renew(env: WorkEnv, round: Round, ids: readonly string[]): Promise<Step> {
  const { unknownProfiles } = renewalSettings(round.settings())
  const assumed = await assumedProfile(env.DB, unknownProfiles)
  const config = requireConfig(env)
  let isPaced = false
  let total = 0
  let failed = 0
  for (const id of ids) {
    if (round.isOver()) {
      break
    }
    total += 1
    try {
      const attempt = await inTime(
        PATIENCE,
        renewDevice(env, config, id, assumed, { face: 'server' }),
      )
      const reason = attempt.kind === 'blocked' ? attempt.reason : undefined
      isPaced ||= reason === undefined
      failed += Number(reason !== undefined)
      log('renewals:device', { device: id, outcome: attempt.kind, reason })
    } catch (error) {
      isPaced = true
      failed += 1
      warn('renewals:device-unreachable', { device: id, reason: reasonOf(error) })
      await passOver(env.DB, id, clock.now())
    }
  }
  await projectDevices(env, ids)
  const wait = isPaced ? batchInterval(renewalSettings(round.settings()).perHour) : AT_ONCE
  return { total, failed, work: '', after: { kind: 'wait', until: clock.now() + wait } }
}

const NOTHING = { total: 0, failed: 0, work: '' }

function endRound(): Step {
  log('renewals:round-ended')
  return { ...NOTHING, after: { kind: 'finished' } }
}

function stopRound(reason: string): Step {
  warn('renewals:stopped', { reason })
  return { ...NOTHING, after: { kind: 'stopped', reason } }
}
