import type { Aside, Pull, Pulled } from '../device/outbox.ts'
import type { DeviceEvent } from '../events/event.ts'
import type { PostOutcome } from './post.ts'

/**
 * One receiver's line: which devices have news, how many posts are in flight, and how long to leave a receiver
 * alone that is down. Order holds per device; one device's trouble holds back only that device.
 */
export interface Line {
  /** Devices with news, oldest first, and the moment from which each may be tried. */
  readonly ready: Map<string, number>
  readonly busy: Set<string>
  /** Devices that got news while their events were being posted. */
  readonly again: Set<string>
  /** What a device's next event has been through: refused tries, and time-outs in a row. */
  readonly trouble: Map<string, { seq: number; refusals: number; downs: number }>
  /** Posts allowed in flight: 1 after trouble, and one more for every success, up to the setting. */
  allowed: number
  /** Failures in a row, over all devices. */
  failures: number
  closedUntil: number
}

export interface LinePorts {
  readonly concurrency: number
  now(): number
  pull(device: string, request: Omit<Pull, 'subscriber' | 'topics'>): Promise<Pulled>
  post(event: DeviceEvent): Promise<PostOutcome>
  /** Failures in a row, and until when the receiver is left alone, outlive the object. */
  keepCircuit(failures: number, closedUntil: number): void
  note(event: string, detail: Readonly<Record<string, string | number>>): void
}

const SECOND = 1000
const HOUR = 3_600_000
/** Failures in a row before the receiver, and not one event, is believed to be the trouble. */
const FAILURES_TO_CLOSE = 3
/** After so many refusals an event leaves the line; the waits between them stay within a minute. */
const REFUSALS = 3
const REFUSAL_WAIT = [0, 2 * SECOND, 8 * SECOND] as const
/** How long an event is tried at all. */
const GIVE_UP_AFTER = 3 * 24 * HOUR

