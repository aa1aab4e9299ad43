import type { Context } from 'hono'
import { inTime } from '../../clock.ts'
import type { AnnouncementBody, DirectoryRow } from '../../device/standing/directory-row.ts'
import { listRow } from '../../directory/devices/project.ts'
import { inBackground } from '../../guard.ts'
import { attempt, warn } from '../../log.ts'
import type { Message } from '../../mdm/message.ts'
import { reasonOf } from '../../reason.ts'
import type { AppEnv } from '../app-env.ts'

/** How long a device waits for the directory. */
const PATIENCE = 2000
const MOST_STORED = 10_000

/** By device, the version of the row that this isolate has stored, until its object gets to know of it. */
const stored = new Map<string, number>()

/**
 * Takes the version of a device's row that this isolate has stored since its last message. An object whose
 * isolate has forgotten it announces the row again after a minute.
 */
export function takeStored(device: string): number | undefined {
  const version = stored.get(device)
  stored.delete(device)
  return version
}

function keepStored({ id, version }: DirectoryRow): void {
  stored.set(id, version)
  const [oldest] = stored.keys()
  if (stored.size > MOST_STORED && oldest !== undefined) {
    stored.delete(oldest)
  }
}

/** Passes on the changes of a device's message. Rows that the object awaits are stored at once. */
export async function announce(
  c: Context<AppEnv>,
  message: Message,
  { readers, directory: row, awaited }: AnnouncementBody,
): Promise<void> {
  const { env, executionCtx } = c
  const { device } = message.enrollment
  if (readers.length > 0) {
    // The queue may lose a message, and sending may fail: then the device's alarm sends it again.
    executionCtx.waitUntil(
      attempt(
        'queue:send-failed',
        async () => void (await env.EVENTS.send({ device, readers, directory: undefined })),
        device,
      ),
    )
  }
  if (row && awaited) {
    await list(c, row)
  } else if (row) {
    // The device need not wait: it does not call sooner when the row is stored.
    executionCtx.waitUntil(attempt('directory:unavailable', () => listAndConfirm(c, row), device))
  }
}

/** Stores a row. Without the directory, the device's alarm announces it. @throws when neither is possible */
async function list(c: Context<AppEnv>, row: DirectoryRow): Promise<void> {
  try {
    await store(c, row)
    keepStored(row)
  } catch (error) {
    warn('directory:unavailable', { device: row.id, reason: reasonOf(error) })
    await c.env.DEVICE.getByName(row.id).unlisted()
  }
}

/** Stores a row and tells its object at once. If this fails, the device's alarm announces the row again. */
async function listAndConfirm(c: Context<AppEnv>, row: DirectoryRow): Promise<void> {
  await store(c, row)
  await c.env.DEVICE.getByName(row.id).projected(row.version)
}

async function store({ env, executionCtx }: Context<AppEnv>, row: DirectoryRow): Promise<void> {
  const background = (work: Promise<unknown>) => {
    inBackground(executionCtx, work)
  }
  await inTime(PATIENCE, listRow(env.DB, row, background))
}
