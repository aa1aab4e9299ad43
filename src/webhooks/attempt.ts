import { TRIED_FOR } from '../device/outbox/cursors.ts'
import type { Pulled } from '../device/outbox/read.ts'
import type { Retry } from '../device/outbox/retries.ts'
import type { DeviceEvent } from '../events/event.ts'
import type { Webhook } from '../events/webhook.ts'
import { reasonOf } from '../reason.ts'
import { isFailing, recordOutcome, takeSlot } from './circuit.ts'
import { countFailure, heldUntil, type Lane, type PostReport } from './lane.ts'
import type { Post } from './log.ts'
import type { PostOutcome } from './post.ts'

/** A webhook as deliveries use it. */
export interface PostTarget extends Pick<
  Webhook,
  'concurrency' | 'rampUp' | 'rate' | 'maxIdleAge'
> {
  readonly post: (event: DeviceEvent, isReplay: boolean) => Promise<PostOutcome>
}

/** The functions that deliveries need from outside. */
export interface DeliveryPorts {
  /** The webhook as it is now; `undefined` when nothing may be posted to it, or it cannot be read. */
  webhook(): Promise<PostTarget | undefined>
  now(): number
  sleep(ms: number): Promise<void>
  pull(device: string, request: PostReport & { readonly read: boolean }): Promise<Pulled>
  /** The circuit of the lane changed and has to be stored. */
  keepCircuit(): void
  note(post: Omit<Post, 'n'>): void
  /** Keeps an event that is not tried any more. @returns how many dead letters there were in all */
  addDeadLetter(device: string, event: DeviceEvent, last: { tries: number; reason: string }): number
  /** Counts an Idle that is too old to be posted. */
  drop(): void
  log: Write
  warn: Write
}

type Write = (event: string, detail: Readonly<Record<string, string | number>>) => void

type FailurePorts = Pick<DeliveryPorts, 'now' | 'addDeadLetter' | 'warn'>

/** An event that is posted, and its tries so far. */
export interface Attempt {
  readonly device: string
  readonly event: DeviceEvent
  readonly tries: number
  readonly since: number
  readonly replay: boolean
}

type Failure = Exclude<PostOutcome, { kind: 'delivered' }>

const SECOND = 1000
const HOUR = 3_600_000
/** After this many refusals an event is retried separately from the order of its device. */
export const REFUSALS = 3
/** The least tries before an event becomes a dead letter: it may have waited during a long pause. */
const LEAST_TRIES = 3

/** Posts an event, unless a post for another device has just found the receiver down. */
export async function tryPost(
  lane: Lane,
  ports: DeliveryPorts,
  attempt: Attempt,
): Promise<PostOutcome | 'held'> {
  const { device } = attempt
  const isHeld = (): boolean => ports.now() < heldUntil(lane, device)
  const { rate } = (await ports.webhook()) ?? {}
  if (rate === undefined || isHeld()) {
    return 'held'
  }
  const wait = takeSlot(lane, rate, ports.now())
  if (wait > 0) {
    await ports.sleep(wait)
  }
  const webhook = await ports.webhook()
  if (!webhook || isHeld()) {
    return 'held'
  }
  const began = ports.now()
  const outcome = await postOrRefuse(webhook, attempt)
  const now = ports.now()
  const wasDown = isFailing(lane.circuit, device)
  if (recordOutcome(lane, device, outcome, { ...webhook, now })) {
    ports.keepCircuit()
  }
  ports.note(postOf(attempt, outcome, { at: now, latency: now - began }))
  if (outcome.kind === 'down') {
    ports.warn('webhook:down', { device, reason: outcome.reason, failures: lane.circuit.downs })
  } else if (wasDown && !isFailing(lane.circuit, device)) {
    ports.log('webhook:recovered', { device })
  }
  return outcome
}

/** An event that cannot be put into an envelope must not hold up its device: it counts as refused. */
async function postOrRefuse(webhook: PostTarget, { event, replay }: Attempt): Promise<PostOutcome> {
  try {
    return await webhook.post(event, replay)
  } catch (error) {
    return { kind: 'refused', status: 0, reason: reasonOf(error) }
  }
}

function postOf(
  { device, event, tries, replay }: Attempt,
  outcome: PostOutcome,
  times: Pick<Post, 'at' | 'latency'>,
): Omit<Post, 'n'> {
  return {
    device,
    sequence: event.sequence,
    event: event.id,
    topic: event.topic,
    attempt: tries + 1,
    replay,
    outcome: outcome.kind,
    status: outcome.status,
    reason: outcome.kind === 'delivered' ? '' : outcome.reason,
    ...times,
  }
}

/** Counts a failure of the next event of a device. @returns the retry of the event, if it leaves the order */
export function failInOrder(
  lane: Lane,
  ports: FailurePorts,
  attempt: Attempt,
  outcome: Failure,
): Retry | undefined {
  const { device, event } = attempt
  const { tries, refusals } = countFailure(lane, device, event.sequence, outcome, ports.now())
  if (outcome.kind === 'down') {
    const isOver = tries >= LEAST_TRIES && isOld(ports, attempt)
    return isOver ? endTries(ports, { ...attempt, tries }, outcome.reason) : undefined
  }
  if (refusals < REFUSALS) {
    return undefined
  }
  lane.failures.delete(device)
  return retryLater(ports, { ...attempt, tries: refusals, since: ports.now() }, outcome.reason)
}

/** An event that is retried separately, until it is old and becomes a dead letter. */
export function retryLater(ports: FailurePorts, attempt: Attempt, reason: string): Retry {
  if (isOld(ports, attempt)) {
    return endTries(ports, attempt, reason)
  }
  const { event, tries, since, replay } = attempt
  ports.warn('webhook:event-refused', { event_id: event.id, topic: event.topic, tries, reason })
  const nextAt = ports.now() + retryWait(tries)
  return { seq: event.sequence, tries, reason, since, replay, nextAt }
}

function endTries(ports: FailurePorts, attempt: Attempt, reason: string): Retry {
  const { event, tries, since, replay, device } = attempt
  const total = ports.addDeadLetter(device, event, { tries, reason })
  ports.warn('webhook:given-up', { event_id: event.id, topic: event.topic, tries, reason, total })
  return { seq: event.sequence, tries, reason, since, replay, nextAt: null }
}

/** From a minute to an hour. */
export function retryWait(tries: number): number {
  return Math.min(60 * SECOND * 2 ** Math.min(Math.max(tries - REFUSALS, 0), 6), HOUR)
}

function isOld(ports: Pick<FailurePorts, 'now'>, { event, since }: Attempt): boolean {
  return ports.now() - Math.max(event.at, since) > TRIED_FOR
}
