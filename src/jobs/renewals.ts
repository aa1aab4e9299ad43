import { DurableObject } from 'cloudflare:workers'
import { clock, inTime } from '../clock.ts'
import { configOf, type Config } from '../config/config.ts'
import { authorityCertificates, lastImport } from '../directory/authorities.ts'
import {
  countDueForRenewal,
  countRenewals,
  dueForRenewal,
  passOver,
  type DueIdentities,
  type RenewalCounts,
} from '../directory/devices/renewals.ts'
import { log, reasonOf, warn } from '../log.ts'
import { renewalWindow } from '../scep/renewal.ts'
import { projectDevices } from '../directory/devices/project.ts'
import { assumedProfile, renewDevice, type RenewalEnv } from '../identity/renew-device.ts'
import { batchInterval, nextStep } from './renewal-pace.ts'
import { OwnError } from '../reason.ts'

/** What an admin chooses. */
export interface RenewalChoice {
  readonly enabled: boolean
  /** Renewal profiles that leave in an hour. */
  readonly perHour: number
  /** Identifier of the stored profile that devices have whose profile was not made here; `default` for ours. */
  readonly unknownProfiles: string
}

/** What the object keeps. Times are milliseconds; 0 for never. */
interface Kept {
  /** Undefined until an admin has said it. */
  readonly enabled: boolean | undefined
  readonly enabledAt: number
  readonly changedAt: number
  readonly perHour: number
  readonly unknownProfiles: string
  /** Since when the round goes on; 0 when there is none. */
  readonly roundSince: number
  /** Why renewals stopped; empty while they go on. An admin who enables them lets them go on. */
  readonly stopped: string
}

export interface RenewalStatus extends RenewalChoice {
  readonly stopped: string
  readonly roundSince: number
  /** Identities near their end that nothing was tried for yet, or not lately. */
  readonly due: number
  /** Of the round that goes on, or of the last seven days. */
  readonly counts: RenewalCounts
}

const KEY = 'renewals'
const DEFAULTS: Kept = {
  enabled: undefined,
  enabledAt: 0,
  changedAt: 0,
  perHour: 60,
  unknownProfiles: '',
  roundSince: 0,
  stopped: '',
}
/** When a device is tried again that failed, is blocked, or did nothing. */
const RETRY_AFTER = 7 * 86_400_000
/** While nothing may be sent, this often is looked whether something may. */
const WAIT = 300_000
const AT_ONCE = 1000
/** A device that was heard of since is likely to answer. */
const LIVELY = 2 * 86_400_000
/** So long a device is waited for; it may still do what it was asked. */
const PATIENCE = 30_000

/** Names the one object of its kind. */
export const RENEWALS = 'fleet'

/**
 * Renews identities in rounds: paced, a few canaries first, on its own alarm (docs/renewal.md). What became of each device
 * stands on the device's own row of the directory.
 */
export class Renewals extends DurableObject<RenewalEnv> {
  /** For the daily cron: begins a round if identities are near their end, or says why not. */
  async begin(): Promise<void> {
    const { enabled, stopped, due, roundSince } = await this.status()
    if (due === 0 || roundSince > 0) {
      return
    }
    if (!enabled || stopped !== '') {
      warn('renewals:due-but-off', { due, reason: stopped || 'not enabled: PATCH /api/renewals' })
      return
    }
    const now = clock.now()
    log('renewals:round-begun', { due })
    this.#keep({ roundSince: now })
    await this.ctx.storage.setAlarm(now)
  }

