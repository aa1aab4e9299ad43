/** Pages of devices, and what of a page is news. */
import { isObject } from '../apple/declarations.ts'
import type { DepDevice } from './records.ts'

export interface DepPage {
  /** Apple’s; opaque. */
  readonly cursor: string
  readonly devices: readonly DepDevice[]
  readonly more: boolean
}

/** What the store knows of a device. */
export interface KnownDepDevice {
  /** Of the newest change, as Apple wrote it; empty when it is not known. */
  readonly opDate: string
  readonly live: boolean
}

export interface DepChange extends KnownDepDevice {
  readonly device: DepDevice
}

const MAX_CURSOR = 4096
/** Apple sends at most 1,000. All serial numbers of a page are one value in storage. */
const MAX_ENTRIES = 10_000
const SERIAL = /^[!-~]{1,64}$/

/** The page of `POST /server/devices` or `/devices/sync`; undefined when it is none. */
export function readDepPage(json: unknown): DepPage | undefined {
  if (!isObject(json) || typeof json['cursor'] !== 'string') {
    return undefined
  }
  const { cursor, devices, more_to_follow: more } = json
  const isPage =
    cursor !== '' &&
    cursor.length <= MAX_CURSOR &&
    !(Array.isArray(devices) && devices.length > MAX_ENTRIES)
  return isPage
    ? {
        cursor,
        devices: Array.isArray(devices) ? devices.filter(isDevice) : [],
        more: more === true,
      }
    : undefined
}

function isDevice(value: unknown): value is DepDevice {
  if (!isObject(value)) {
    return false
  }
  const serial = value['serial_number']
  return typeof serial === 'string' && SERIAL.test(serial)
}

/**
 * What a page changes: for each device the newest of its entries, unless the store knows a newer one. Apple
 * repeats entries within a page and across pages. Of two with one date the later one counts, and `deleted`
 * comes before all others: a device that was removed and added in one second is there.
 */
export function mergePage(
  known: ReadonlyMap<string, KnownDepDevice>,
  devices: readonly DepDevice[],
): DepChange[] {
  const changes = new Map<string, DepChange>()
  for (const device of devices) {
    const serial = device.serial_number
    const change = { device, live: device.op_type !== 'deleted', opDate: textIn(device.op_date) }
    if (isNewer(change, changes.get(serial) ?? known.get(serial))) {
      changes.set(serial, change)
    }
  }
  return [...changes.values()]
}

/** Apple's JSON may have another type. */
function textIn(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function isNewer(change: KnownDepDevice, earlier: KnownDepDevice | undefined): boolean {
  if (earlier === undefined) {
    return true
  }
  const [now, before] = [timeOf(change.opDate), timeOf(earlier.opDate)]
  return now === before ? change.live || !earlier.live : now > before
}

/** An entry without a date is of a full fetch, which is true when it comes. */
function timeOf(opDate: string): number {
  const time = Date.parse(opDate)
  return Number.isNaN(time) ? 0 : time
}
