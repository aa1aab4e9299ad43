import type { Context } from 'hono'
import { inTime } from '../../clock.ts'
import type { AnnouncementBody, DirectoryRow } from '../../device/standing/directory-row.ts'
import { confirm, listRow } from '../../directory/devices/project.ts'
import type { Env } from '../../env.ts'
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
 * isolate has forgotten it hands out the row again after a minute.
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

/** Passes on the changes of a device's message. A row that the object awaits is stored before the answer. */
export async function announce(
  { env, executionCtx }: Context<AppEnv>,
  message: Message,
  { readers, directory: row, awaited }: AnnouncementBody,
): Promise<void> {
  const { device } = message.enrollment
  const background = (work: Promise<unknown>) => {
    inBackground(executionCtx, work)
  }
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
    await list(env, row, inTime(PATIENCE, listRow(env.DB, row, background)))
  } else if (row) {
    background(listAndConfirm(env, row, listRow(env.DB, row, background)))
  }
}

/**
 * Waits until the row is stored. If it is not, the device's alarm announces it.
 * @returns whether it is stored
 * @throws when neither is possible
 */
async function list(env: Env, row: DirectoryRow, storing: Promise<void>): Promise<boolean> {
  try {
    await storing
    keepStored(row)
    return true
  } catch (error) {
    warn('directory:unavailable', { device: row.id, reason: reasonOf(error) })
    await env.DEVICE.getByName(row.id).unlisted()
    return false
  }
}

/** For a message that needs no row: the object knows at once that its alarm has nothing left to do. */
async function listAndConfirm(env: Env, row: DirectoryRow, storing: Promise<void>): Promise<void> {
  if (await list(env, row, storing)) {
    await confirm(env, row)
  }
}
