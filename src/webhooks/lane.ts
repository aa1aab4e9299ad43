import type { Pull } from '../device/outbox/read.ts'
import type { Webhook } from '../events/webhook.ts'
import type { PostOutcome } from './post.ts'

/** What a device has to hear of its events. */
export type Report = Omit<Pull, 'subscriber' | 'topics' | 'statuses' | 'read'>

/**
 * One receiver's line: which devices have news, how many posts are in flight, and how long a receiver that is down
 * is left alone. Order holds per device. A device whose event fails waits by itself, up to an hour; when two or more fail in a row,
 * they are tried every minute at least. Only when many do is the receiver believed to be down for all: then one post at a
 * time, each of another device, tries whether it is back.
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
  /** The receiver asked for quiet until then when it was sent this event. */
  askedUntil: number
}

/** What outlives the object. */
export interface ReceiverCircuit {
  /** How often in a row the receiver was found down; 0 while it is believed to be up. */
  downs: number
  /** When it may be tried again. */
  closedUntil: number
  /** The receiver asked for quiet until then (`Retry-After`): the devices that failed wait for it. */
  askedUntil: number
  /** All wait until then, minutes at a time: it may have asked for the events of those that failed alone. */
  quietUntil: number
  /** Devices whose last post found the receiver down, since anything was answered; {@link MANY} at most. */
  failing: readonly string[]
}

const UP: ReceiverCircuit = { downs: 0, closedUntil: 0, askedUntil: 0, quietUntil: 0, failing: [] }

const SECOND = 1000
const MINUTE = 60_000
const HOUR = 3_600_000
/** Some receivers ask for an epoch: what waits has to have time left afterwards. */
const LONGEST_ASKED = 6 * HOUR
/** A receiver that is down is tried so often at least, and one that asked for quiet. */
const LONGEST_CLOSED = MINUTE
const LONGEST_QUIET = 5 * MINUTE
/** Failing devices from which on it may be more than one's event: these wait for each other. */
const FAILING_TO_CLOSE = 2
/** Failing devices from which on the receiver, and not their events, is believed to be the trouble: all wait. */
const MANY = 5

/** What a webhook's settings say of its line. */
export type LineSettings = Pick<Webhook, 'concurrency' | 'rampUp'>

export function newLine(concurrency: number, stored?: ReceiverCircuit, paused = false): Line {
  return {
    ready: new Map(),
    busy: new Set(),
    again: new Set(),
    trouble: new Map(),
    unreported: new Map(),
    allowed: stored && stored.downs > 0 ? 1 : concurrency,
    answers: 0,
    slot: 0,
    paused,
    circuit: { ...UP, ...stored },
  }
}

/** A line as an admin sees it. */
export interface LineState extends Pick<Line, 'paused' | 'circuit' | 'allowed'> {
  readonly inFlight: number
  /** Devices with news that are known of. */
  readonly waiting: number
}

export function stateOf({ circuit, paused, allowed, busy, ready }: Line): LineState {
  return { paused, circuit, allowed, inFlight: busy.size, waiting: ready.size + busy.size }
}

/** A device has news. One that waits for its next try keeps its time. */
export function wake(line: Line, device: string): void {
  if (line.busy.has(device)) {
    line.again.add(device)
  } else if (!line.ready.has(device)) {
    line.ready.set(device, 0)
  }
}

/** The moment from which a device's events may be posted: while few devices are in trouble, the others go on. */
export function heldUntil({ circuit, paused }: Line, device: string): number {
  if (paused) {
    return Infinity
  }
  const { closedUntil, askedUntil, quietUntil, failing } = circuit
  if (failing.includes(device)) {
    return Math.max(closedUntil, askedUntil)
  }
  return failing.length >= MANY ? Math.max(closedUntil, quietUntil) : 0
}

/**
 * The devices to start now, each of which counts as busy from here on. Those without trouble go first: they lose
 * nothing by another's event, and try best whether the receiver is back. The others' posts may hang: half of the places is theirs.
 */
export function startable(line: Line, concurrency: number, now: number): string[] {
  const free = places(line, concurrency) - line.busy.size
  if (free <= 0) {
    return []
  }
  const due = [...line.ready]
    .filter(([device, at]) => Math.max(at, heldUntil(line, device)) <= now)
    .map(([device]) => device)
  const isTroubled = (device: string): boolean => line.trouble.has(device)
  const troubled = due.filter(isTroubled).slice(0, placesForTroubled(line, concurrency))
  const devices = [...due.filter((device) => !isTroubled(device)), ...troubled]
  return devices.slice(0, free).map((device) => {
    line.ready.delete(device)
    line.busy.add(device)
    return device
  })
}

function places(line: Line, concurrency: number): number {
  return Math.min(line.allowed, concurrency)
}

