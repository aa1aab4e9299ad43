import { inTime } from '../../clock.ts'
import type { DirectoryRow } from '../../device/standing/directory-row.ts'
import { attempt, reasonOf, warn } from '../../log.ts'
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

/** So long a device is waited for: its alarm says again what is lost here. */
const PATIENCE = 10_000

/** Brings the directory up to these devices' rows at once: an admin who asked for a change looks next. */
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

/** Writes rows to the directory, and tells each device that it has its row. */
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
