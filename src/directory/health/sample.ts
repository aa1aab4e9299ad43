import { sql, writeAll } from '../sql.ts'

/** A device as the directory has it. */
export interface SampledDevice {
  readonly id: string
  /** Absent if only a certificate tells of it. */
  readonly row?: { readonly state: string; readonly serial: string; readonly version: number }
}

interface Sample {
  /** Half of them are the ones that were silent longest: their commands wait longest. */
  readonly devices: readonly SampledDevice[]
  /** How many there are in all. */
  readonly of: number
}

/** Some devices, and owners of certificates that are not in the list. It reads the row of each device. */
export async function sampleDevices(d1: D1Database, size: number): Promise<Sample> {
  const row = sql`SELECT id, state, serial_number AS serial, version FROM devices WHERE NOT hidden`
  type Row = { id: string; state: string; serial: string; version: number }
  const half = Math.floor(size / 2)
  const [count, lost, silent, any] = await writeAll(d1, [
    sql<{ n: number }>`SELECT count(*) AS n FROM devices WHERE NOT hidden`,
    sql<{ id: string }>`SELECT DISTINCT enrollment AS id FROM identities
      WHERE enrollment NOT IN (SELECT id FROM devices) LIMIT ${Math.floor(size / 4)}`,
    sql<Row>`${row} AND enrolled ORDER BY last_seen LIMIT ${half}`,
    sql<Row>`${row} ORDER BY random() LIMIT ${size}`,
  ])
  const listed = [...silent.results, ...any.results].map(({ id, ...rest }) => ({ id, row: rest }))
  const devices = new Map<string, SampledDevice>(
    [...lost.results, ...listed].map((device) => [device.id, device]),
  )
  return { devices: [...devices.values()].slice(0, size), of: count.results[0]?.n ?? 0 }
}
