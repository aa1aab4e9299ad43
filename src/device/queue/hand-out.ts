import { hasStalled, nextEntry } from '../../mdm/queue.ts'
import { loadBody } from '../../storage/bodies.ts'
import { writePushNote, type Channel } from '../store/channel-row.ts'
import { tellCommand } from '../store/commands/news.ts'
import { markHandedOut } from '../store/commands/pending.ts'
import type { Context } from '../store/context.ts'
import { addUnlockToken } from './clear-passcode.ts'
import { queueOf, readWindow } from './window.ts'

/** Hands out the next command of a channel, if there is one, in the commit that answers the device. */
export function handOut(context: Context, channel: Channel): Uint8Array | undefined {
  const { db, now, state } = context
  const queue = queueOf(context, channel)
  let entry = nextEntry(queue.pending, queue.roundBegan)
  // A stalled command comes last, also after commands that are not in memory.
  if (queue.more && (!entry || entry.state === 'stalled' || hasStalled(entry))) {
    readWindow(context, channel, queue)
    entry = nextEntry(queue.pending, queue.roundBegan)
  }
  if (!entry) {
    return undefined
  }
  const isNewRound = entry.handedOutAt < (queue.roundBegan ?? Infinity)
  Object.assign(entry, {
    state: entry.state === 'stalled' || hasStalled(entry) ? 'stalled' : 'sent',
    handedOutAt: now,
    rounds: entry.rounds + Number(isNewRound),
  })
  tellCommand(context, channel, entry.id, entry.state, entry)
  const push = channel.push && channel.push.at >= entry.queuedAt ? channel.push : undefined
  const given = { now, epoch: state.device.epoch, push: writePushNote(push) }
  const inline = markHandedOut(db, entry, given)
  const payload = loadBody(context, 'payload', entry.id, inline, entry.secret)
  return addUnlockToken(context, entry.requestType, payload)
}
