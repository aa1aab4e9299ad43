import { z } from '@hono/zod-openapi'
import type { Snapshot } from '../../../device/views/inventory.ts'
import { dictOf, plistObject } from '../commands/json.ts'
import { iso, time } from '../values.ts'

/** Under which key of its report each type tells. */
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
      .openapi({ description: 'as the device told it' }),
  })
  .nullable()

/** What the device told last; null for what it was never asked. */
export const inventorySchema = z.object({
  DeviceInformation: snapshot,
  SecurityInfo: snapshot,
  ProfileList: snapshot,
  InstalledApplicationList: snapshot,
})

/** DeviceInformation answers what it was asked: the newest value of each query stands. */
export function inventoryJson(snapshots: readonly Snapshot[]): z.input<typeof inventorySchema> {
  const of = (type: Snapshot['type']) => {
    const told = snapshots.filter((one) => one.type === type)
    const [newest] = told
    const values = told.map(({ report }) => plistObject(dictOf(report) ?? {})[KEYS[type]])
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
