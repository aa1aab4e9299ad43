import { clock } from '../../clock.ts'
import type { Config } from '../../config/config.ts'
import {
  countDueForRenewal,
  countRenewals,
  type RenewalCounts,
} from '../../directory/devices/renewals.ts'
import { log, warn } from '../../log.ts'
import type { Job } from '../job.ts'
import type { RoundSettings } from '../work.ts'
import { dueIdentities, renewalSettings, renewalsEnabled, RETRY_AFTER } from './settings.ts'

/** The settings of renewals, and their rounds as an admin sees them (docs/renewal.md). */

export interface RenewalsEnv {
  readonly DB: D1Database
  readonly JOB: {
    getByName(name: string): Pick<Job, 'rounds' | 'changeSettings' | 'cancel' | 'start'>
  }
}

/** The settings that an admin may change. */
export interface RenewalChoice {
  readonly enabled: boolean
  /** Renewal profiles that leave in an hour. */
  readonly perHour: number
  /**
   * The profile of devices whose profile was not made here: the identifier of a stored one, `default` for
   * ours, or empty.
   */
  readonly unknownProfiles: string
}

export interface RenewalState extends RenewalChoice {
  /** Why renewals stopped; empty while they go on. Enabling them again lets them go on. */
  readonly stopped: string
  /** Since when the round goes on (milliseconds); 0 when there is none. */
  readonly roundSince: number
}

export interface RenewalStatus extends RenewalState {
  /** Identities near their end that were not tried yet, or not lately. */
  readonly due: number
  /** Of the round that goes on, or of the last seven days. */
  readonly counts: RenewalCounts
}

/** Names the job. */
export const RENEWALS = 'renewals'

export async function loadRenewalState(env: RenewalsEnv): Promise<RenewalState> {
  return (await loadState(env)).state
}

export async function renewalStatus(env: RenewalsEnv, config: Config): Promise<RenewalStatus> {
  const { state, settings } = await loadState(env)
  const [due, counts] = await Promise.all([
    countDueForRenewal(env.DB, dueIdentities(config, settings)),
    countRenewals(env.DB, state.roundSince || clock.now() - RETRY_AFTER),
  ])
  return { ...state, due, counts }
}

/** Stores the settings of an admin. Devices that failed or were blocked before are tried again. */
export async function chooseRenewals(
  env: RenewalsEnv,
  config: Config,
  choice: Partial<RenewalChoice>,
): Promise<RenewalStatus> {
  const now = clock.now()
  const job = env.JOB.getByName(RENEWALS)
  await job.changeSettings({
    ...choice,
    ...(choice.enabled !== undefined && { enabledAt: now }),
    ...(choice.enabled && { resumedAt: now }),
    changedAt: now,
  })
  if (choice.enabled !== undefined) {
    await job.cancel()
  }
  await beginRenewals(env, config)
  return renewalStatus(env, config)
}

/** Begins a round when identities are near their end, or logs why not. */
export async function beginRenewals(env: RenewalsEnv, config: Config): Promise<void> {
  const { enabled, stopped, due, roundSince } = await renewalStatus(env, config)
  if (due === 0 || roundSince > 0) {
    return
  }
  if (!enabled || stopped !== '') {
    warn('renewals:due-but-off', { due, reason: stopped || 'not enabled: PATCH /api/renewals' })
    return
  }
  log('renewals:round-begun', { due })
  await env.JOB.getByName(RENEWALS).start({ name: RENEWALS, kind: 'renewal', work: '' })
}

async function loadState(
  env: RenewalsEnv,
): Promise<{ settings: RoundSettings; state: RenewalState }> {
  const { settings, job } = await env.JOB.getByName(RENEWALS).rounds()
  const { perHour, unknownProfiles, resumedAt } = renewalSettings(settings)
  const isStopped = job?.state === 'stopped' && job.endedAt > resumedAt
  const state = {
    enabled: await renewalsEnabled(env.DB, settings),
    perHour,
    unknownProfiles,
    stopped: isStopped ? job.reason : '',
    roundSince: job?.state === 'running' ? job.createdAt : 0,
  }
  return { settings, state }
}
