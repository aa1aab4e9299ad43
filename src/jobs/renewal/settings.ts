import { clock } from '../../clock.ts'
import type { Config } from '../../config/config.ts'
import { lastImport } from '../../directory/authorities.ts'
import type { DueIdentities } from '../../directory/devices/renewals.ts'
import { renewalWindow } from '../../scep/renewal.ts'
import type { RoundSettings } from '../work.ts'

/** A device that failed, is blocked or did nothing is tried again after this time. */
export const RETRY_AFTER = 7 * 86_400_000

/** The settings, with the defaults for those that an admin has not chosen. */
export function renewalSettings(chosen: RoundSettings): Required<Omit<RoundSettings, 'enabled'>> {
  return { enabledAt: 0, resumedAt: 0, changedAt: 0, perHour: 60, unknownProfiles: '', ...chosen }
}

/**
 * Whether renewals are on. They are on unless an admin switched them off or imported a CA: then another
 * server made the profiles of the devices.
 */
export async function renewalsEnabled(db: D1Database, chosen: RoundSettings): Promise<boolean> {
  const imported = await lastImport(db)
  return (chosen.enabledAt ?? 0) > (imported ?? 0)
    ? chosen.enabled === true
    : imported === undefined
}

export function dueIdentities(config: Config, { changedAt = 0 }: RoundSettings): DueIdentities {
  const now = clock.now()
  return {
    endsBefore: now + renewalWindow(config.scep.clientValidity),
    triedBefore: Math.max(now - RETRY_AFTER, changedAt),
  }
}
