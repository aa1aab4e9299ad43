import { TRIED_FOR, type Aside, type Pull, type Pulled } from '../device/outbox.ts'
import type { DeviceEvent } from '../events/event.ts'
import { backOff, heldUntil, learn, settle, troubleOf, type Line, type Trouble } from './line.ts'
import type { PostOutcome } from './post.ts'

/** What delivering needs of the outside. */
export interface DeliveryPorts {
  readonly concurrency: number
  now(): number
  pull(device: string, request: Omit<Pull, 'subscriber' | 'topics'>): Promise<Pulled>
  post(event: DeviceEvent): Promise<PostOutcome>
  /** The line's circuit changed: it outlives the object. */
  keepCircuit(): void
  /** One more event was given up. @returns how many were in all. */
  countGivenUp(): number
  note(event: string, detail: Readonly<Record<string, string | number>>): void
}

type Report = Omit<Pull, 'subscriber' | 'topics' | 'read'>

const SECOND = 1000
const HOUR = 3_600_000
/** After so many refusals an event leaves the line; the waits between them stay within a minute. */
const REFUSALS = 3
const REFUSAL_WAIT = [0, 2 * SECOND, 8 * SECOND] as const

/** Posts a device's events in order until none is left or one has to wait. */
export async function deliver(line: Line, ports: DeliveryPorts, device: string): Promise<void> {
  let report: Report = {}
  for (;;) {
    const pulled = await ports.pull(device, { ...report, read: true })
    if (pulled.events.length === 0 && pulled.asides.length === 0) {
      settle(line, device, ports.now())
      return
    }
    const posted = await postAll(line, ports, device, pulled)
    report = posted.report
    if (posted.stopped) {
      await ports.pull(device, { ...report, read: false })
      settle(line, device, ports.now(), waitOf(line.trouble.get(device)))
      return
    }
  }
}

/** Posts what was read: first what was set aside before and is due, then the line. */
async function postAll(
  line: Line,
  ports: DeliveryPorts,
  device: string,
  { asides, events, upTo }: Pulled,
): Promise<{ report: Report; stopped: boolean }> {
  const settled: number[] = []
  const aside: Aside[] = []
  let passed: number | undefined
  const report = (): Report => ({
    aside,
    settled,
    ...(passed === undefined ? {} : { passed }),
  })
  for (const { event, tries } of asides) {
    const outcome = await tryPost(line, ports, device, event)
    if (outcome === 'held') {
      return { report: report(), stopped: true }
    }
    if (outcome.kind === 'delivered') {
      settled.push(event.sequence)
    } else {
      aside.push(putAside(ports, event, tries + 1, outcome.reason))
    }
    if (outcome.kind === 'down') {
      return { report: report(), stopped: true }
    }
  }
  for (const event of events) {
    const outcome = await tryPost(line, ports, device, event)
    if (outcome === 'held') {
      return { report: report(), stopped: true }
    }
    if (outcome.kind !== 'delivered') {
      const { refusals, downs } = troubleOf(line, device, event.sequence, outcome)
      if (refusals < REFUSALS && !isOld(ports, event)) {
        return { report: report(), stopped: true }
      }
      aside.push(putAside(ports, event, refusals + downs, outcome.reason))
    }
    line.trouble.delete(device)
    passed = event.sequence
  }
  passed = upTo
  return { report: report(), stopped: false }
}

/** Posts an event unless the receiver is to be left alone: another device's post may have found that out. */
async function tryPost(
  line: Line,
  ports: DeliveryPorts,
  device: string,
  event: DeviceEvent,
): Promise<PostOutcome | 'held'> {
  if (ports.now() < heldUntil(line)) {
    return 'held'
  }
  const outcome = await ports.post(event)
  const { concurrency } = ports
  if (learn(line, device, outcome, { concurrency, now: ports.now() })) {
    ports.keepCircuit()
  }
  if (outcome.kind === 'down') {
    ports.note('webhook:down', { device, reason: outcome.reason, failures: line.circuit.downs })
  }
  return outcome
}

/** An event that leaves the line: it is tried beside it until it is old, and then given up and kept. */
function putAside(ports: DeliveryPorts, event: DeviceEvent, tries: number, reason: string): Aside {
  const detail = { event: event.id, topic: event.topic, tries, reason }
  if (isOld(ports, event)) {
    ports.note('webhook:given-up', { ...detail, total: ports.countGivenUp() })
    return { seq: event.sequence, tries, nextAt: null }
  }
  ports.note('webhook:set-aside', detail)
  const wait = Math.min(60 * SECOND * 2 ** Math.min(Math.max(tries - REFUSALS, 0), 6), HOUR)
  return { seq: event.sequence, tries, nextAt: ports.now() + wait }
}

function isOld(ports: DeliveryPorts, event: DeviceEvent): boolean {
  return ports.now() - event.at > TRIED_FOR
}

/** How long a device waits before its next event is tried again. */
function waitOf(trouble: Trouble | undefined): number {
  if (!trouble) {
    return 0
  }
  return trouble.downs > 0 ? backOff(trouble.downs) : (REFUSAL_WAIT[trouble.refusals] ?? 0)
}
