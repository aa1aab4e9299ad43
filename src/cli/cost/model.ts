/** What a fleet uses in a month, and what that costs. */
import { COUNTERS, type Counters, type Operation } from './counters.ts'
import { type Item, ITEMS, PLAN, PRICES } from './prices.ts'

export const DAYS = 30
/**
 * Seconds that a call keeps its object in memory, at 128 MB. This is an assumption: only Cloudflare's bill
 * shows it.
 */
const AWAKE = 0.05
const OBJECT_GB = 0.128
/** Milliseconds of CPU per request, all objects included: a multiple of the figures of `npm run bench`. */
const CPU_MS = 1
/** Gigabytes per device: an object's SQLite file after a month, and its rows in D1. */
const OBJECT_STORAGE = 100e-6
const D1_STORAGE = 2e-6
/** Gigabytes of a line of ours in Cloudflare's log, with its fields, and of the record of a call: assumed. */
const LINE_GB = 1e-6
const CALL_RECORD_GB = 2e-6
/** Days that Cloudflare keeps logs. */
const LOG_DAYS = 7

export interface PricedFleet {
  readonly devices: number
  /** Connects of a device a day that find nothing to do. */
  readonly connects: number
  /** Commands to a device a day. */
  readonly commands: number
  readonly webhook: boolean
  /** The share of the devices that enrols in a month. */
  readonly enrolments: number
  /** Whether Cloudflare's log has each call of the Worker and of objects. */
  readonly callLogs: boolean
  /** Gigabytes of packages in R2. */
  readonly packages: number
}

/** How often each operation happens in a month. */
function operationsOf(fleet: PricedFleet): readonly (readonly [Operation, number])[] {
  const { devices, connects, commands, webhook, enrolments } = fleet
  return [
    [webhook ? 'idleWithWebhook' : 'idle', devices * connects * DAYS],
    [webhook ? 'commandWithWebhook' : 'command', devices * commands * DAYS],
    // In addition to a connect: connects are further apart than `LAST_SEEN_RESOLUTION`.
    ['lastSeen', devices * (connects + commands) * DAYS],
    ['enrolment', devices * enrolments],
    // One or two check-ins a month: a new token after an update, for example.
    ['tokenUpdate', devices],
  ]
}

/** What a fleet uses in a month. */
export function usageOf(fleet: PricedFleet): Record<Item, number> {
  const total = (counter: keyof Counters): number =>
    operationsOf(fleet).reduce((sum, [name, times]) => sum + COUNTERS[name][counter] * times, 0)
  const requests = total('requests')
  const calls = total('objectCalls')
  const logged =
    total('lines') * LINE_GB + (fleet.callLogs ? (requests + calls) * CALL_RECORD_GB : 0)
  return {
    'Worker requests': requests,
    'Worker CPU ms': requests * CPU_MS,
    'object requests': calls,
    'object GB-s': calls * AWAKE * OBJECT_GB,
    'object rows written': total('rows'),
    'object storage GB': fleet.devices * OBJECT_STORAGE,
    'D1 rows written': total('directoryRows'),
    'D1 storage GB': fleet.devices * D1_STORAGE,
    // Written, read and deleted.
    'queue operations': total('messages') * 3,
    'observability GB': logged,
    'observability GB kept': (logged * LOG_DAYS) / DAYS,
    'R2 GB': fleet.packages,
  }
}

export function priceOf(item: Item, units: number): number {
  const { included, each } = PRICES[item]
  return Math.max(0, units - included) * each
}

/** Dollars a month, the plan included. */
export function monthlyTotal(usage: Record<Item, number>): number {
  return itemsOf(usage).reduce((sum, [item, units]) => sum + priceOf(item, units), PLAN)
}

export function itemsOf(usage: Record<Item, number>): readonly (readonly [Item, number])[] {
  return ITEMS.map((item) => [item, usage[item]])
}
