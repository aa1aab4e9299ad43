import type { Pull } from '../device/outbox.ts'
import type { Webhook } from '../events/webhook.ts'
import type { PostOutcome } from './post.ts'

/** What a device has to hear of its events. */
export type Report = Omit<Pull, 'subscriber' | 'topics' | 'statuses' | 'read'>

/**
 * One receiver's line: which devices have news, how many posts are in flight, and how long a receiver that is down
 * is left alone. Order holds per device. A device whose event fails waits by itself, up to an hour; only when two
 * devices fail in a row is the receiver believed to be down. Then one post at a time, each of another device, tries
 * whether it is back.
 */
export interface Line {
  /** Devices with news, oldest first, and the moment from which each may be tried. */
  readonly ready: Map<string, number>
  readonly busy: Set<string>
  /** Devices that got news while their events were being posted. */
  readonly again: Set<string>
  /** What a device's next event has been through: refused tries, and tries at a receiver that was down. */
  readonly trouble: Map<string, Trouble>
  /** What devices could not be told yet: nothing more of theirs is posted before. */
  readonly unreported: Map<string, Report>
  /** Devices whose last post found the receiver down, since anything was answered. */
  readonly failing: Set<string>
  /** Posts allowed in flight: 1 while the receiver is down, and one more for every `rampUp` answers, up to the setting. */
  allowed: number
  /** Answers since one more was allowed. */
  answers: number
  /** When the next post may leave under the webhook's rate. */
  slot: number
  /** An admin has paused it: events wait in their devices. */
  paused: boolean
  readonly circuit: ReceiverCircuit
}

export interface Trouble {
  readonly seq: number
  /** Failed posts in all. */
  tries: number
  refusals: number
  downs: number
}

/** What outlives the object. */
export interface ReceiverCircuit {
  /** How often in a row the receiver was found down; 0 while it is believed to be up. */
  downs: number
  /** When it may be tried again. */
  closedUntil: number
  /** The receiver asked for quiet until then (`Retry-After`): nothing is posted, whatever else it answers. */
  askedUntil: number
}

const SECOND = 1000
const MINUTE = 60_000
const HOUR = 3_600_000
/** Some receivers ask for an epoch: what waits has to have time left afterwards. */
const LONGEST_ASKED = 6 * HOUR
/** A receiver that is down is tried so often at least. */
const LONGEST_CLOSED = MINUTE
/** Failing devices from which on the receiver, and not one event, is believed to be the trouble. */
const FAILING_TO_CLOSE = 2

/** What a webhook's settings say of its line. */
export type LineSettings = Pick<Webhook, 'concurrency' | 'rampUp'>

export function newLine(concurrency: number, stored?: ReceiverCircuit, paused = false): Line {
  return {
    ready: new Map(),
    busy: new Set(),
    again: new Set(),
    trouble: new Map(),
    unreported: new Map(),
    failing: new Set(),
    allowed: stored && stored.downs > 0 ? 1 : concurrency,
    answers: 0,
    slot: 0,
    paused,
    circuit: stored ?? { downs: 0, closedUntil: 0, askedUntil: 0 },
  }
}

/** A device has news. One that waits for its next try keeps its time. */
export function wake(line: Line, device: string): void {
  if (line.busy.has(device)) {
    line.again.add(device)
  } else if (!line.ready.has(device)) {
    line.ready.set(device, 0)
  }
}

/** The moment from which the receiver may be posted to at all. */
export function heldUntil({ circuit, paused }: Line): number {
  return paused ? Infinity : Math.max(circuit.closedUntil, circuit.askedUntil)
}

/**
 * The devices to start now, each of which counts as busy from here on. Those without trouble go first: they lose
 * nothing by another's event, and try best whether the receiver is back.
 */
export function startable(line: Line, concurrency: number, now: number): string[] {
  const free = Math.min(line.allowed, concurrency) - line.busy.size
  if (now < heldUntil(line) || free <= 0) {
    return []
  }
  const due = [...line.ready].filter(([, at]) => at <= now).map(([device]) => device)
  const isTroubled = (device: string): boolean => line.trouble.has(device)
  const devices = [...due.filter((device) => !isTroubled(device)), ...due.filter(isTroubled)]
  return devices.slice(0, free).map((device) => {
    line.ready.delete(device)
    line.busy.add(device)
    return device
  })
}

