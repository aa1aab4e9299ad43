import { z } from '../zod.ts'
import type { Snapshot } from '../../../device/views/inventory.ts'
import { dictOf, plistObject } from '../commands/json.ts'
import { iso, time } from '../values.ts'

/** The key of the report that holds the inventory, by type. */
const KEYS = {
  DeviceInformation: 'QueryResponses',
  SecurityInfo: 'SecurityInfo',
  ProfileList: 'ProfileList',
  InstalledApplicationList: 'InstalledApplicationList',
} as const

const snapshot = z
  .object({
    at: time,
    command_id: z.string(),
    value: z
      .record(z.string(), z.unknown())
      .or(z.array(z.unknown()))
      .nullable()
      .openapi({ description: 'as the device reported it' }),
  })
  .nullable()

/** The device's last reports; null for a type that it has not reported. */
export const inventorySchema = z.object({
  DeviceInformation: snapshot,
  SecurityInfo: snapshot,
  ProfileList: snapshot,
  InstalledApplicationList: snapshot,
})

/** A report of DeviceInformation holds the queries of its command: the newest value of each query counts. */
export function inventoryJson(snapshots: readonly Snapshot[]): z.input<typeof inventorySchema> {
  const of = (type: Snapshot['type']) => {
    const reports = snapshots.filter((one) => one.type === type)
    const [newest] = reports
    const values = reports.map(({ report }) => plistObject(dictOf(report) ?? {})[KEYS[type]])
    return newest
      ? {
          at: iso(newest.at),
          command_id: newest.commandId,
          value:
            type === 'DeviceInformation'
              ? Object.assign({}, ...values.toReversed())
              : (values[0] ?? null),
        }
      : null
  }
  return {
    DeviceInformation: of('DeviceInformation'),
    SecurityInfo: of('SecurityInfo'),
    ProfileList: of('ProfileList'),
    InstalledApplicationList: of('InstalledApplicationList'),
  }
}
