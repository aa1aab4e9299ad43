/** The only SQL that reads devices together with what they report of declarations and updates. */
import type { UpdateDevice } from '../../ddm/updates/device.ts'
import { enforcementOf, UPDATE_PLATFORMS, type UpdatePolicy } from '../../ddm/updates/policy.ts'
import { SILENT_AFTER } from '../../ddm/updates/progress.ts'
import { allOf, among, readAll, type Sql, sql } from '../sql.ts'

export interface ListedUpdateDevice extends UpdateDevice {
  readonly id: string
  readonly serialNumber: string
  readonly deviceName: string
}

/** Devices of which all is equal that decides about their progress. */
export interface UpdateDevices extends UpdateDevice {
  readonly count: number
}

const FACTS = sql`type, product_name AS productName, model, model_name AS modelName, os_version AS osVersion,
  build_version AS buildVersion, states.state, states.code, coalesce(updates, '') AS updates`

/** A platform is found in the names of products, and versions are compared: the caller does both. */
function concerned({ name, rule: { set, serialNumber } }: UpdatePolicy): Sql {
  const identifiers = UPDATE_PLATFORMS.map((platform) => enforcementOf(name, platform))
  const condition = allOf(
    sql`enrolled AND NOT hidden`,
    set === undefined
      ? undefined
      : sql`EXISTS (SELECT 1 FROM enrollment_sets
          WHERE device = devices.id AND user = '' AND set_name = ${set})`,
    serialNumber && sql`serial_proven AND serial_number IN ${among(serialNumber)}`,
  )
  return sql`FROM devices
    LEFT JOIN declaration_states AS states ON states.enrollment = devices.id
      AND identifier IN ${among(identifiers)}
    LEFT JOIN declaration_channels AS channels ON channels.enrollment = devices.id
    WHERE ${condition}`
}

/** The enrolled devices that a policy may concern, equal ones together. */
export function countUpdateDevices(
  d1: D1Database,
  policy: UpdatePolicy,
  now: number,
): Promise<readonly UpdateDevices[]> {
  const silentSince = now - SILENT_AFTER
  return readAll(
    d1,
    sql<UpdateDevices>`SELECT ${FACTS}, min(coalesce(reported_at, 0), ${silentSince}) AS reportedAt,
      count(*) AS count ${concerned(policy)}
      GROUP BY type, productName, model, modelName, osVersion, buildVersion, states.state, states.code,
      updates, coalesce(reported_at, 0) = 0, reported_at < ${silentSince}`,
  )
}

/** A page of them behind an id, in the order of their ids. */
export function listUpdateDevices(
  d1: D1Database,
  policy: UpdatePolicy,
  { after, limit }: { readonly after: string; readonly limit: number },
): Promise<readonly ListedUpdateDevice[]> {
  return readAll(
    d1,
    sql<ListedUpdateDevice>`SELECT devices.id, serial_number AS serialNumber,
      device_name AS deviceName, ${FACTS}, coalesce(reported_at, 0) AS reportedAt
      ${concerned(policy)} AND devices.id > ${after} ORDER BY devices.id LIMIT ${limit}`,
  )
}
