import { configOf } from '../config.ts'
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
 * Hands device ids on to the webhooks and the directory, and forgets them: it never posts, throws or retries,
 * because the device's own alarm announces again whatever got lost here (design.md 4).
 */
export async function consume(batch: MessageBatch<Announcement>, env: ConsumerEnv): Promise<void> {
  const messages = batch.messages.map(({ body }) => body)
  const of = (pick: (message: Announcement) => boolean): string[] => [
    ...new Set(messages.filter(pick).map(({ device }) => device)),
  ]
  const result = configOf(env)
  const webhooks = result.ok ? result.config.webhooks : []
  const withEvents = of(({ events }) => events)
  await Promise.all([
    ...webhooks.map((webhook) =>
      attempt('queue:wake-failed', () => env.SUBSCRIBER.getByName(webhook.id).wake(withEvents)),
    ),
    attempt('queue:projection-failed', () =>
      projectDevices(
        env,
        of(({ directory }) => directory),
      ),
    ),
  ])
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
