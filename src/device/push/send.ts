import { randomUUID } from 'node:crypto'
import { clock } from '../../clock.ts'
import { reasonOf } from '../../reason.ts'
import { warn } from '../../log.ts'
import type { Verdict } from '../../push/verdict.ts'
import type { Context } from '../store/context.ts'
import { admitPush, NO_APNS, sendPush, type PushSettings } from './gate.ts'
import {
  deadToken,
  keptTarget,
  mayStayQuiet,
  pushTarget,
  takeVerdict,
  type PushCheck,
  type PushTarget,
} from './decide.ts'

/** The parts of a device object that a push needs: its commits, and the way to APNs. */
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
  // An admin's push leaves even while the circuit is open: its success shows that the cause is gone.
  const { epoch } = (await admitPush(pusher, pusher.device, clock.now())).circuit
  const dead = deadToken(check.target, epoch)
  if (dead !== undefined) {
    return { kind: 'failed', error: dead }
  }
  const verdict = await send(pusher, check.target, { epoch, again: false, expiration })
  return verdict.kind === 'delivered'
    ? { kind: 'pushed', id: verdict.id }
    : { kind: 'failed', error: verdict.reason }
}

/** The cause of a push for waiting commands. */
export interface Occasion {
  /** The alarm or a job has found the device still silent. */
  readonly again: boolean
  /** It leaves even while the circuit is open, to find out whether the cause is gone. */
  readonly tries?: boolean
}

/**
 * Pushes channels that have commands waiting. A number below 0 is the epoch of a kept enrolment: its device
 * is pushed.
 */
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
  const { admitted, circuit } = await admitPush(pusher, pusher.device, clock.now())
  if (!admitted && !tries) {
    return false
  }
  const dead = deadToken(target, circuit.epoch)
  if (dead === undefined) {
    await send(pusher, target, { epoch: circuit.epoch, again })
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
  const { verdict, circuit } = await sendPush(pusher, target, push)
  await pusher.commit((context) => {
    takeVerdict(context, target, {
      id: push.id,
      verdict,
      sentAt: push.now,
      epoch: circuit.epoch,
      blames: circuit.blames,
      again,
      random: Math.random(),
    })
  })
  return verdict
}
