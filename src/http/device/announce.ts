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
  const { device } = message.enrollment
  const directory = awaited ? undefined : row
  if (readers.length > 0 || directory) {
    // The queue may lose a message, and sending may fail: then the device's alarm sends it again.
    c.executionCtx.waitUntil(
      attempt(
        'queue:send-failed',
        async () => void (await c.env.EVENTS.send({ device, readers, directory })),
        device,
      ),
    )
  }
  if (row && awaited) {
    await list(c, row)
  }
}

/** Stores a row. Without the directory, the device's alarm announces it. @throws when neither is possible */
async function list({ env, executionCtx }: Context<AppEnv>, row: DirectoryRow): Promise<void> {
  const background = (work: Promise<unknown>) => {
    inBackground(executionCtx, work)
  }
  try {
    await inTime(PATIENCE, listRow(env.DB, row, background))
    keepStored(row)
  } catch (error) {
    warn('directory:unavailable', { device: row.id, reason: reasonOf(error) })
    await env.DEVICE.getByName(row.id).unlisted()
  }
}
