import { inTime } from './clock.ts'
import { configOf } from './config/config.ts'
import type { DirectoryRow } from './device/standing/directory-row.ts'
import { UNKNOWN } from './device/outbox/cursors.ts'
import type { Announcement, DeviceNamespace } from './device/object.ts'
import { projectRows } from './directory/devices/project.ts'
import { knownWebhooks } from './webhooks/list.ts'
import { inBackground } from './guard.ts'
import { attempt, reasonOf, warn } from './log.ts'
import type { Subscriber } from './webhooks/subscriber.ts'

/** A Subscriber as its callers see it, over RPC. */
export type SubscriberStub = Omit<Subscriber, 'alarm'>

export interface ConsumerEnv {
  readonly DEVICE: DeviceNamespace
  readonly SUBSCRIBER: { getByName(name: string): SubscriberStub }
  readonly DB: D1Database
}

/** So long a device is waited for: its alarm says again what is lost here. */
const PATIENCE = 10_000

/**
 * Hands device ids on to the webhooks, and rows to the directory, and forgets them: it never posts, throws or
 * retries, because the device's own alarm announces again whatever got lost here.
 */
export async function consume(
  batch: MessageBatch<Announcement>,
  env: ConsumerEnv,
  context: Pick<ExecutionContext, 'waitUntil'>,
): Promise<void> {
  const messages = batch.messages.map(({ body }) => body)
  const newest = new Map<string, DirectoryRow>()
  for (const { directory: row } of messages) {
    if (row && row.version > (newest.get(row.id)?.version ?? -1)) {
      newest.set(row.id, row)
    }
  }
  await Promise.all([
    attempt('queue:wake-failed', () => wakeReaders(messages, env, context)),
    attempt('queue:projection-failed', () => projectRows(env, [...newest.values()])),
  ])
}

async function wakeReaders(
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
    // Without a list, every subscriber that it names is woken.
    const named = readers.filter((reader) => (ids ? ids.includes(reader) : reader !== UNKNOWN))
    if (ids && named.length < readers.length) {
      unsettled.push(device)
    }
    for (const reader of named) {
      woken.set(reader, (woken.get(reader) ?? new Set()).add(device))
    }
  }
  await Promise.all([
    ...[...woken].map(([reader, devices]) => wake(env, reader, [...devices])),
    ...unsettled.map((device) => settle(env, device, ids ?? [])),
  ])
}

function wake(env: ConsumerEnv, reader: string, devices: readonly string[]): Promise<void> {
  return attempt('queue:wake-failed', () => env.SUBSCRIBER.getByName(reader).wake(devices))
}

/** A device that names somebody who is not on the list is told the list. Its alarm says again what fails here. */
async function settle(env: ConsumerEnv, device: string, known: readonly string[]): Promise<void> {
  try {
    const call = env.DEVICE.getByName(device).settleReaders(known)
    if (await inTime(PATIENCE, call)) {
      await Promise.all(known.map((reader) => wake(env, reader, [device])))
    }
  } catch (error) {
    warn('queue:device-unreachable', { device, reason: reasonOf(error) })
  }
}
