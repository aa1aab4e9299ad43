import { configOf } from '../config.ts'
import type { DirectoryRow } from '../device/directory-row.ts'
import type { Announcement, DeviceNamespace } from '../device/object.ts'
import { project } from '../directory/directory.ts'
import { reasonOf, warn } from '../log.ts'
import type { Subscriber } from './subscriber.ts'

export interface ConsumerEnv {
  readonly DEVICE: DeviceNamespace
  readonly SUBSCRIBER: { getByName(name: string): Pick<Subscriber, 'wake'> }
  readonly DB: D1Database
}

/**
 * Hands device ids on to the webhooks, and rows to the directory, and forgets them: it never posts, throws or
 * retries, because the device's own alarm announces again whatever got lost here (design.md 4).
 */
export async function consume(batch: MessageBatch<Announcement>, env: ConsumerEnv): Promise<void> {
  const messages = batch.messages.map(({ body }) => body)
  const withEvents = [
    ...new Set(messages.filter(({ events }) => events).map(({ device }) => device)),
  ]
  const newest = new Map<string, DirectoryRow>()
  for (const { directory: row } of messages) {
    if (row && row.version > (newest.get(row.id)?.version ?? -1)) {
      newest.set(row.id, row)
    }
  }
  const result = configOf(env)
  const webhooks = result.ok && withEvents.length > 0 ? result.config.webhooks : []
  await Promise.all([
    ...webhooks.map((webhook) =>
      attempt('queue:wake-failed', () => env.SUBSCRIBER.getByName(webhook.id).wake(withEvents)),
    ),
    attempt('queue:projection-failed', () => projectRows(env, [...newest.values()])),
  ])
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
