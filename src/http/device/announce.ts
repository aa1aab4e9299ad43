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
  const { id, version } = row
  const background = (work: Promise<unknown>) => {
    inBackground(executionCtx, work)
  }
  const device = env.DEVICE.getByName(id)
  try {
    await inTime(PATIENCE, listRow(env.DB, row, background))
  } catch (error) {
    warn('directory:unavailable', { device: id, reason: reasonOf(error) })
    await device.unlisted()
    return
  }
  // The row of an enrolment that has begun changes again with its TokenUpdate.
  if (row.state !== 'authenticated') {
    background(device.projected(version))
  }
}
