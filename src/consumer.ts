import { inTime } from './clock.ts'
import { configOf } from './config/config.ts'
import type { DirectoryRow } from './device/store/directory-row.ts'
import { UNKNOWN } from './device/outbox/record.ts'
import type { Announcement, DeviceNamespace } from './device/object.ts'
import { project } from './directory/devices/rows.ts'
import { knownWebhooks } from './webhooks/list.ts'
import { inBackground } from './guard.ts'
import { reasonOf, warn } from './log.ts'
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

/** Brings the directory up to these devices' rows at once: an admin who asked for a change looks next. */
export async function projectDevices(
  env: Pick<ConsumerEnv, 'DEVICE' | 'DB'>,
  devices: readonly string[],
): Promise<void> {
  const rows: DirectoryRow[] = []
  await Promise.all(
    devices.map((device) =>
      attempt('directory:device-unreachable', async () => {
        const row = await inTime(PATIENCE, env.DEVICE.getByName(device).directoryRow())
        rows.push(...(row ? [row] : []))
      }),
    ),
  )
  await projectRows(env, rows)
}

/** Writes rows to the directory, and tells each device that it has its row. */
async function projectRows(
  env: Pick<ConsumerEnv, 'DEVICE' | 'DB'>,
  rows: readonly DirectoryRow[],
): Promise<void> {
  if (rows.length === 0) {
    return
  }
  try {
    await project(env.DB, rows)
  } catch (error) {
    if (rows.length === 1) {
      throw error
    }
    // One statement fails for all: perhaps D1 refuses a single row.
    await projectEach(env, rows)
    return
  }
  await Promise.all(
    rows.map(({ id, version }) =>
      attempt(
        'directory:device-unreachable',
        () => inTime(PATIENCE, env.DEVICE.getByName(id).projected(version)),
        id,
      ),
    ),
  )
}

/** When so many rows in a row fail by themselves, it is D1's trouble: their devices' alarms say them again. */
const FAILURES_TO_LEAVE = 5

async function projectEach(
  env: Pick<ConsumerEnv, 'DEVICE' | 'DB'>,
  rows: readonly DirectoryRow[],
): Promise<void> {
  let failures = 0
  for (const row of rows) {
    try {
      await projectRows(env, [row])
      failures = 0
    } catch (error) {
      failures += 1
      if (failures === FAILURES_TO_LEAVE) {
        throw error
      }
      warn('directory:row-refused', { device: row.id, reason: reasonOf(error) })
    }
  }
}

async function attempt(event: string, work: () => Promise<void>, device?: string): Promise<void> {
  try {
    await work()
  } catch (error) {
    warn(event, { ...(device === undefined ? {} : { device }), reason: reasonOf(error) })
  }
}
