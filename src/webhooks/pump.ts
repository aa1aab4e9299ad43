import { clock, inTime, wait } from '../clock.ts'
import { requireConfig } from '../config/config.ts'
import { CONNECTIONS } from '../config/values.ts'
import { beginWalk, markBacklog, walk } from './backlog.ts'
import type { DeviceEvent } from '../events/event.ts'
import type { Webhook } from '../events/webhook.ts'
import { inBackground } from '../guard.ts'
import { log, warn } from '../log.ts'
import { reasonOf } from '../reason.ts'
import { forRequest } from '../request-id.ts'
import type { DeliveryPorts } from './attempt.ts'
import { addDeadLetter } from './dead-letters.ts'
import { deliver } from './deliver.ts'
import {
  addDevice,
  countDevices,
  endWaits,
  isFull,
  nextTry,
  releaseDevice,
  startDevices,
} from './lane.ts'
import { post, postEvent, type PostOutcome } from './post.ts'
import { storeCircuit, type Subscription } from './subscription.ts'

/** A timer keeps the object in memory, which is paid for. The alarm does longer waits. */
const LONGEST_TIMER = 60_000
/** A device that cannot be reached is tried again after this time. */
const UNREACHABLE_WAIT = 5000
/** Some 10 MB of ids. */
const MOST_READY = 100_000
/** The longest call of the object of a device. */
export const PATIENCE = 10_000

/**
 * Adds devices that have events, and begins to post. When memory holds very many devices, more are not added:
 * a walk over the directory finds them after the others.
 */
export function wakeLane(subscription: Subscription, devices: readonly string[]): void {
  const { lane, ctx, removed } = subscription
  if (lane.ready.size >= MOST_READY && !removed) {
    beginWalk(ctx.storage.kv)
  } else {
    devices.forEach((device) => addDevice(lane, device))
  }
  startPump(subscription)
}

/**
 * Ends all waits. During a long wait the object may have lost its memory of the devices, so it walks over all
 * devices.
 */
export function resumePosts(subscription: Subscription): void {
  const { lane, ctx, removed } = subscription
  if (removed) {
    return
  }
  if (lane.circuit.askedUntil > clock.now()) {
    beginWalk(ctx.storage.kv)
  }
  if (endWaits(lane)) {
    storeCircuit(subscription)
  }
  startPump(subscription)
}

export function startPump(subscription: Subscription): void {
  inBackground(subscription.ctx, pump(subscription))
}

/** Starts all posts that may start now, and plans the next round. The posts belong to no request. */
export async function pump(subscription: Subscription): Promise<void> {
  return forRequest(undefined, () => startPosts(subscription))
}

async function startPosts(subscription: Subscription): Promise<void> {
  const { id, ctx, lane, settings } = subscription
  let webhook: Webhook | undefined
  try {
    webhook = await settings.current()
  } catch (error) {
    warn('webhook:settings-unreadable', { webhook: id, reason: reasonOf(error) })
    schedule(subscription, clock.now() + UNREACHABLE_WAIT)
    return
  }
  if (!webhook?.enabled) {
    return
  }
  const readAgainAt = await readBacklog(subscription)
  for (const device of startDevices(lane, webhook.concurrency, clock.now())) {
    inBackground(ctx, postDevice(subscription, webhook, device))
  }
  const waiting = countDevices(lane)
  const now = clock.now()
  if (!subscription.removed && markBacklog(ctx.storage.kv, subscription, waiting, now)) {
    arm(subscription, now + LONGEST_TIMER)
  }
  // When all places are taken, the next post that comes back starts the next round.
  const isLast = isFull(lane, webhook.concurrency)
  schedule(subscription, isLast ? undefined : (nextTry(lane, webhook.concurrency) ?? readAgainAt))
}

/** Adds devices of the directory that may have events. @returns when to try again, if it is not readable */
async function readBacklog(subscription: Subscription): Promise<number | undefined> {
  const { id, env, ctx, lane } = subscription
  if (subscription.isReadingBacklog || lane.paused) {
    return undefined
  }
  subscription.isReadingBacklog = true
  try {
    for (const device of await walk(env.DB, ctx.storage.kv, lane.ready.size + lane.waiting.size)) {
      addDevice(lane, device)
    }
    return undefined
  } catch (error) {
    warn('webhook:backlog-unreadable', { webhook: id, reason: reasonOf(error) })
    return clock.now() + UNREACHABLE_WAIT
  } finally {
    subscription.isReadingBacklog = false
  }
}

