import { inTime } from '../../clock.ts'
import type { DirectoryRow } from '../../device/standing/directory-row.ts'
import { attempt, warn } from '../../log.ts'
import { reasonOf } from '../../reason.ts'
import { gather } from '../gather.ts'
import { project } from './rows.ts'

export interface ProjectionEnv {
  readonly DEVICE: {
    getByName(name: string): {
      directoryRow(): Promise<DirectoryRow | undefined>
      projected(version: number): Promise<void>
    }
  }
  readonly DB: D1Database
}

/** How long a call waits for a device. The alarm of the device repeats an update that is lost here. */
const PATIENCE = 10_000

/**
 * Updates the rows of these devices in the directory at once, so that the admin who requested a change sees
 * it.
 */
export async function projectDevices(
  env: ProjectionEnv,
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

/** Writes the row of one device to the directory. Rows of several requests share a batch. */
export const listRow = gather(async (d1, rows: readonly DirectoryRow[]) => {
  await project(d1, newestRows(rows))
  return rows.map(() => undefined)
})

/** The newest row of each device. */
export function newestRows(rows: readonly DirectoryRow[]): readonly DirectoryRow[] {
  const newest = new Map<string, DirectoryRow>()
  for (const row of rows) {
    if (row.version > (newest.get(row.id)?.version ?? -1)) {
      newest.set(row.id, row)
    }
  }
  return [...newest.values()]
}

/** Tells a device that its row is written. */
export function confirm(
  env: Pick<ProjectionEnv, 'DEVICE'>,
  { id, version }: DirectoryRow,
): Promise<void> {
  return attempt(
    'directory:device-unreachable',
    () => inTime(PATIENCE, env.DEVICE.getByName(id).projected(version)),
    id,
  )
}

/** Writes rows to the directory, and confirms to each device that its row is written. */
export async function projectRows(
  env: ProjectionEnv,
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
    // D1 may refuse a single row, and then the whole statement fails.
    await projectEach(env, rows)
    return
  }
  await Promise.all(rows.map((row) => confirm(env, row)))
}

/**
 * When so many rows fail one after another, the fault is in D1. The alarms of the devices repeat the rows.
 */
const FAILURES_TO_LEAVE = 5

async function projectEach(env: ProjectionEnv, rows: readonly DirectoryRow[]): Promise<void> {
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
