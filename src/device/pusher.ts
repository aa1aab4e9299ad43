import { randomUUID } from 'node:crypto'
import { reasonOf, warn } from '../log.ts'
import type { Verdict } from '../push/verdict.ts'
import type { Elsewhere } from './admin.ts'
import type { Context } from './context.ts'
import { gateOf, NO_APNS, sendPush, type PushSettings } from './push-gate.ts'
import { pushed, pushTarget, takeVerdict, type PushTarget } from './pushing.ts'

/** A device object as pushing sees it: its commits, and the way to APNs. */
export interface Pusher extends PushSettings {
  readonly device: string
  /** The push certificate's topic; empty when nobody told us. */
  readonly topic: string
  commit<Answer>(decide: (context: Context) => Answer): Promise<Answer>
}

export type PushAnswer =
  | { readonly kind: 'pushed'; readonly id: string }
  | { readonly kind: 'failed'; readonly error: string }
  | Elsewhere

export async function pushNow(
  pusher: Pusher,
  user: string,
  expiration?: number,
): Promise<PushAnswer> {
  const { epoch } = await gateOf(pusher, Date.now())
  const check = await pusher.commit((context) =>
    pushTarget(context, user, { topic: pusher.topic, epoch }),
  )
  if (check.kind === 'cannot') {
    return { kind: 'failed', error: check.error }
  }
  if (check.kind !== 'ready') {
    return check
  }
  if (!pusher.apns) {
    return { kind: 'failed', error: NO_APNS }
  }
  const verdict = await send(pusher, check.target, expiration)
  return verdict.kind === 'delivered'
    ? { kind: 'pushed', id: verdict.id }
    : { kind: 'failed', error: verdict.reason }
}

/** Pushes channels that have commands waiting; `again` when the alarm found them still silent. */
export async function pushPending(
  pusher: Pusher,
  channels: readonly number[],
  again: boolean,
): Promise<void> {
  if (!pusher.apns) {
    return
  }
  for (const id of channels) {
    try {
      const gate = await gateOf(pusher, Date.now())
      if (gate.open !== undefined && gate.until > Date.now()) {
        return
      }
      const target = await pusher.commit((context) =>
        readyChannel(context, pusher, id, gate.epoch, again),
      )
      if (target) {
        await send(pusher, target)
      }
    } catch (error) {
      warn('push:error', { device: pusher.device, reason: reasonOf(error) })
    }
  }
}

function readyChannel(
  context: Context,
  pusher: Pusher,
  id: number,
  epoch: number,
  again: boolean,
): PushTarget | undefined {
  const channel = context.state.channels[id]
  if (!channel) {
    return undefined
  }
  const check = pushTarget(context, channel.user, { topic: pusher.topic, epoch })
  if (check.kind === 'cannot') {
    warn('push:cannot', { device: pusher.device, reason: check.error })
  }
  if (again) {
    pushed(context, channel)
  }
  return check.kind === 'ready' ? check.target : undefined
}

async function send(pusher: Pusher, target: PushTarget, expiration?: number): Promise<Verdict> {
  const { verdict, gate } = await sendPush(pusher, target, {
    id: randomUUID(),
    device: pusher.device,
    now: Date.now(),
    ...(expiration === undefined ? {} : { expiration }),
  })
  if (verdict.kind === 'token_dead' || verdict.kind === 'token_refused') {
    await pusher.commit((context) => {
      takeVerdict(context, target, verdict, gate.epoch)
    })
  }
  return verdict
}
