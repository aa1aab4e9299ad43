import type { Verdict } from '../../push/verdict.ts'
import type { Context } from '../store/context.ts'
import { listAnew } from '../standing/directory-row.ts'
import { knownChannel } from '../store/channels.ts'

/**
 * Notes APNs's answer for views, and for the directory if it changes whether the device can be pushed. The
 * note itself costs no row: it is written when the channel is stored for another reason, or a command is
 * handed out.
 */
export function notePush(context: Context, user: string, verdict: Verdict, take: () => void): void {
  const channel = knownChannel(context.state, user)
  if (!channel) {
    return
  }
  const before = channel.flag
  channel.push = {
    at: context.now,
    outcome: verdict.kind,
    detail: verdict.kind === 'delivered' ? verdict.id : verdict.reason,
  }
  take()
  if (user === '' && channel.flag !== before) {
    listAnew(context)
  }
}
