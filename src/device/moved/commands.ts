/** Commands that were pending at another server. Each is held until an admin releases it. */
import { Buffer } from 'node:buffer'
import { readRawCommand } from '../../commands/raw.ts'
import type { MovedCommand } from '../../migration/moved.ts'
import { cancelCommands } from '../queue/cancel.ts'
import { appendCommand } from '../queue/enqueue.ts'
import type { Channel } from '../store/channel-row.ts'
import { numberOf } from '../store/commands/ids.ts'
import { movedRows } from '../store/commands/moved.ts'
import { MOVED_SOURCE } from '../store/commands/new-command.ts'
import type { Context } from '../store/context.ts'

export interface TakenCommands {
  readonly queued: number
  /** They were held here, and a newer record has them no more: the device answered them there. */
  readonly cancelled: number
  /** They are no commands that a device could read. */
  readonly unreadable: number
}

/** Queues the commands that are not here yet, and cancels held ones that the record has no more. */
export function takeCommands(
  context: Context,
  channel: Channel,
  commands: readonly MovedCommand[],
): TakenCommands {
  const here = movedRows(context.db, channel)
  const known = new Map<string, number>()
  for (const { uuid } of here) {
    known.set(uuid, (known.get(uuid) ?? 0) + 1)
  }
  const wanted = new Set(commands.map(({ uuid }) => uuid))
  const over = here.filter(({ uuid, isHeld }) => isHeld === 1 && !wanted.has(uuid))
  if (over.length > 0) {
    cancelCommands(
      context,
      channel,
      over.map(({ id }) => numberOf(id)),
    )
  }
  let [queued, unreadable] = [0, 0]
  for (const { uuid, payload, queuedAt } of commands) {
    // CommandUUIDs are free text, and may repeat.
    const before = known.get(uuid) ?? 0
    known.set(uuid, before - 1)
    if (before > 0) {
      continue
    }
    const bytes = new Uint8Array(Buffer.from(payload, 'base64'))
    const read = readRawCommand(bytes)
    if (!read.ok) {
      unreadable += 1
      continue
    }
    const { requestType, secret } = read
    appendCommand(context, channel, {
      uuid,
      requestType,
      payload: bytes,
      secret,
      source: MOVED_SOURCE,
      heldFor: 'moved',
      ...(queuedAt > 0 && { queuedAt: Math.min(queuedAt, context.now) }),
    })
    queued += 1
  }
  return { queued, cancelled: over.length, unreadable }
}