/** Free places for devices whose last post failed: one, where that happened to several in a row. */
function placesForTroubled(line: Line, concurrency: number): number {
  const taken = [...line.busy].filter((device) => line.trouble.has(device)).length
  const most = line.circuit.downs > 0 ? 1 : Math.ceil(places(line, concurrency) / 2)
  return Math.max(most - taken, 0)
}

/** Whether nothing more can start before a post comes back. */
export function isFull(line: Line, concurrency: number): boolean {
  return line.busy.size >= places(line, concurrency)
}

/** Whether a device waits for nothing but a free place. */
export function isWanted(line: Line, now: number): boolean {
  return [...line.ready.values()].some((at) => at <= now)
}

/** Somebody knows better than the waits so far: whatever waits may be tried now. A receiver that is down still gets one post. */
export function hurry({ circuit, ready }: Line): void {
  Object.assign(circuit, { closedUntil: 0, askedUntil: 0, quietUntil: 0 })
  for (const device of ready.keys()) {
    ready.set(device, 0)
  }
}

/** When something may be startable again; `undefined` when only a wake-up, or a post that comes back, can tell. */
export function nextTry(line: Line, concurrency: number): number | undefined {
  const troubledMay = placesForTroubled(line, concurrency) > 0
  let next = Infinity
  for (const [device, at] of line.ready) {
    if (troubledMay || !line.trouble.has(device)) {
      next = Math.min(next, Math.max(at, heldUntil(line, device)))
    }
  }
  return next === Infinity ? undefined : next
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

/** Whether the receiver is believed to be down, for this device or for all. */
export function isFailing({ circuit }: Line, device: string): boolean {
  return circuit.downs > 0 || circuit.failing.includes(device)
}

/**
 * What an answer says about the receiver itself.
 * @returns whether {@link Line.circuit} changed, and has to be stored.
 */
export function learn(
  line: Line,
  device: string,
  outcome: PostOutcome,
  settings: LineSettings & { readonly now: number },
): boolean {
  return outcome.kind === 'down'
    ? learnDown(line, device, outcome, settings.now)
    : learnAnswer(line, settings)
}

function learnAnswer(
  line: Line,
  { concurrency, rampUp, now }: LineSettings & { readonly now: number },
): boolean {
  const { circuit } = line
  line.answers += 1
  if (line.answers >= rampUp) {
    line.answers = 0
    line.allowed = Math.min(line.allowed + 1, concurrency)
  }
  const wasDown = circuit.downs > 0 || circuit.askedUntil > 0
  // Quiet that it asked for is kept, whatever it answers to posts in flight.
  const staysQuiet = circuit.failing.length >= MANY && now < circuit.quietUntil
  Object.assign(circuit, staysQuiet ? { downs: 0, closedUntil: 0 } : UP)
  return wasDown
}

function learnDown(
  line: Line,
  device: string,
  { retryAfter = 0 }: Extract<PostOutcome, { kind: 'down' }>,
  now: number,
): boolean {
  const { circuit } = line
  const wasDownForAll = circuit.failing.length >= MANY
  if (!circuit.failing.includes(device) && !wasDownForAll) {
    circuit.failing = [...circuit.failing, device]
  }
  const isDown = circuit.downs > 0 || circuit.failing.length >= FAILING_TO_CLOSE
  const isDownForAll = circuit.failing.length >= MANY
  // Posts that were in flight when it closed tell nothing new.
  if (isDown && (now >= circuit.closedUntil || isDownForAll !== wasDownForAll)) {
    circuit.downs += 1
    circuit.closedUntil = now + Math.min(backOff(circuit.downs), LONGEST_CLOSED)
    if (isDownForAll) {
      line.allowed = 1
      line.answers = 0
    }
  }
  if (retryAfter > 0) {
    circuit.askedUntil = Math.max(circuit.askedUntil, now + askedFor(retryAfter))
  }
  circuit.quietUntil = isDownForAll ? Math.min(circuit.askedUntil, now + LONGEST_QUIET) : 0
  return isDown || retryAfter > 0
}

function askedFor(retryAfter: number): number {
  return Math.min(retryAfter, LONGEST_ASKED)
}

/**
 * Counts a failed try of a device's next event. Tries at a receiver that is known to be down are not the event's trouble; how long
 * the device waits outlasts an event that was given up, and ends with an answer.
 */
export function troubleOf(
  line: Line,
  device: string,
  seq: number,
  outcome: PostOutcome,
  now: number,
): Trouble {
  const known = line.trouble.get(device)
  const downs = known?.downs ?? 0
  const trouble = known?.seq === seq ? known : { seq, tries: 0, refusals: 0, downs, askedUntil: 0 }
  trouble.tries += 1
  trouble.refusals += Number(outcome.kind === 'refused')
  trouble.downs = outcome.kind === 'down' ? trouble.downs + Number(line.circuit.downs <= 1) : 0
  const asked = outcome.kind === 'down' ? outcome.retryAfter : undefined
  trouble.askedUntil = asked === undefined ? 0 : now + askedFor(asked)
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
