import { loadBody } from '../../storage/bodies.ts'
import { commandId, numberOf } from '../store/commands/ids.ts'
import type { Context } from '../store/context.ts'
import { INVENTORY, type InventoryType } from '../store/commands/ended.ts'
import { newestAnswers } from '../store/commands/read.ts'
import type { Channel } from '../store/channel-row.ts'

/** The newest answer of a type that the device acknowledged: the report's bytes, and its command. */
export interface Snapshot {
  readonly type: InventoryType
  readonly at: number
  readonly commandId: string
  readonly report: Uint8Array
}

/** An answer to DeviceInformation has only the queried values: so many of the last answers are merged. */
const ASKED_TOGETHER = 10

/** A channel's latest inventory, newest first within a type; only DeviceInformation comes more than once. */
export function latestInventory(context: Context, channel: Channel): Snapshot[] {
  return INVENTORY.flatMap((type) => {
    const limit = type === 'DeviceInformation' ? ASKED_TOGETHER : 1
    return newestAnswers(context.db, channel, { type, limit }).map(
      ({ id, at, secret, result }) => ({
        type,
        at,
        commandId: commandId(context, channel, numberOf(id)),
        report: loadBody(context, 'result', id, result, secret === 1),
      }),
    )
  })
}
