import { configOf } from '../config.ts'
import type { DirectoryRow } from '../device/directory-row.ts'
import { UNKNOWN } from '../device/outbox.ts'
import type { Announcement, DeviceNamespace } from '../device/object.ts'
import { project } from '../directory/directory.ts'
import { knownWebhooks } from '../directory/webhook-list.ts'
import { inBackground } from '../guard.ts'
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
 * Hands device ids on to the webhooks, and rows to the directory, and forgets them: it never posts, throws or
 * retries, because the device's own alarm announces again whatever got lost here (design.md 4).
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

/** Brings the directory up to these devices' rows at once: an admin who asked for a change looks next. */
export async function projectDevices(
  env: Pick<ConsumerEnv, 'DEVICE' | 'DB'>,
  devices: readonly string[],
): Promise<void> {
  const rows = await Promise.all(
    devices.map((device) => env.DEVICE.getByName(device).directoryRow()),
  )
  await projectRows(
    env,
    rows.flatMap((row) => (row ? [row] : [])),
  )
}

/** Writes rows to the directory, and tells each device that it has its row. */
async function projectRows(
  env: Pick<ConsumerEnv, 'DEVICE' | 'DB'>,
  rows: readonly DirectoryRow[],
): Promise<void> {
  if (rows.length === 0) {
    return
  }
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
