import { randomUUID } from 'node:crypto'
import { clock } from '../../clock.ts'
import { reasonOf, warn } from '../../log.ts'
import type { Verdict } from '../../push/verdict.ts'
import type { Context } from '../store/context.ts'
import { admission, NO_APNS, sendPush, type PushSettings } from './gate.ts'
import { notePush } from './notes.ts'
import {
  deadToken,
  keptTarget,
  mayStayQuiet,
  pushTarget,
  takeVerdict,
  type PushCheck,
  type PushTarget,
} from './decide.ts'

/** A device object as pushing sees it: its commits, and the way to APNs. */
export interface Pusher extends PushSettings {
  readonly device: string
  commit<Answer>(decide: (context: Context) => Answer): Promise<Answer>
}

export type PushResult =
  | { readonly kind: 'pushed'; readonly id: string }
  | { readonly kind: 'failed'; readonly error: string }

export async function pushNow(
  pusher: Pusher,
  check: PushCheck,
  expiration?: number,
): Promise<PushResult> {
  if (check.kind === 'cannot') {
    return { kind: 'failed', error: check.error }
  }
  if (!pusher.apns) {
    return { kind: 'failed', error: NO_APNS }
  }
  // An admin's push leaves whatever the circuit says: its success shows that the cause is gone.
  const { epoch } = (await admission(pusher, pusher.device, clock.now())).gate
  const dead = deadToken(check.target, epoch)
  if (dead !== undefined) {
    return { kind: 'failed', error: dead }
  }
  const verdict = await send(pusher, check.target, { epoch, again: false, expiration })
  return verdict.kind === 'delivered'
    ? { kind: 'pushed', id: verdict.id }
    : { kind: 'failed', error: verdict.reason }
}

/** What a push for waiting commands comes from. */
export interface Occasion {
  /** The alarm, or the walk, found the device still silent. */
  readonly again: boolean
  /** It leaves whatever the circuit says, to find out whether the cause is gone. */
  readonly tries?: boolean
}

/** Pushes channels that have commands waiting; below 0, the device of a kept enrolment by its epoch. */
export async function pushPending(
  pusher: Pusher,
  channels: readonly number[],
  occasion: Occasion,
): Promise<void> {
  if (!pusher.apns) {
    return
  }
  for (const id of channels) {
    try {
      const target = await pusher.commit((context) =>
        readyChannel(context, pusher, id, occasion.again),
      )
      if (target && !(await pushReady(pusher, target, occasion))) {
        return
      }
    } catch (error) {
      warn('push:not-sent', { device: pusher.device, reason: reasonOf(error) })
    }
  }
}

/** @returns false when the circuit holds every push back. */
async function pushReady(
  pusher: Pusher,
  target: PushTarget,
  { again, tries }: Occasion,
): Promise<boolean> {
  const { admitted, gate } = await admission(pusher, pusher.device, clock.now())
  if (!admitted && !tries) {
    return false
  }
  const dead = deadToken(target, gate.epoch)
  if (dead === undefined) {
    await send(pusher, target, { epoch: gate.epoch, again })
  } else {
    warn('push:not-possible', { device: pusher.device, reason: dead })
  }
  return true
}

function readyChannel(
  context: Context,
  pusher: Pusher,
  id: number,
  again: boolean,
): PushTarget | undefined {
  if (id < 0) {
    return keptTarget(context, -id, pusher.topic)
  }
  const channel = context.state.channels.find((one) => one.id === id)
  if (!channel || (!again && mayStayQuiet(context, channel))) {
    return undefined
  }
  const check = pushTarget(context, channel.user, pusher.topic)
  if (check.kind === 'cannot') {
    warn('push:not-possible', { device: pusher.device, reason: check.error })
  }
  return check.kind === 'ready' ? check.target : undefined
}

async function send(
  pusher: Pusher,
  target: PushTarget,
  options: {
    readonly epoch: number
    readonly again: boolean
    readonly expiration?: number | undefined
  },
): Promise<Verdict> {
  const { device } = pusher
  const { epoch, again, expiration } = options
  const push = { id: randomUUID(), device, now: clock.now(), epoch, expiration }
  const { verdict, gate } = await sendPush(pusher, target, push)
  await pusher.commit((context) => {
    notePush(context, target.user, verdict, () => {
      takeVerdict(context, target, {
        id: push.id,
        verdict,
        sentAt: push.now,
        epoch: gate.epoch,
        blames: gate.blames,
        again,
        random: Math.random(),
      })
    })
  })
  return verdict
}
