import type { Pull } from '../device/outbox/read.ts'
import { boundedWait, waitEnd, endReceiverWaits, newThrottle } from './circuit.ts'
import type { ReceiverCircuit, Throttle } from './circuit.ts'
import type { PostOutcome } from './post.ts'

/** The part of a pull that reports posts to the device. */
export type PostReport = Omit<Pull, 'subscriber' | 'topics' | 'statuses' | 'read'>

/**
 * The posts of one webhook: which devices have events, and how many posts may be in flight. Order holds per
 * device. A device whose event fails waits by itself, up to an hour. When posts of two to four devices fail
 * in a row, these devices are tried every minute at least. When posts of five devices fail in a row, the
 * receiver counts as down for all. Then one post at a time, each of another device, tries whether it is back.
 */
export interface Lane extends Throttle {
  /** Devices with events and without failures, oldest first: thousands after a pause or an outage. */
  readonly ready: Set<string>
  /** Devices with events whose last try failed, and the time from which each may be tried. */
  readonly waiting: Map<string, number>
  /** Devices whose events are being posted. */
  readonly busy: Set<string>
  /** Busy devices that got new events meanwhile. */
  readonly again: Set<string>
  /** Failed tries of the next event of a device. */
  readonly failures: Map<string, Failures>
  /**
   * Reports that their devices have not received. No more events of such a device are posted until it has.
   */
  readonly unreported: Map<string, PostReport>
  /** An admin has paused the webhook: events wait in their devices. */
  paused: boolean
}

export interface Failures {
  readonly seq: number
  /** Failed posts in all. */
  tries: number
  /** Posts that the receiver refused. */
  refusals: number
  /** Posts that found the receiver down. */
  downs: number
  /** The end of the wait that the receiver asked for in its answer to this event. */
  askedUntil: number
}

export function newLane(concurrency: number, stored?: ReceiverCircuit, paused = false): Lane {
  return {
    ...newThrottle(concurrency, stored),
    ready: new Set(),
    waiting: new Map(),
    busy: new Set(),
    again: new Set(),
    failures: new Map(),
    unreported: new Map(),
    paused,
  }
}

/** A lane as an admin sees it. */
export interface LaneState extends Pick<Lane, 'paused' | 'circuit' | 'allowed'> {
  readonly inFlight: number
  /** Devices with events, as far as memory knows. */
  readonly waiting: number
}

export function laneState(lane: Lane): LaneState {
  const { paused, circuit, allowed, busy } = lane
  return { paused, circuit, allowed, inFlight: busy.size, waiting: countDevices(lane) }
}

export function countDevices({ ready, waiting, busy }: Lane): number {
  return ready.size + waiting.size + busy.size
}

/** Adds a device that has events. A device that waits for its next try keeps its time. */
export function addDevice(lane: Lane, device: string): void {
  if (lane.busy.has(device)) {
    lane.again.add(device)
  } else if (!lane.waiting.has(device)) {
    lane.ready.add(device)
  }
}

/** The time from which the events of a device may be posted. */
export function heldUntil({ circuit, paused }: Lane, device: string): number {
  return paused ? Infinity : waitEnd(circuit, device)
}

/**
 * Takes the devices whose events are posted now: they are busy from here on. Devices without failures go
 * first. They lose nothing by an event of another device, and their posts are the best test of the receiver.
 * Posts of the others may hang, so they have half of the places.
 */
export function startDevices(lane: Lane, concurrency: number, now: number): string[] {
  const free = places(lane, concurrency) - lane.busy.size
  if (free <= 0) {
    return []
  }
  const due = [...lane.waiting]
    .filter(([device, at]) => Math.max(at, heldUntil(lane, device)) <= now)
    .map(([device]) => device)
  const hasFailed = (device: string): boolean => lane.failures.has(device)
  const failed = due.filter(hasFailed).slice(0, placesForFailed(lane, concurrency))
  const sound = [...due.filter((device) => !hasFailed(device)), ...readyDevices(lane, free, now)]
  const devices = [...sound, ...failed].slice(0, free)
  for (const device of devices) {
    lane.ready.delete(device)
    lane.waiting.delete(device)
    lane.busy.add(device)
  }
  return devices
}

