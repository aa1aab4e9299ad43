import type { Aside, AsideEvent } from '../device/aside.ts'
import type { Pull, Pulled } from '../device/outbox.ts'
import { TRIED_FOR } from '../device/readers.ts'
import type { DeviceEvent } from '../events/event.ts'
import type { Webhook } from '../events/webhook.ts'
import type { Attempt } from './ledger.ts'
import {
  backOff,
  heldUntil,
  learn,
  settle,
  takeSlot,
  troubleOf,
  type Line,
  type Trouble,
} from './line.ts'
import type { PostOutcome } from './post.ts'

/** What delivering needs of the outside. */
export interface DeliveryPorts {
  readonly webhook: Pick<Webhook, 'concurrency' | 'rampUp' | 'rate' | 'maxIdleAge'>
  now(): number
  sleep(ms: number): Promise<void>
  pull(device: string, request: Omit<Pull, 'subscriber' | 'topics' | 'statuses'>): Promise<Pulled>
  post(event: DeviceEvent, isReplay: boolean): Promise<PostOutcome>
  /** The line's circuit changed: it outlives the object. */
  keepCircuit(): void
  /** A post was answered, or not. */
  note(attempt: Omit<Attempt, 'n'>): void
  /** An event is not tried any more. @returns how many were given up in all. */
  giveUp(device: string, event: DeviceEvent, letter: { tries: number; reason: string }): number
  /** An Idle waited too long to be posted. */
  drop(): void
  warn(event: string, detail: Readonly<Record<string, string | number>>): void
}

type Report = Omit<Pull, 'subscriber' | 'topics' | 'statuses' | 'read'>

/** An event on its way, and what it has been through. */
interface Letter {
  readonly device: string
  readonly event: DeviceEvent
  readonly tries: number
  readonly since: number
  readonly replay: boolean
}

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
  const beside = await postAsides(line, ports, device, asides)
  if (beside.stopped) {
    return beside
  }
  const aside = [...(beside.report.aside ?? [])]
  let passed: number | undefined
  const report = (): Report => ({
    ...beside.report,
    aside,
    ...(passed === undefined ? {} : { passed }),
  })
  for (const event of events) {
    if (isStale(ports, event)) {
      ports.drop()
      passed = event.sequence
      continue
    }
    const known = line.trouble.get(device)
    const tries = known?.seq === event.sequence ? known.tries : 0
    const letter = { device, event, tries, since: 0, replay: false }
    const outcome = await tryPost(line, ports, letter)
    if (outcome === 'held') {
      return { report: report(), stopped: true }
    }
    if (outcome.kind !== 'delivered') {
      const trouble = troubleOf(line, device, event.sequence, outcome)
      if (trouble.refusals < REFUSALS && !isOld(ports, letter)) {
        return { report: report(), stopped: true }
      }
      const failed = trouble.refusals + trouble.downs
      aside.push(putAside(ports, { ...letter, tries: failed }, outcome.reason))
    }
    line.trouble.delete(device)
    passed = event.sequence
  }
  passed = upTo
  return { report: report(), stopped: false }
}

async function postAsides(
  line: Line,
  ports: DeliveryPorts,
  device: string,
  asides: readonly AsideEvent[],
): Promise<{ report: Report; stopped: boolean }> {
  const settled: number[] = []
  const aside: Aside[] = []
  const report = { aside, settled }
  for (const set of asides) {
    const letter = { device, ...set }
    const outcome = await tryPost(line, ports, letter)
    if (outcome === 'held') {
      return { report, stopped: true }
    }
    if (outcome.kind === 'delivered') {
      settled.push(set.event.sequence)
    } else {
      aside.push(putAside(ports, { ...letter, tries: set.tries + 1 }, outcome.reason))
    }
    if (outcome.kind === 'down') {
      return { report, stopped: true }
    }
  }
  return { report, stopped: false }
}

/** Posts an event unless the receiver is to be left alone: another device's post may have found that out. */
async function tryPost(
  line: Line,
  ports: DeliveryPorts,
  { device, event, tries, replay }: Letter,
): Promise<PostOutcome | 'held'> {
  if (ports.now() < heldUntil(line)) {
    return 'held'
  }
  const wait = takeSlot(line, ports.webhook.rate, ports.now())
  if (wait > 0) {
    await ports.sleep(wait)
    if (ports.now() < heldUntil(line)) {
      return 'held'
    }
  }
  const began = ports.now()
  const outcome = await ports.post(event, replay)
  const now = ports.now()
  if (learn(line, device, outcome, { ...ports.webhook, now })) {
    ports.keepCircuit()
  }
  ports.note({
    at: now,
    device,
    sequence: event.sequence,
    event: event.id,
    topic: event.topic,
    attempt: tries + 1,
    replay,
    outcome: outcome.kind,
    status: outcome.status,
    latency: now - began,
    reason: outcome.kind === 'delivered' ? '' : outcome.reason,
  })
  if (outcome.kind === 'down') {
    ports.warn('webhook:down', { device, reason: outcome.reason, failures: line.circuit.downs })
  }
  return outcome
}

/** An event that leaves the line: it is tried beside it until it is old, and then given up and kept. */
function putAside(ports: DeliveryPorts, letter: Letter, reason: string): Aside {
  const { event, tries, since, replay, device } = letter
  const detail = { event: event.id, topic: event.topic, tries, reason }
  const aside = { seq: event.sequence, tries, reason, since, replay }
  if (isOld(ports, letter)) {
    const total = ports.giveUp(device, event, { tries, reason })
    ports.warn('webhook:given-up', { ...detail, total })
    return { ...aside, nextAt: null }
  }
  ports.warn('webhook:set-aside', detail)
  const wait = Math.min(60 * SECOND * 2 ** Math.min(Math.max(tries - REFUSALS, 0), 6), HOUR)
  return { ...aside, nextAt: ports.now() + wait }
}

function isOld(ports: DeliveryPorts, { event, since }: Letter): boolean {
  return ports.now() - Math.max(event.at, since) > TRIED_FOR
}

/** That a device asked for work long ago is worth no post in a backlog. */
function isStale(ports: DeliveryPorts, { about, at }: DeviceEvent): boolean {
  const { maxIdleAge } = ports.webhook
  return about.status === 'Idle' && maxIdleAge > 0 && ports.now() - at > maxIdleAge
}

/** How long a device waits before its next event is tried again. */
function waitOf(trouble: Trouble | undefined): number {
  if (!trouble) {
    return 0
  }
  return trouble.downs > 0 ? backOff(trouble.downs) : (REFUSAL_WAIT[trouble.refusals] ?? 0)
}