async function postDevice(
  subscription: Subscription,
  webhook: Webhook,
  device: string,
): Promise<void> {
  const { id, lane } = subscription
  try {
    await deliver(lane, portsOf(subscription, webhook), device)
  } catch (error) {
    warn('webhook:device-unreachable', { webhook: id, device, reason: reasonOf(error) })
    releaseDevice(lane, device, clock.now(), UNREACHABLE_WAIT)
  }
  await pump(subscription)
}

function schedule(subscription: Subscription, at: number | undefined): void {
  subscription.cancelTimer?.()
  subscription.cancelTimer = undefined
  if (at === undefined || at === Infinity) {
    return
  }
  const ms = Math.max(at - clock.now(), 0)
  if (ms > LONGEST_TIMER) {
    arm(subscription, at)
    return
  }
  subscription.cancelTimer = clock.after(ms, () => {
    startPump(subscription)
  })
}

function arm({ ctx }: Subscription, at: number): void {
  ctx.waitUntil(ctx.storage.setAlarm(at))
}

/**
 * Posts an event. With many posts in flight each is an invocation of its own: the object shares its few
 * connections among all its posts.
 */
export async function postNow(
  { env, ctx }: Subscription,
  webhook: Webhook,
  event: DeviceEvent,
  isReplay: boolean,
): Promise<PostOutcome> {
  const { allowPrivateWebhooks: allowPrivate } = requireConfig(env)
  const how = { isReplay, allowPrivate }
  return webhook.concurrency <= CONNECTIONS
    ? postEvent(webhook, event, how)
    : postEvent(webhook, event, how, (...one) => postElsewhere(ctx, ...one))
}

/** A call has at most 32 MiB, and a text may take two bytes a character. */
const MOST_ELSEWHERE = 8_000_000

/**
 * A very long event is posted here. A call that fails, for example during a deploy, holds the order as a
 * receiver does that is down.
 */
async function postElsewhere(
  { exports }: Subscription['ctx'],
  ...one: Parameters<typeof post>
): Promise<PostOutcome> {
  try {
    const [, { text }] = one
    return await (text.length > MOST_ELSEWHERE ? post(...one) : exports.Poster.post(...one))
  } catch (error) {
    return { kind: 'down', status: 0, reason: reasonOf(error), retryAfter: undefined }
  }
}

/** The webhook as it is now; `undefined` when nothing may be posted. */
async function currentWebhook({ settings }: Subscription): Promise<Webhook | undefined> {
  try {
    const webhook = await settings.current()
    return webhook?.enabled ? webhook : undefined
  } catch {
    // The next round logs the reason.
    return undefined
  }
}

function portsOf(subscription: Subscription, webhook: Webhook): DeliveryPorts {
  const { id, db, env, log: posts } = subscription
  return {
    webhook: async () => {
      const current = await currentWebhook(subscription)
      return current && { ...current, post: (...event) => postNow(subscription, current, ...event) }
    },
    now: () => clock.now(),
    sleep: wait,
    pull: async (device, request) => {
      const { topics, statuses } = (await currentWebhook(subscription)) ?? webhook
      const stub = env.DEVICE.getByName(device)
      return inTime(PATIENCE, stub.pull({ ...request, subscriber: id, topics, statuses }))
    },
    keepCircuit: () => {
      storeCircuit(subscription)
    },
    note: posts.note,
    addDeadLetter: (device, { sequence, id: event, topic, at }, { tries, reason }) => {
      if (!subscription.removed) {
        const diedAt = clock.now()
        addDeadLetter(db, { device, sequence, event, topic, at, tries, reason, diedAt })
      }
      return posts.count('dead')
    },
    drop: () => posts.count('dropped'),
    log: (event, detail) => {
      log(event, { webhook: id, ...detail })
    },
    warn: (event, detail) => {
      warn(event, { webhook: id, ...detail })
    },
  }
}