/** The first devices of `ready` that may start. Each round ends early: it must not read thousands. */
function readyDevices(lane: Lane, most: number, now: number): string[] {
  const devices: string[] = []
  for (const device of lane.ready) {
    if (heldUntil(lane, device) <= now) {
      devices.push(device)
    }
    if (devices.length === most || isLastToHold(lane, device, now)) {
      break
    }
  }
  return devices
}

/** Whether all devices after this one wait too: only the few devices that fail may wait longer. */
function isLastToHold(lane: Lane, device: string, now: number): boolean {
  return !lane.circuit.failing.includes(device) && heldUntil(lane, device) > now
}

function places(lane: Lane, concurrency: number): number {
  return Math.min(lane.allowed, concurrency)
}

/** Places for devices whose last post failed: half, or one while several devices fail in a row. */
function placesForFailed(lane: Lane, concurrency: number): number {
  const taken = [...lane.busy].filter((device) => lane.failures.has(device)).length
  const most = lane.circuit.downs > 0 ? 1 : Math.ceil(places(lane, concurrency) / 2)
  return Math.max(most - taken, 0)
}

/** Whether no device can start before a post comes back. */
export function isFull(lane: Lane, concurrency: number): boolean {
  return lane.busy.size >= places(lane, concurrency)
}

/** Whether a device waits only for a free place. */
export function hasDueDevice(lane: Lane, now: number): boolean {
  return lane.ready.size > 0 || [...lane.waiting.values()].some((at) => at <= now)
}

/** Ends all waits: each device may be tried now. @returns whether the circuit changed and has to be stored */
export function endWaits({ circuit, waiting }: Lane): boolean {
  for (const device of waiting.keys()) {
    waiting.set(device, 0)
  }
  return endReceiverWaits(circuit)
}

/** The time of the next start; `undefined` when it depends on a new event, or on a post that comes back. */
export function nextTry(lane: Lane, concurrency: number): number | undefined {
  const mayFailed = placesForFailed(lane, concurrency) > 0
  let next = Infinity
  for (const [device, at] of lane.waiting) {
    if (mayFailed || !lane.failures.has(device)) {
      next = Math.min(next, Math.max(at, heldUntil(lane, device)))
    }
  }
  for (const device of lane.ready) {
    next = Math.min(next, heldUntil(lane, device))
    if (!lane.circuit.failing.includes(device)) {
      // No other device of `ready` may start earlier.
      break
    }
  }
  return next === Infinity ? undefined : next
}

/** Frees the place of a device. With `wait` (milliseconds) it has more events, and is tried again then. */
export function releaseDevice(lane: Lane, device: string, now: number, wait?: number): void {
  lane.busy.delete(device)
  const isAgain = lane.again.delete(device)
  if (wait !== undefined && (wait > 0 || lane.failures.has(device))) {
    lane.waiting.set(device, now + wait)
  } else if (wait === 0 || isAgain) {
    addDevice(lane, device)
  }
}

/**
 * Counts a failed try of the next event of a device. Tries of a receiver that is known to be down do not
 * count against the event. The wait of the device goes on after its event became a dead letter, and ends with
 * an answer.
 */
export function countFailure(
  lane: Lane,
  device: string,
  seq: number,
  outcome: PostOutcome,
  now: number,
): Failures {
  const known = lane.failures.get(device)
  const downs = known?.downs ?? 0
  const failures = known?.seq === seq ? known : { seq, tries: 0, refusals: 0, downs, askedUntil: 0 }
  const isDown = outcome.kind === 'down'
  const asked = isDown ? outcome.retryAfter : undefined
  failures.tries += 1
  failures.refusals += Number(outcome.kind === 'refused')
  failures.downs = isDown ? failures.downs + Number(lane.circuit.downs <= 1) : 0
  failures.askedUntil = asked === undefined ? 0 : now + boundedWait(asked)
  lane.failures.set(device, failures)
  return failures
}
