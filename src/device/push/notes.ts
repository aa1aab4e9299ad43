import type { Verdict } from '../../push/verdict.ts'
import type { Context } from '../store/context.ts'
import { listAnew } from '../store/directory-row.ts'
import { knownChannel } from '../store/state.ts'

/**
 * Takes APNs's answer in for whoever asks what became of a push, and for the directory if it changes whether the
 * device can be reached. The note itself costs no row: what stores the channel, or hands out a command, takes it along.
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
