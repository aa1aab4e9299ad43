import { clock } from '../../clock.ts'
import { column, readOnlyDb, WouldWrite } from '../../storage/db.ts'
import { SEALED_PARTS } from '../../storage/bodies.ts'
import { listAnew, presentRow, type DirectoryRow } from '../standing/directory-row.ts'
import { SEALED_COMMANDS } from '../store/commands/read.ts'
import type { Context } from '../store/context.ts'
import { SEALED_TOKENS } from '../store/escrow/tokens.ts'
import { SEALED_EVENTS } from '../store/events.ts'
import { loadState } from '../store/rows/save.ts'
import { workOf } from './alarm.ts'

/** A device object as a probe sees it. Times are milliseconds. */
export interface DeviceInspection {
  /** Its row for the directory; absent if no device is here. */
  readonly row?: Pick<DirectoryRow, 'state' | 'version'> & { readonly serial: string }
  /** The version of the row that the directory has, as far as the object knows. */
  readonly projected: number
  /** The push topic of the device that is enrolled; empty without one. */
  readonly topic: string
  /** When its alarm is due; absent if there is no work. */
  readonly dueAt?: number
  /** When its alarm rings; absent if there is none, or it was lost. */
  readonly alarmAt?: number
  /** Ids of the keys that sealed what it keeps. */
  readonly sealKeys: readonly string[]
}

const SEAL_KEYS = `SELECT DISTINCT lower(hex(substr(sealed, 2, 4))) FROM
  (${[SEALED_TOKENS, SEALED_COMMANDS, SEALED_EVENTS, SEALED_PARTS].join(' UNION ALL ')})`

/**
 * An alarm this long in the past will not ring: the platform's last retry is over after some minutes. Alarms
 * that never rang have been seen (cloudflare/cloudflare-docs issue 18324).
 */
const LOST_ALARM = 3_600_000

export function isLost(alarmAt: number): boolean {
  return alarmAt < clock.now() - LOST_ALARM
}

/** Looks at a state of its own: that of the object would keep what the look reads. */
export async function inspectDevice(
  storage: DurableObjectStorage,
  { db, name, ...rest }: Context,
): Promise<DeviceInspection> {
  const alarmAt = await storage.getAlarm()
  const { state } = loadState(db, name)
  const context = { ...rest, name, state, db: readOnlyDb(db) }
  const { device, channels, isNew } = state
  const row = presentRow(context)
  const { projected } = device
  // An object whose row was stored before the answer to its device does not hear of that.
  device.projected = device.version
  const dueAt = dueOf(context)
  return {
    ...(row && {
      row: { state: row.state, version: row.version, serial: row.facts.SerialNumber },
    }),
    projected,
    topic: device.state === 'enrolled' ? (channels[0]?.topic ?? '') : '',
    ...(dueAt !== undefined && { dueAt }),
    ...(alarmAt !== null && !isLost(alarmAt) && { alarmAt }),
    sealKeys: isNew ? [] : column(db, SEAL_KEYS),
  }
}

/** Announces the device's row anew, which sets the alarm too. The alarm then finds all other work. */
export function repairDevice(context: Context): void {
  if (presentRow(context)) {
    listAnew(context)
  }
}

/** Work that would write is due. */
function dueOf(context: Context): number | undefined {
  try {
    return workOf(context).next
  } catch (error) {
    if (error instanceof WouldWrite) {
      return context.now
    }
    throw error
  }
}
