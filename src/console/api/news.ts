/** Which addresses have other data now, and when it is time to read them. */
import type { Schema } from './types.ts'

export type Activity = Schema<'Activity'>

/** Every address: something was missed. */
export const ALL = '/api/'

/** The steps of enrolments come from memory, and not with a row. */
const STEPS = '/api/enrollment/steps'

/** How long a change waits, so that one reading has many; and the least time between two readings. */
interface Pace {
  readonly delay: number
  readonly pace: number
}

/** A person waits for one device, command or job. */
const ONE: Pace = { delay: 0, pace: 300 }
/** The row of a list is written a moment after the device's own. */
const LIST: Pace = { delay: 1200, pace: 3000 }
const EACH: Pace = { delay: 0, pace: 5000 }

/** Addresses that wait to be read, each with its time (milliseconds). */
export interface News {
  /** An entry of the stream has come. */
  add(entry: Activity, now: number): void
  /** This address has other data. */
  addAddress(address: string, now: number): void
  /** The addresses whose time has come. They begin so: `/api/devices?` is the list. */
  take(now: number): readonly string[]
  /** When the next one is due; `undefined` for none. */
  next(): number | undefined
}

export function newNews(): News {
  const due = new Map<string, number>()
  const read = new Map<string, number>()
  const addAddress: News['addAddress'] = (address, now) => {
    const { delay, pace } = paceOf(address)
    const at = Math.max(now + delay, (read.get(address) ?? -Infinity) + pace)
    due.set(address, Math.min(due.get(address) ?? Infinity, at))
  }
  return {
    addAddress,
    add(entry, now) {
      for (const address of addressesOf(entry)) {
        addAddress(address, now)
      }
    },
    take(now) {
      const ready = [...due].filter(([, at]) => at <= now).map(([address]) => address)
      for (const address of ready) {
        due.delete(address)
        read.set(address, now)
      }
      for (const [address, at] of read) {
        if (now - at > EACH.pace) {
          read.delete(address)
        }
      }
      return ready.includes(ALL) ? [ALL] : ready
    },
    next: () => (due.size === 0 ? undefined : Math.min(...due.values())),
  }
}

/** What an entry makes old. */
export function addressesOf(entry: Activity): readonly string[] {
  const { kind, device_id: device, command_id: command, job_id: job } = entry
  const isOfList = kind.startsWith('device.') && kind !== 'device.connected'
  return [
    ...(device === null ? [] : [addressOfDevice(device)]),
    ...(command === null ? [] : [`/api/commands/${encodeURIComponent(command)}`]),
    ...(job === null ? [] : [`/api/jobs/${encodeURIComponent(job)}`, '/api/jobs?']),
    ...(isOfList ? ['/api/devices?', '/api/overview', '/api/enrollment', STEPS] : []),
  ]
}

export function addressOfDevice(id: string): string {
  return `/api/devices/${encodeURIComponent(id)}`
}

function paceOf(address: string): Pace {
  return address === ALL
    ? EACH
    : address === STEPS || /^\/api\/(devices|commands|jobs)\//.test(address)
      ? ONE
      : LIST
}

/** The wait before a try to connect, in milliseconds: from one to thirty seconds, and shorter by chance. */
export function backOff(tries: number, random: number): number {
  return Math.min(30_000, 1000 * 2 ** tries) * (0.5 + random / 2)
}
