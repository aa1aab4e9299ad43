import { configOf } from '../config.ts'
import { UNKNOWN } from '../device/outbox.ts'
import type { Announcement, DeviceNamespace } from '../device/object.ts'
import { project } from '../directory/directory.ts'
import { knownWebhooks } from '../directory/webhook-list.ts'
import { reasonOf, warn } from '../log.ts'
import type { Subscriber } from './subscriber.ts'

/** A Subscriber as its callers see it, over RPC. */
export type SubscriberStub = Omit<Subscriber, 'alarm'>

export interface ConsumerEnv {
  readonly DEVICE: DeviceNamespace
  readonly SUBSCRIBER: { getByName(name: string): SubscriberStub }
  readonly DB: D1Database
}

/**
 * Hands device ids on to the webhooks and the directory, and forgets them: it never posts, throws or retries,
 * because the device's own alarm announces again whatever got lost here (design.md 4).
 */
export async function consume(
  batch: MessageBatch<Announcement>,
  env: ConsumerEnv,
  context: Pick<ExecutionContext, 'waitUntil'>,
): Promise<void> {
  const messages = batch.messages.map(({ body }) => body)
  const rows = new Set(messages.filter(({ directory }) => directory).map(({ device }) => device))
  await Promise.all([
    attempt('queue:wake-failed', () => wakeReaders(messages, env, context)),
    attempt('queue:projection-failed', () => projectDevices(env, [...rows])),
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
      context.waitUntil(work)
    }))
  const ids = known ? known.map(({ id }) => id) : undefined
  const woken = new Map<string, Set<string>>()
  for (const { device, readers } of messages) {
    for (const reader of await readersToWake(env, device, readers, ids)) {
      woken.set(reader, (woken.get(reader) ?? new Set()).add(device))
    }
  }
  await Promise.all(
    [...woken].map(([reader, devices]) =>
      attempt('queue:wake-failed', () => env.SUBSCRIBER.getByName(reader).wake([...devices])),
    ),
  )
}

/** A device that names somebody who is not on the list is told the list; without a list, whoever it names is woken. */
async function readersToWake(
  env: ConsumerEnv,
  device: string,
  readers: readonly string[],
  known: readonly string[] | undefined,
): Promise<readonly string[]> {
  if (!known) {
    return readers.filter((reader) => reader !== UNKNOWN)
  }
  const named = readers.filter((reader) => known.includes(reader))
  if (named.length === readers.length) {
    return named
  }
  try {
    return (await env.DEVICE.getByName(device).settleReaders(known)) ? known : named
  } catch (error) {
    // Its alarm says it again.
    warn('queue:readers-unsettled', { device, reason: reasonOf(error) })
    return named
  }
}

/** Brings the directory up to the rows of these devices, and tells each that it did. */
export async function projectDevices(
  env: Pick<ConsumerEnv, 'DEVICE' | 'DB'>,
  devices: readonly string[],
): Promise<void> {
  if (devices.length === 0) {
    return
  }
  const read = await Promise.all(
    devices.map((device) =>
      // One that cannot answer now does not hold up the others; its alarm says it again.
      env.DEVICE.getByName(device)
        .directoryRow()
        .catch((error: unknown) => {
          warn('queue:row-failed', { device, reason: reasonOf(error) })
        }),
    ),
  )
  const rows = read.flatMap((row) => (row ? [row] : []))
  const displaced = await project(env.DB, rows)
  await Promise.all([
    ...rows.map((row) => env.DEVICE.getByName(row.id).projected(row.version)),
    ...displaced.map((device) => env.DEVICE.getByName(device).displace()),
  ])
}

async function attempt(event: string, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    warn(event, { reason: reasonOf(error) })
  }
}
