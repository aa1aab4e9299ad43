import type { CommandState } from '../../mdm/queue.ts'
import { dropParts, storeBody } from '../../storage/bodies.ts'
import { writePushNote, type Channel } from '../store/channel-row.ts'
import {
  deleteRow,
  dropPayload,
  INVENTORY,
  oldestRow,
  RESTORE_SPAN,
  saveResult,
  surplusRows,
  unrestorableRows,
} from '../store/commands/ended.ts'
import { logAnswer } from '../store/commands/log.ts'
import { tellCommand } from '../store/commands/news.ts'
import { jobHorizon } from '../store/commands/states.ts'
import type { Context } from '../store/context.ts'
import { pruneEvery } from '../store/pace.ts'
import type { Queue } from '../store/state.ts'

interface Answered {
  readonly id: number
  /** Whether its payload lies in `parts`. */
  readonly big: boolean
  readonly requestType: string
  readonly secret: boolean
  readonly queuedAt?: number
}

/** Stores the end of a command, and its result if results are kept. */
export function keepResult(
  context: Context,
  channel: Channel,
  command: Answered,
  answer: { readonly state: CommandState; readonly result: Uint8Array },
): void {
  const { db, now, settings } = context
  const { id, requestType, secret, big } = command
  const { state, result } = answer
  const isInventory = state === 'acknowledged' && INVENTORY.some((type) => type === requestType)
  const keep = settings.keepResults.kind !== 'none' || isInventory
  saveResult(db, id, now, {
    state,
    hash: context.hash(result),
    body: keep ? storeBody(context, 'result', id, result, secret) : null,
    // APNs may have answered the push after the device had connected.
    pushedAt: channel.push?.at ?? 0,
    push: writePushNote(channel.push),
  })
  if (big) {
    dropParts(db, 'payload', id)
  }
  context.effects.finished.add(id)
  tellCommand(context, channel, id, state, command)
  logAnswer(context, command, answer)
}

/**
 * Deletes the history of a channel beyond its bound. A tenth more than the bound may stay, because the check
 * runs with each tenth command: when it is queued and when it is answered, because some commands are never
 * answered. Four kinds of rows stay: the newest, for its number; one that has ended, because its hash
 * recognises a repeated report; the inventory; lasting payloads. Rows after the oldest pending command are
 * not read: all ended commands are before it.
 */
export function pruneInTime(context: Context, channel: Channel, queue: Queue, id: number): void {
  const { kind, count } = context.settings.keepResults
  const every = kind === 'bounded' ? pruneEvery(count) : 1
  if (id % every === 0) {
    pruneResults(context, channel, queue, 2 * every + 2)
  }
}

/**
 * The same for an answer. The first answer after the object was loaded always runs the check, so that results
 * do not stay too long.
 */
export function pruneAfterAnswer(
  context: Context,
  channel: Channel,
  queue: Queue,
  id: number,
): void {
  pruneInTime(context, channel, queue, queue.pruned ? id : 0)
  queue.pruned = true
}

/**
 * Deletes surplus rows of a channel's history, up to `most`. Rows are in the order of queueing, so the oldest
 * shows whether the history can have a surplus: most histories are short, and need no more queries.
 */
export function pruneResults(context: Context, channel: Channel, queue: Queue, most: number): void {
  const { db, settings, now } = context
  const { kind, count, ms } = settings.keepResults
  const oldest = oldestRow(db, channel)
  if (!oldest) {
    return
  }
  if (oldest.queuedAt <= now - RESTORE_SPAN) {
    dropOldPayloads(context, channel)
  }
  const isBounded = kind === 'bounded'
  const bounded = { count: isBounded ? Math.max(count, 1) : 1, endedFrom: isBounded ? now - ms : 0 }
  if (queue.lastId - oldest.id < bounded.count && oldest.queuedAt >= bounded.endedFrom) {
    return
  }
  const waiting = queue.pending.find(({ handedOutAt }) => handedOutAt === 0)?.id ?? queue.lastId
  const surplus = surplusRows(db, channel, {
    before: waiting,
    now,
    jobsFrom: jobHorizon(now),
    most,
    keep: kind === 'latest' ? 'latest' : bounded,
  })
  for (const { id, big } of surplus) {
    deleteRow(db, id)
    if (big) {
      dropParts(db, 'result', id)
    }
  }
}

/** Deletes the payloads of superseded commands that can be restored no longer. */
function dropOldPayloads({ db, now }: Context, channel: Channel): void {
  for (const { id, big } of unrestorableRows(db, channel, now)) {
    if (big) {
      dropParts(db, 'payload', id)
    } else {
      dropPayload(db, id)
    }
  }
}
