/** Where Apple lists a device, for the choice of its blueprints. */
import type { AbmListing } from '../../blueprints/select.ts'
import { readAll, sql } from '../sql.ts'

interface StandingRow {
  readonly account: string
  readonly serverUuid: string | null
  readonly serverName: string | null
  readonly profile: string
  readonly profileName: string | null
}

/** The accounts that have the device now, and its profile, by all their names; `undefined` if none has it. */
export async function depStanding(d1: D1Database, serial: string): Promise<AbmListing | undefined> {
  const rows = await readAll(
    d1,
    sql<StandingRow>`SELECT dep_devices.account, server_uuid AS serverUuid, server_name AS serverName,
      profile_uuid AS profile, dep_profiles.name AS profileName FROM dep_devices
      LEFT JOIN dep_accounts ON dep_accounts.id = dep_devices.account
      LEFT JOIN dep_profiles ON dep_profiles.uuid = profile_uuid
      WHERE serial = ${serial} AND live = 1`,
  )
  return rows.length === 0
    ? undefined
    : {
        accounts: namesOf(rows.flatMap((row) => [row.account, row.serverUuid, row.serverName])),
        profiles: namesOf(rows.flatMap((row) => [row.profile, row.profileName])),
      }
}

function namesOf(names: readonly (string | null)[]): string[] {
  return [...new Set(names.flatMap((name) => name || []))]
}
