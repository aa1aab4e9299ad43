import { loadBody } from '../../storage/bodies.ts'
import type { Channel } from '../store/channel-row.ts'
import { recalledChannel } from '../store/channels.ts'
import { numberOf, rowOf } from '../store/commands/ids.ts'
import type { Terms } from '../store/commands/new-command.ts'
import { nextPending, type QueuedRow } from '../store/commands/pending.ts'
import { readQueuedBy, type QueuedBy } from '../store/commands/queued-by.ts'
import type { Context } from '../store/context.ts'

/** A pending command as an admin sees it, and as another object takes it over. */
export interface QueuedCommand {
  readonly n: number
  readonly uuid: string
  readonly requestType: string
  readonly secret: boolean
  readonly source: string
  readonly payload: Uint8Array
  readonly terms: Terms
  readonly by: QueuedBy | undefined
  readonly heldFor?: 'moved'
}

export interface QueuePage {
  readonly kind: 'page'
  readonly commands: readonly QueuedCommand[]
  readonly next: number | undefined
}

const PAGE_BYTES = 4_000_000

/**
 * A page of all commands that the device still has to answer, NotNow included, from behind number `after` on.
 */
export function viewQueue(context: Context, user: string, after: number): QueuePage {
  const channel = recalledChannel(context, user)
  return channel ? pageOf(context, channel, after) : { kind: 'page', commands: [], next: undefined }
}

/** A page of a channel's pending commands, oldest first. */
export function pageOf(context: Context, channel: Channel, after: number): QueuePage {
  const commands: QueuedCommand[] = []
  let bytes = 0
  let last = rowOf(channel, after)
  for (;;) {
    const row = nextPending(context.db, channel, last)
    if (!row) {
      return { kind: 'page', commands, next: undefined }
    }
    if (bytes > PAGE_BYTES) {
      return { kind: 'page', commands, next: numberOf(last) }
    }
    last = row.id
    const command = asQueued(context, row)
    bytes += command.payload.length
    commands.push(command)
  }
}

function asQueued(context: Context, row: QueuedRow): QueuedCommand {
  const { id, uuid, requestType, source, notBefore, expiresAt, requestKey, requestHash } = row
  const secret = row.secret === 1
  return {
    n: numberOf(id),
    uuid,
    requestType,
    secret,
    source,
    payload: loadBody(context, 'payload', id, row.payload, secret),
    terms: { notBefore, expiresAt, requestKey, requestHash },
    by: readQueuedBy(row.queuedBy),
    ...(row.heldFor === 'moved' && { heldFor: row.heldFor }),
  }
}