/** Whether nothing more can start before a post comes back. */
export function isFull(line: Line, concurrency: number): boolean {
  return line.busy.size >= Math.min(line.allowed, concurrency)
}

/** Whether a device waits for nothing but a free place. */
export function isWanted(line: Line, now: number): boolean {
  return [...line.ready.values()].some((at) => at <= now)
}

/** Somebody knows better than the waits so far: whatever waits may be tried now. A receiver that is down still gets one post. */
export function hurry({ circuit, ready }: Line): void {
  Object.assign(circuit, { closedUntil: 0, askedUntil: 0 })
  for (const device of ready.keys()) {
    ready.set(device, 0)
  }
}

/** When something may be startable again; `undefined` when only a wake-up can tell. */
export function nextTry(line: Line): number | undefined {
  // As arguments of one Math.min, a fleet does not fit on the stack.
  const first = [...line.ready.values()].reduce((least, at) => Math.min(least, at), Infinity)
  return first === Infinity ? undefined : Math.max(heldUntil(line), first)
}

/** A device is done with for now; `wait` tells in how many milliseconds it is tried again, if it has more. */
export function settle(line: Line, device: string, now: number, wait?: number): void {
  line.busy.delete(device)
  const isAgain = line.again.delete(device)
  if (wait !== undefined) {
    line.ready.set(device, now + wait)
  } else if (isAgain) {
    wake(line, device)
  }
}

/**
 * What an answer says about the receiver itself.
 * @returns whether {@link Line.circuit} changed, and has to be stored.
 */
export function learn(
  line: Line,
  device: string,
  outcome: PostOutcome,
  { concurrency, rampUp, now }: LineSettings & { readonly now: number },
): boolean {
  const { circuit, failing } = line
  if (outcome.kind !== 'down') {
    failing.clear()
    line.answers += 1
    if (line.answers >= rampUp) {
      line.answers = 0
      line.allowed = Math.min(line.allowed + 1, concurrency)
    }
    const wasDown = circuit.downs > 0
    Object.assign(circuit, { downs: 0, closedUntil: 0 })
    return wasDown
  }
  failing.add(device)
  const isDown = circuit.downs > 0 || failing.size >= FAILING_TO_CLOSE
  // Posts that were in flight when it closed tell nothing new.
  if (isDown && now >= circuit.closedUntil) {
    line.allowed = 1
    line.answers = 0
    circuit.downs += 1
    circuit.closedUntil = now + Math.min(backOff(circuit.downs), LONGEST_CLOSED)
  }
  if (outcome.retryAfter !== undefined) {
    const asked = now + Math.min(outcome.retryAfter, LONGEST_ASKED)
    circuit.askedUntil = Math.max(circuit.askedUntil, asked)
  }
  return isDown || outcome.retryAfter !== undefined
}

/**
 * Counts a failed try of a device's next event. Tries at a receiver that is known to be down are not the event's trouble; how long
 * the device waits outlasts an event that was given up, and ends with an answer.
 */
export function troubleOf(line: Line, device: string, seq: number, outcome: PostOutcome): Trouble {
  const known = line.trouble.get(device)
  const downs = known?.downs ?? 0
  const trouble = known?.seq === seq ? known : { seq, tries: 0, refusals: 0, downs }
  trouble.tries += 1
  trouble.refusals += Number(outcome.kind === 'refused')
  trouble.downs = outcome.kind === 'down' ? trouble.downs + Number(line.circuit.downs <= 1) : 0
  line.trouble.set(device, trouble)
  return trouble
}

/** Takes the next place under a rate of posts a minute. @returns how long to wait for it (milliseconds). */
export function takeSlot(line: Line, rate: number, now: number): number {
  if (rate === 0) {
    return 0
  }
  const at = Math.max(line.slot, now)
  line.slot = at + MINUTE / rate
  return at - now
}

/** From a second to an hour, doubled each time. */
export function backOff(times: number): number {
  return Math.min(SECOND * 2 ** Math.min(times - 1, 12), HOUR)
}
