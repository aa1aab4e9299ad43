import type { Pulled } from '../device/outbox/read.ts'
import type { RetriedEvent, Retry } from '../device/outbox/retries.ts'
import type { DeviceEvent } from '../events/event.ts'
import { failInOrder, REFUSALS, retryLater, retryWait, tryPost } from './attempt.ts'
import type { DeliveryPorts } from './attempt.ts'
import { backOff } from './circuit.ts'
import { hasDueDevice, releaseDevice, type Failures, type Lane, type PostReport } from './lane.ts'

const SECOND = 1000
/** A device with a long backlog gives its place to others after this time. */
const TURN = 2 * SECOND
/** Waits after refusals, by their number: three tries are within a minute. */
const REFUSAL_WAIT = [0, 2 * SECOND, 8 * SECOND] as const

/**
 * Posts the events of a device in order until none is left, until one has to wait, or until others wait for
 * its place.
 * @throws when the device cannot be reached. Its report is kept, and the next call begins with it.
 */
export async function deliver(lane: Lane, ports: DeliveryPorts, device: string): Promise<void> {
  const began = ports.now()
  for (;;) {
    const pulled = await pullAndReport(lane, ports, device, true)
    if (pulled.events.length === 0 && pulled.asides.length === 0) {
      lane.failures.delete(device)
      releaseDevice(lane, device, ports.now())
      return
    }
    const { report, stopped } = await postAll(lane, ports, device, pulled)
    lane.unreported.set(device, report)
    const now = ports.now()
    if (stopped || (now - began >= TURN && hasDueDevice(lane, now))) {
      await pullAndReport(lane, ports, device, false)
      const at = ports.now()
      releaseDevice(lane, device, at, waitOf(lane.failures.get(device), at))
      return
    }
  }
}

/** Reports earlier posts to the device; with `read` it answers with more events. */
async function pullAndReport(
  lane: Lane,
  ports: DeliveryPorts,
  device: string,
  read: boolean,
): Promise<Pulled> {
  const pulled = await ports.pull(device, { ...lane.unreported.get(device), read })
  lane.unreported.delete(device)
  return pulled
}

interface Posted {
  readonly report: PostReport
  /** The next event has to wait. */
  readonly stopped: boolean
}

/** Posts first the events that are retried separately and are due, then the others in their order. */
async function postAll(
  lane: Lane,
  ports: DeliveryPorts,
  device: string,
  { asides, events, upTo }: Pulled,
): Promise<Posted> {
  const retried = await postRetries(lane, ports, device, asides)
  if (retried.stopped) {
    return retried
  }
  const inOrder = await postInOrder(lane, ports, device, events)
  const aside = [...(retried.report.aside ?? []), ...inOrder.left]
  const passed = inOrder.stopped ? inOrder.passed : upTo
  const report = { ...retried.report, aside, ...(passed === undefined ? {} : { passed }) }
  return { report, stopped: inOrder.stopped }
}

interface PostedInOrder {
  /** The last event that was delivered, left the order or was not wanted. */
  readonly passed: number | undefined
  /** Events that left the order. */
  readonly left: readonly Retry[]
  readonly stopped: boolean
}

async function postInOrder(
  lane: Lane,
  ports: DeliveryPorts,
  device: string,
  events: readonly DeviceEvent[],
): Promise<PostedInOrder> {
  const left: Retry[] = []
  let passed: number | undefined
  for (const event of events) {
    if (await isStale(ports, event)) {
      ports.drop()
      passed = event.sequence
      continue
    }
    const known = lane.failures.get(device)
    const tries = known?.seq === event.sequence ? known.tries : 0
    const attempt = { device, event, tries, since: 0, replay: false }
    const outcome = await tryPost(lane, ports, attempt)
    if (outcome === 'held') {
      return { passed, left, stopped: true }
    }
    if (outcome.kind === 'delivered') {
      lane.failures.delete(device)
      passed = event.sequence
      continue
    }
    const retry = failInOrder(lane, ports, attempt, outcome)
    if (retry) {
      left.push(retry)
      passed = event.sequence
    }
    if (!retry || outcome.kind === 'down') {
      return { passed, left, stopped: true }
    }
  }
  return { passed, left, stopped: false }
}

/** If the receiver is down, later retries keep their order: they wait, and the next event is tried. */
async function postRetries(
  lane: Lane,
  ports: DeliveryPorts,
  device: string,
  asides: readonly RetriedEvent[],
): Promise<Posted> {
  const settled: number[] = []
  const aside: Retry[] = []
  const report = { aside, settled }
  for (const due of asides) {
    const attempt = { device, ...due }
    const outcome = await tryPost(lane, ports, attempt)
    if (outcome === 'held') {
      return { report, stopped: true }
    }
    if (outcome.kind === 'delivered') {
      settled.push(due.event.sequence)
      continue
    }
    const retry = retryLater(ports, { ...attempt, tries: due.tries + 1 }, outcome.reason)
    aside.push(retry)
    if (outcome.kind === 'down') {
      const asidesFrom = retry.nextAt ?? ports.now() + retryWait(REFUSALS)
      return { report: { ...report, asidesFrom }, stopped: false }
    }
  }
  return { report, stopped: false }
}

/** Whether an Idle is too old to be posted: it only reports that the device connected. */
async function isStale(
  ports: Pick<DeliveryPorts, 'now' | 'webhook'>,
  { about, at }: DeviceEvent,
): Promise<boolean> {
  if (about.status !== 'Idle') {
    return false
  }
  const { maxIdleAge = 0 } = (await ports.webhook()) ?? {}
  return maxIdleAge > 0 && ports.now() - at > maxIdleAge
}

/** The wait of a device before its next event is tried again. */
function waitOf(failures: Failures | undefined, now: number): number {
  if (!failures) {
    return 0
  }
  const { downs, refusals, askedUntil } = failures
  const wait = downs > 0 ? backOff(downs) : (REFUSAL_WAIT[refusals] ?? 0)
  return Math.max(wait, askedUntil - now)
}