  async status(): Promise<RenewalStatus> {
    const kept = this.#kept()
    const [enabled, due, counts] = await Promise.all([
      this.#enabled(),
      countDueForRenewal(this.env.DB, this.#due()),
      countRenewals(this.env.DB, kept.roundSince || clock.now() - RETRY_AFTER),
    ])
    const { perHour, unknownProfiles, stopped, roundSince } = kept
    return { enabled, perHour, unknownProfiles, stopped, roundSince, due, counts }
  }

  /** Takes in what an admin chose. What failed or was blocked before is tried again. */
  async choose(choice: Partial<RenewalChoice>): Promise<void> {
    const now = clock.now()
    const enabled = choice.enabled === undefined ? {} : { enabledAt: now, roundSince: 0 }
    const goesOn = choice.enabled === true ? { stopped: '' } : {}
    this.#keep({ ...choice, ...enabled, ...goesOn, changedAt: now })
    await this.begin()
  }

  /** Arms the next step first: an alarm that dies six times is never rung again (Cloudflare, "Alarms"). */
  override async alarm(): Promise<void> {
    const round = this.#kept().roundSince
    if (round === 0) {
      return
    }
    await this.ctx.storage.setAlarm(clock.now() + WAIT)
    const wait = await this.#step(round)
    // An admin may have begun another one meanwhile, which has armed its own.
    if (this.#kept().roundSince === round) {
      await this.ctx.storage.setAlarm(clock.now() + wait)
    }
  }

  /** @returns milliseconds to the next step, unless the round is over. */
  async #step(round: number): Promise<number> {
    const now = clock.now()
    const [issuing] = await authorityCertificates(this.env.DB)
    if (!issuing || issuing.notAfter <= now) {
      return this.#end(round, 'there is no CA that issues: `npm run ca -- create`')
    }
    const step = nextStep(await countRenewals(this.env.DB, round), now)
    if (step.kind === 'stop') {
      return this.#end(round, step.reason)
    }
    if (!(await this.#enabled())) {
      return this.#end(round, '')
    }
    if (step.kind === 'wait') {
      return WAIT
    }
    const livelySince = step.canary ? now - LIVELY : undefined
    const ids = await dueForRenewal(this.env.DB, this.#due(), step.count, livelySince)
    if (ids.length === 0) {
      return this.#end(round, '')
    }
    return (await this.#renew(ids)) ? batchInterval(this.#kept().perHour) : AT_ONCE
  }

  /** @returns whether it cost a device or us anything: those that are blocked do not. */
  async #renew(ids: readonly string[]): Promise<boolean> {
    const assumed = await assumedProfile(this.env.DB, this.#kept().unknownProfiles)
    let counts = false
    for (const id of ids) {
      try {
        const attempt = await inTime(
          PATIENCE,
          renewDevice(this.env, this.#config(), id, assumed, { face: 'server' }),
        )
        const reason = attempt.kind === 'blocked' ? attempt.reason : undefined
        counts ||= attempt.kind !== 'blocked'
        log('renewals:device', { device: id, outcome: attempt.kind, reason })
      } catch (error) {
        counts = true
        warn('renewals:device-unreachable', { device: id, reason: reasonOf(error) })
        await passOver(this.env.DB, id, clock.now())
      }
    }
    await projectDevices(this.env, ids)
    return counts
  }

  #end(round: number, stopped: string): number {
    if (this.#kept().roundSince !== round) {
      return 0
    }
    this.#keep({ roundSince: 0, ...(stopped === '' ? {} : { stopped }) })
    if (stopped === '') {
      log('renewals:round-ended')
    } else {
      warn('renewals:stopped', { reason: stopped })
    }
    return 0
  }

  /** On, unless an admin said otherwise, or a CA was imported since: such a fleet's profiles are its own. */
  async #enabled(): Promise<boolean> {
    const { enabled, enabledAt } = this.#kept()
    const imported = await lastImport(this.env.DB)
    return enabledAt > (imported ?? 0) ? enabled === true : imported === undefined
  }

  #due(): DueIdentities {
    const now = clock.now()
    return {
      endsBefore: now + renewalWindow(this.#config().scep.clientValidity),
      triedBefore: Math.max(now - RETRY_AFTER, this.#kept().changedAt),
    }
  }

  #config(): Config {
    const result = configOf(this.env)
    if (!result.ok) {
      throw new OwnError(`EdgeMDM is not configured: ${result.problems.join('; ')}`)
    }
    return result.config
  }

  #kept(): Kept {
    return { ...DEFAULTS, ...this.ctx.storage.kv.get<Partial<Kept>>(KEY) }
  }

  #keep(news: Partial<Kept>): void {
    this.ctx.storage.kv.put(KEY, { ...this.#kept(), ...news })
  }
}