export function newLine(failures: number, closedUntil: number): Line {
  return {
    ready: new Map(),
    busy: new Set(),
    again: new Set(),
    trouble: new Map(),
    allowed: 1,
    failures,
    closedUntil,
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

/** The devices to start now, each of which counts as busy from here on. */
export function startable(line: Line, concurrency: number, now: number): string[] {
  const free = Math.min(line.allowed, concurrency) - line.busy.size
  if (now < line.closedUntil || free <= 0) {
    return []
  }
  const devices = [...line.ready].filter(([, at]) => at <= now).slice(0, free)
  return devices.map(([device]) => {
    line.ready.delete(device)
    line.busy.add(device)
    return device
  })
}

/** When something may be startable again; `undefined` when only a wake-up can tell. */
export function nextTry(line: Line): number | undefined {
  return line.ready.size === 0
    ? undefined
    : Math.max(line.closedUntil, Math.min(...line.ready.values()))
}

/** Posts a device's events in order until none is left or one has to wait. */
export async function deliver(line: Line, ports: LinePorts, device: string): Promise<void> {
  try {
    let report: Omit<Pull, 'subscriber' | 'topics' | 'read'> = {}
    let reading = true
    while (reading) {
      const pulled = await ports.pull(device, { ...report, read: true })
      report = {}
      if (pulled.events.length === 0 && pulled.asides.length === 0) {
        return
      }
      const asides = await postAsides(line, ports, pulled)
      const events = asides.stopped
        ? { passed: undefined, aside: [], stopped: true }
        : await postEvents(line, ports, device, pulled)
      report = {
        ...(events.passed === undefined ? {} : { passed: events.passed }),
        aside: [...asides.aside, ...events.aside],
        settled: asides.settled,
      }
      reading = !events.stopped
    }
    await ports.pull(device, { ...report, read: false })
    line.ready.set(device, line.ready.get(device) ?? ports.now() + waitOf(line, device))
  } finally {
    line.busy.delete(device)
    if (line.again.delete(device)) {
      wake(line, device)
    }
  }
}

async function postEvents(
  line: Line,
  ports: LinePorts,
  device: string,
  pulled: Pulled,
): Promise<{ passed: number | undefined; aside: Aside[]; stopped: boolean }> {
  const aside: Aside[] = []
  let passed: number | undefined
  for (const event of pulled.events) {
    const outcome = await ports.post(event)
    learn(line, ports, outcome)
    if (outcome.kind === 'delivered') {
      line.trouble.delete(device)
      passed = event.sequence
      continue
    }
    const old = ports.now() - event.at > GIVE_UP_AFTER
    const trouble = troubleOf(line, device, event.sequence, outcome)
    if (outcome.kind === 'refused' && trouble.refusals >= REFUSALS) {
      aside.push(setAside(ports, event, trouble.refusals, outcome.reason))
    } else if (old) {
      aside.push(giveUp(ports, event, trouble.refusals + trouble.downs, outcome.reason))
    } else {
      return { passed, aside, stopped: true }
    }
    line.trouble.delete(device)
    passed = event.sequence
  }
  return { passed: pulled.upTo, aside, stopped: false }
}

/** Events that were refused before are tried beside the line, and never hold it up. */
async function postAsides(
  line: Line,
  ports: LinePorts,
  pulled: Pulled,
): Promise<{ settled: number[]; aside: Aside[]; stopped: boolean }> {
  const settled: number[] = []
  const aside: Aside[] = []
  for (const { event, tries } of pulled.asides) {
    const outcome = await ports.post(event)
    learn(line, ports, outcome)
    if (outcome.kind === 'delivered') {
      settled.push(event.sequence)
    } else if (ports.now() - event.at > GIVE_UP_AFTER) {
      aside.push(giveUp(ports, event, tries + 1, outcome.reason))
    } else {
      aside.push(setAside(ports, event, tries + 1, outcome.reason))
    }
    if (outcome.kind === 'down') {
      return { settled, aside, stopped: true }
    }
  }
  return { settled, aside, stopped: false }
}

/** What an answer says about the receiver itself. */
function learn(line: Line, ports: LinePorts, outcome: PostOutcome): void {
  if (outcome.kind !== 'down') {
    line.allowed = Math.min(line.allowed + 1, ports.concurrency)
    if (line.failures > 0) {
      line.failures = 0
      line.closedUntil = 0
      ports.keepCircuit(0, 0)
    }
    return
  }
  line.allowed = 1
  line.failures += 1
  const asked = outcome.retryAfter
  if (line.failures >= FAILURES_TO_CLOSE || asked !== undefined) {
    const backoff = SECOND * 2 ** Math.min(line.failures - 1, 12)
    line.closedUntil = ports.now() + Math.min(Math.max(asked ?? 0, backoff), HOUR)
    ports.keepCircuit(line.failures, line.closedUntil)
    ports.note('webhook:down', { reason: outcome.reason, failures: line.failures })
  }
}

function troubleOf(
  line: Line,
  device: string,
  seq: number,
  outcome: PostOutcome,
): { seq: number; refusals: number; downs: number } {
  const known = line.trouble.get(device)
  const trouble = known?.seq === seq ? known : { seq, refusals: 0, downs: 0 }
  trouble.refusals += Number(outcome.kind === 'refused')
  trouble.downs += Number(outcome.kind === 'down')
  line.trouble.set(device, trouble)
  return trouble
}

/** How long a device with a troubled event waits before it is tried again. */
function waitOf(line: Line, device: string): number {
  const trouble = line.trouble.get(device)
  if (!trouble) {
    return 0
  }
  return trouble.downs > 0
    ? Math.min(SECOND * 2 ** Math.min(trouble.downs - 1, 12), HOUR)
    : (REFUSAL_WAIT[trouble.refusals] ?? 0)
}

function setAside(ports: LinePorts, event: DeviceEvent, tries: number, reason: string): Aside {
  ports.note('webhook:set-aside', { event: event.id, topic: event.topic, tries, reason })
  const wait = Math.min(60 * SECOND * 2 ** Math.min(tries - REFUSALS, 6), HOUR)
  return { seq: event.sequence, tries, nextAt: ports.now() + Math.max(wait, SECOND) }
}

function giveUp(ports: LinePorts, event: DeviceEvent, tries: number, reason: string): Aside {
  ports.note('webhook:given-up', { event: event.id, topic: event.topic, tries, reason })
  return { seq: event.sequence, tries, nextAt: null }
}
