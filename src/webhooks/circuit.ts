import type { Webhook } from '../events/webhook.ts'
import type { PostOutcome } from './post.ts'

/** The known state of the receiver. It is stored, and survives a restart of the object. */
export interface ReceiverCircuit {
  /** How often in a row the receiver was found down; 0 while it counts as up. */
  downs: number
  /** The time of the next try of a receiver that is down. */
  closedUntil: number
  /** The end of a `Retry-After`. Devices whose posts failed wait for it. */
  askedUntil: number
  /**
   * The time until which all devices wait, some minutes at a time. The receiver may have requested the wait
   * only for the devices whose posts failed.
   */
  quietUntil: number
  /** Devices whose last post found the receiver down, since the last answer; {@link MANY} at most. */
  failing: readonly string[]
}

/** How many posts may leave. */
export interface Throttle {
  readonly circuit: ReceiverCircuit
  /** Posts allowed in flight: 1 while the receiver is down, then one more for every `rampUp` answers. */
  allowed: number
  /** Answers since `allowed` grew. */
  answers: number
  /** The time of the next post under the rate of the webhook. */
  slot: number
}

type ThrottleSettings = Pick<Webhook, 'concurrency' | 'rampUp'>

const UP: ReceiverCircuit = { downs: 0, closedUntil: 0, askedUntil: 0, quietUntil: 0, failing: [] }

const SECOND = 1000
const MINUTE = 60_000
const HOUR = 3_600_000
/** Some receivers ask for years. Events that wait must have time left afterwards. */
const LONGEST_ASKED = 6 * HOUR
/** The longest wait before the next try of a receiver that is down, or that requested a wait. */
const LONGEST_DOWN = MINUTE
const LONGEST_QUIET = 5 * MINUTE
/**
 * From this number of failing devices on, these devices wait together: probably their events are not the
 * cause.
 */
const FAILING_TO_OPEN = 2
/** From this number of failing devices on, the receiver counts as down, and all devices wait. */
const MANY = 5

export function newThrottle(concurrency: number, stored: ReceiverCircuit | undefined): Throttle {
  const allowed = stored && stored.downs > 0 ? 1 : concurrency
  return { circuit: { ...UP, ...stored }, allowed, answers: 0, slot: 0 }
}

/** The time from which the events of a device may be posted. While few devices fail, the others go on. */
export function waitEnd(circuit: ReceiverCircuit, device: string): number {
  if (circuit.failing.includes(device)) {
    return Math.max(circuit.closedUntil, circuit.askedUntil)
  }
  return isDownForAll(circuit) ? Math.max(circuit.closedUntil, circuit.quietUntil) : 0
}

/** Whether the receiver counts as down, for this device or for all. */
export function isFailing(circuit: ReceiverCircuit, device: string): boolean {
  return circuit.downs > 0 || circuit.failing.includes(device)
}

function isDownForAll({ failing }: ReceiverCircuit): boolean {
  return failing.length >= MANY
}

/** Ends the receiver's waits. If it is still down, it gets one post. @returns whether it had a wait */
export function endReceiverWaits(circuit: ReceiverCircuit): boolean {
  const hadWait = circuit.closedUntil > 0 || circuit.askedUntil > 0
  Object.assign(circuit, { closedUntil: 0, askedUntil: 0, quietUntil: 0 })
  return hadWait
}

/** Records an answer to a post. @returns whether the circuit changed and has to be stored */
export function recordOutcome(
  throttle: Throttle,
  device: string,
  outcome: PostOutcome,
  settings: ThrottleSettings & { readonly now: number },
): boolean {
  return outcome.kind === 'down'
    ? recordDown(throttle, device, outcome, settings.now)
    : recordAnswer(throttle, settings)
}

function recordAnswer(
  throttle: Throttle,
  { concurrency, rampUp, now }: ThrottleSettings & { readonly now: number },
): boolean {
  const { circuit } = throttle
  throttle.answers += 1
  if (throttle.answers >= rampUp) {
    throttle.answers = 0
    throttle.allowed = Math.min(throttle.allowed + 1, concurrency)
  }
  const wasDown = circuit.downs > 0 || circuit.askedUntil > 0
  // Answers to posts that were in flight do not end the wait that the receiver asked for.
  const staysQuiet = isDownForAll(circuit) && now < circuit.quietUntil
  Object.assign(circuit, staysQuiet ? { downs: 0, closedUntil: 0 } : UP)
  return wasDown
}

function recordDown(
  throttle: Throttle,
  device: string,
  { retryAfter = 0 }: Extract<PostOutcome, { kind: 'down' }>,
  now: number,
): boolean {
  const { circuit } = throttle
  const wasDownForAll = isDownForAll(circuit)
  if (!circuit.failing.includes(device) && !wasDownForAll) {
    circuit.failing = [...circuit.failing, device]
  }
  const forAll = isDownForAll(circuit)
  const isDown = circuit.downs > 0 || circuit.failing.length >= FAILING_TO_OPEN
  // Posts that were in flight when the circuit opened add nothing.
  if (isDown && (now >= circuit.closedUntil || forAll !== wasDownForAll)) {
    circuit.downs += 1
    circuit.closedUntil = now + Math.min(backOff(circuit.downs), LONGEST_DOWN)
    if (forAll) {
      throttle.allowed = 1
      throttle.answers = 0
    }
  }
  if (retryAfter > 0) {
    circuit.askedUntil = Math.max(circuit.askedUntil, now + boundedWait(retryAfter))
  }
  circuit.quietUntil = forAll ? Math.min(circuit.askedUntil, now + LONGEST_QUIET) : 0
  return isDown || retryAfter > 0
}

/** The part of a `Retry-After` that the server waits. */
export function boundedWait(retryAfter: number): number {
  return Math.min(retryAfter, LONGEST_ASKED)
}

/** Reserves the next post under a rate per minute. @returns how long it has to wait (milliseconds) */
export function takeSlot(throttle: Throttle, rate: number, now: number): number {
  if (rate === 0) {
    return 0
  }
  const at = Math.max(throttle.slot, now)
  throttle.slot = at + MINUTE / rate
  return at - now
}

/** From a second to an hour, doubled each time. */
export function backOff(times: number): number {
  return Math.min(SECOND * 2 ** Math.min(times - 1, 12), HOUR)
}
