import { inTime } from './clock.ts'
import { configOf } from './config/config.ts'
import type { Control } from './control/object.ts'
import { UNKNOWN } from './device/outbox/cursors.ts'
import type { DeviceNamespace } from './device/stub.ts'
import type { Announcement } from './device/runtime/runtime.ts'
import { newestRows, projectRows } from './directory/devices/project.ts'
import { knownWebhooks } from './webhooks/settings.ts'
import { reportCounts, type FigureEnv } from './figures/report.ts'
import { inBackground } from './guard.ts'
import { attempt, warn } from './log.ts'
import { reasonOf } from './reason.ts'
import { beginDueSetup } from './setup/begin.ts'
import type { Subscriber } from './webhooks/subscriber.ts'

/** A Subscriber as its callers see it, over RPC. */
export type SubscriberStub = Omit<Subscriber, 'alarm'>

export interface ConsumerEnv extends FigureEnv {
  readonly DEVICE: DeviceNamespace
  readonly SUBSCRIBER: { getByName(name: string): SubscriberStub }
  readonly DB: D1Database
  readonly CONTROL: { getByName(name: string): Pick<Control, 'addCounts' | 'echo'> }
}

/** The longest call of the object of a device. */
const PATIENCE = 10_000

/**
 * The end of the queue: wakes the Subscriber objects and writes rows of the directory. It never posts, throws
 * or retries. If something is lost here, the alarm of the device announces it again.
 */
export async function consume(
  batch: MessageBatch<Announcement>,
  env: ConsumerEnv,
  context: Pick<ExecutionContext, 'waitUntil'>,
): Promise<void> {
  const messages = batch.messages.map(({ body }) => body)
  const rows = newestRows(messages.flatMap(({ directory }) => directory ?? []))
  await Promise.all([
    attempt('queue:wake-failed', () => wakeSubscribers(messages, env, context)),
    attempt('queue:projection-failed', () => projectRows(env, rows)),
    ...messages
      .filter(({ setup }) => setup)
      .map(({ device }) => attempt('setup:not-begun', () => beginDueSetup(env, device), device)),
    ...messages
      .flatMap(({ probe }) => probe ?? [])
      .map((name) => attempt('queue:wake-failed', () => env.CONTROL.getByName(name).echo())),
  ])
  reportCounts(env, (work) => {
    context.waitUntil(work)
  })
}

async function wakeSubscribers(
  messages: readonly Announcement[],
  env: ConsumerEnv,
  context: Pick<ExecutionContext, 'waitUntil'>,
): Promise<void> {
  const result = configOf(env)
  const known =
    result.ok &&
    (await knownWebhooks(env, result.config, (work) => {
      inBackground(context, work)
    }))
  const ids = known ? known.map(({ id }) => id) : undefined
  const woken = new Map<string, Set<string>>()
  const unsettled: string[] = []
  for (const { device, readers } of messages) {
    // Without a list, every subscriber that the message names is woken.
    const named = readers.filter((id) => (ids ? ids.includes(id) : id !== UNKNOWN))
    if (ids && named.length < readers.length) {
      unsettled.push(device)
    }
    for (const id of named) {
      woken.set(id, (woken.get(id) ?? new Set()).add(device))
    }
  }
  await Promise.all([
    ...[...woken].map(([id, devices]) => wakeSubscriber(env, id, [...devices])),
    ...unsettled.map((device) => settleSubscribers(env, device, ids ?? [])),
  ])
}

function wakeSubscriber(env: ConsumerEnv, id: string, devices: readonly string[]): Promise<void> {
  return attempt('queue:wake-failed', () => env.SUBSCRIBER.getByName(id).wake(devices))
}

/** Gives the list of all webhooks to a device that named a subscriber that is not on it. */
async function settleSubscribers(
  env: ConsumerEnv,
  device: string,
  known: readonly string[],
): Promise<void> {
  try {
    const call = env.DEVICE.getByName(device).settleReaders(known)
    if (await inTime(PATIENCE, call)) {
      await Promise.all(known.map((id) => wakeSubscriber(env, id, [device])))
    }
  } catch (error) {
    warn('queue:device-unreachable', { device, reason: reasonOf(error) })
  }
}
