import { autoAssignment, type AutoAssignment } from '../dep/assignments.ts'
import type { DepDevice } from '../dep/records.ts'
import { type DepRule, ruleFor } from '../dep/rules.ts'
import { readRules } from '../directory/dep/accounts.ts'
import { wantProfiles } from '../directory/dep/devices.ts'
import { presentProfiles } from '../directory/dep/profiles.ts'
import { walkDepDevices } from '../directory/dep/search.ts'
import { clock } from '../clock.ts'
import { save, type Account, type OpenAccount } from './state.ts'

/** Decides from a device's state which profile it needs. */
export type Planner = (device: DepDevice) => {
  readonly kind: AutoAssignment
  /** The uuid that the rules name for it; empty for none. */
  readonly wanted: string
  /** The rule that decides; undefined when none matches. */
  readonly rule: DepRule | undefined
}

/** Devices that one read of D1 answers. */
const WALKED = 5000
/** Reads of one invocation. */
const MAX_READS = 10
/** The form of a uuid: a rule may name a profile that was defined elsewhere. */
const UUID = /^[\dA-F-]{16,64}$/i

/** The planner for the profiles as they are now, and for the stored rules or for these. */
export async function loadPlanner(
  { env, id }: Pick<Account, 'env' | 'id'>,
  asked?: readonly DepRule[],
): Promise<Planner> {
  const [rules, own] = await Promise.all([
    asked ?? readRules(env.DB, id),
    presentProfiles(env.DB, id),
  ])
  const present = new Map(
    own.flatMap((one) => [
      [one.name, one.present],
      [one.uuid, one.present],
    ]),
  )
  const superseded = new Set(own.flatMap((one) => (one.uuid === one.present ? [] : [one.uuid])))
  const kept = new Set(own.flatMap((one) => (one.uuid === one.present ? [one.uuid] : [])))
  return (device) => {
    const rule = ruleFor(rules, device)
    const named = rule?.profile ?? ''
    const wanted = present.get(named) ?? (UUID.test(named) ? named : '')
    const kind = wanted === '' ? 'none' : autoAssignment(device, wanted, superseded)
    // A person chose another profile of ours for this device.
    return {
      kind: kind === 'foreign' && kept.has(device.profile_uuid ?? '') ? 'none' : kind,
      wanted,
      rule,
    }
  }
}

/** The profile that is to be assigned to a device; empty for none. */
export function wantedNow({ state }: OpenAccount, plan: Planner, device: DepDevice): string {
  const { kind, wanted } = plan(device)
  const isMeant =
    (kind === 'assign' && state.assigns !== 'nothing') ||
    (kind === 'foreign' && state.assigns === 'all')
  return isMeant ? wanted : ''
}

/**
 * Applies the rules to all devices, as far as one invocation may go. @returns whether that is done
 */
export async function planOn(account: OpenAccount): Promise<boolean> {
  const { env, id } = account
  if (account.state.planAfter === undefined) {
    return true
  }
  const plan = await loadPlanner(account)
  for (let reads = 0; reads < MAX_READS; reads++) {
    const after: string | undefined = account.state.planAfter
    if (after === undefined) {
      return true
    }
    const devices = await walkDepDevices(env.DB, id, after, WALKED)
    const wishes = devices.map((device) => ({
      serial: device.serial_number,
      wanted: wantedNow(account, plan, device),
    }))
    const meant = wishes.filter(({ wanted }) => wanted !== '')
    await wantProfiles(env.DB, id, meant, clock.now())
    // Another pass may have begun meanwhile.
    if (account.state.planAfter === after) {
      save(account, {
        planAfter: devices.length < WALKED ? undefined : devices.at(-1)?.serial_number,
      })
    }
  }
  return account.state.planAfter === undefined
}

/** What automatic assignment would do with an account's devices after `confirm()`. */
export interface DepPreview {
  /** Devices without a profile, or with one of ours that was replaced. */
  readonly assign: number
  /** Devices with a profile that the server did not define. */
  readonly foreign: number
  /** How many of both would get each profile. */
  readonly profiles: Readonly<Record<string, number>>
  /**
   * How many devices each rule is the first to match, whatever profile they have. Objects of an earlier
   * version do not say it.
   */
  readonly rules?: readonly number[]
}

export async function previewPlan(
  { env, id }: Account,
  asked?: readonly DepRule[],
): Promise<DepPreview> {
  const rules = asked ?? (await readRules(env.DB, id))
  const plan = await loadPlanner({ env, id }, rules)
  const matched = new Map(rules.map((rule) => [rule, 0]))
  const counts = { none: 0, assign: 0, foreign: 0 }
  const profiles: Record<string, number> = {}
  let after: string | undefined = ''
  while (after !== undefined) {
    const devices: readonly DepDevice[] = await walkDepDevices(env.DB, id, after, WALKED)
    for (const device of devices) {
      const { kind, wanted, rule } = plan(device)
      counts[kind] += 1
      if (rule) {
        matched.set(rule, (matched.get(rule) ?? 0) + 1)
      }
      if (kind !== 'none') {
        profiles[wanted] = (profiles[wanted] ?? 0) + 1
      }
    }
    after = devices.length < WALKED ? undefined : devices.at(-1)?.serial_number
  }
  return { assign: counts.assign, foreign: counts.foreign, profiles, rules: [...matched.values()] }
}
