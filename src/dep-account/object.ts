import { DurableObject } from 'cloudflare:workers'
import { clock } from '../clock.ts'
import type { DepAnswer, DepCall } from '../dep/client.ts'
import type { DepProfile, DepToken } from '../dep/records.ts'
import type { DepRule } from '../dep/rules.ts'
import { assignSerials, unassignSerials, type Assigned } from './assign.ts'
import { callApple, NO_TOKEN } from './call.ts'
import { defineProfile, type Defined, type IfVersion } from './define.ts'
import { previewPlan, type DepPreview } from './planner.ts'
import {
  isInstalled,
  openAccount,
  openToken,
  putToken,
  save,
  type Account,
  type DepEnv,
  type DepInstallation,
} from './state.ts'
import { accountHealth, accountStatus, type DepHealth, type DepStatus } from './status.ts'
import { arm, FALLBACK, syncNow, workOn, type SyncResult } from './work.ts'

/**
 * An account of Automated Device Enrollment. It alone calls Apple for it: one session, one cursor, one place
 * for what Apple asks to wait for. Its name is the account's id. Devices, profiles and rules are in D1
 * (docs/architecture.md §30).
 */
export class DepAccount extends DurableObject<DepEnv> {
  static readonly schema = 1
  #opened: Account | undefined

  get #account(): Account {
    return (this.#opened ??= openAccount(this.ctx, this.env))
  }

  /** Puts a token in place. The first sync follows at once, by the alarm. */
  async install(given: DepInstallation): Promise<void> {
    putToken(this.#account, given, clock.now())
    await this.ctx.storage.setAlarm(clock.now())
  }

  /** `undefined` for an object without a token. */
  async status(): Promise<DepStatus | undefined> {
    return isInstalled(this.#account) ? accountStatus(this.#account) : undefined
  }

  async health(): Promise<DepHealth | undefined> {
    return isInstalled(this.#account) ? accountHealth(this.#account) : undefined
  }

  /** When the token ends (milliseconds); `undefined` for an object without one. */
  async tokenEnd(): Promise<number | undefined> {
    return isInstalled(this.#account) ? this.#account.state.expiresAt : undefined
  }

  /** The token with its secrets. */
  async token(): Promise<DepToken | undefined> {
    return isInstalled(this.#account) ? openToken(this.#account) : undefined
  }

  /** Any call of Apple's API, in the session of the account. */
  async call(call: DepCall): Promise<DepAnswer> {
    return callApple(this.#account, call)
  }

  /** Synchronizes, and waits for the end so many milliseconds. A run that goes on is joined. */
  async sync({ full = false, waitMs = 0 } = {}): Promise<SyncResult> {
    const account = this.#account
    return isInstalled(account)
      ? syncNow(account, { full, waitMs })
      : { kind: 'refused', answer: NO_TOKEN }
  }

  /** Assigns a profile to devices of any number: at most 1,000 a second. */
  async assign(profileUuid: string, serials: readonly string[]): Promise<Assigned> {
    const account = this.#account
    if (!isInstalled(account)) {
      return { kind: 'refused', answer: NO_TOKEN }
    }
    const answer = await assignSerials(account, profileUuid, serials)
    await arm(account)
    return answer
  }

  async unassign(serials: readonly string[]): Promise<Assigned> {
    const account = this.#account
    return isInstalled(account)
      ? unassignSerials(account, serials)
      : { kind: 'refused', answer: NO_TOKEN }
  }

  async define(profile: DepProfile, when: IfVersion = {}): Promise<Defined> {
    const account = this.#account
    if (!isInstalled(account)) {
      return { kind: 'refused', answer: NO_TOKEN }
    }
    const answer = await defineProfile(account, profile, when)
    await arm(account)
    return answer
  }

  /** Applies the rules to all devices. To be called after rules were stored. */
  async plan(): Promise<void> {
    const account = this.#account
    if (isInstalled(account)) {
      save(account, { planAfter: '' })
      await arm(account)
    }
  }

  /** What automatic assignment would do now by these rules or the stored ones, if it were confirmed. */
  async preview(rules?: readonly DepRule[]): Promise<DepPreview> {
    return previewPlan(this.#account, rules)
  }

  /** Lets automatic assignment go: also for devices whose profile the server did not define. */
  async confirm(): Promise<void> {
    const account = this.#account
    if (isInstalled(account)) {
      save(account, { assigns: 'all', planAfter: '' })
      await arm(account)
    }
  }

  /** Forgets the token and all that was synchronized. Its rows in D1 stay to its caller. */
  async forget(): Promise<void> {
    await this.#account.working?.catch(() => undefined)
    await this.ctx.storage.deleteAlarm()
    await this.ctx.storage.deleteAll()
    // The answer to a call that is under way is not stored.
    this.#account.state = undefined
    this.#opened = undefined
  }

  /** Arms the next alarm before anything else, so that the work goes on if this process dies. */
  override async alarm(): Promise<void> {
    await this.ctx.storage.setAlarm(clock.now() + FALLBACK)
    await this.ctx.storage.sync()
    if (isInstalled(this.#account)) {
      await workOn(this.#account, false)
    }
    await arm(this.#account)
  }
}
