import { loadBody } from '../../storage/bodies.ts'
import { commandId } from '../queue/lookup.ts'
import type { Context } from '../store/context.ts'
import { INVENTORY, type InventoryType } from '../queue/history.ts'
import { CHANNEL_SPAN } from '../store/schema.ts'
import type { Channel } from '../store/state.ts'

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
  const base = channel.id * CHANNEL_SPAN
  return INVENTORY.flatMap((type) =>
    context.db
      .all<{ id: number; at: number; secret: number; result: ArrayBuffer | Uint8Array | null }>(
        `SELECT id, answered_at AS at, secret, result FROM commands
          WHERE id BETWEEN ? AND ? AND request_type = ? AND state = 'acknowledged'
          AND (result IS NOT NULL OR EXISTS (SELECT 1 FROM parts WHERE body = 'result' AND ref = commands.id))
          ORDER BY id DESC LIMIT ?`,
        base,
        base + CHANNEL_SPAN - 1,
        type,
        type === 'DeviceInformation' ? ASKED_TOGETHER : 1,
      )
      .map(({ id, at, secret, result }) => ({
        type,
        at,
        commandId: commandId(context, channel, id - base),
        report: loadBody(context, 'result', id, result, secret === 1),
      })),
  )
}
