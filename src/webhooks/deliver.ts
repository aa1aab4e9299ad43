import type { RetriedEvent, Retry } from '../device/outbox/retries.ts'
import type { Pulled } from '../device/outbox/read.ts'
import { TRIED_FOR } from '../device/outbox/cursors.ts'
import type { DeviceEvent } from '../events/event.ts'
import type { Webhook } from '../events/webhook.ts'
import { reasonOf } from '../log.ts'
import type { Post } from './log.ts'
import {
  backOff,
  heldUntil,
  isFailing,
  isWanted,
  learn,
  settle,
  takeSlot,
  troubleOf,
  type Line,
  type Report,
  type Trouble,
} from './lane.ts'
import type { PostOutcome } from './post.ts'

/** What a post goes by. */
export type PostSettings = Pick<Webhook, 'concurrency' | 'rampUp' | 'rate' | 'maxIdleAge'>

/** What delivering needs of the outside. */
export interface DeliveryPorts<Settings extends PostSettings> {
  /** The webhook as it is now; `undefined` when nothing may be posted: it is gone, switched off, or nobody can tell. */
  webhook(): Promise<Settings | undefined>
  now(): number
  sleep(ms: number): Promise<void>
  pull(device: string, request: Report & { readonly read: boolean }): Promise<Pulled>
  post(webhook: Settings, event: DeviceEvent, isReplay: boolean): Promise<PostOutcome>
  /** The line's circuit changed: it outlives the object. */
  keepCircuit(): void
  /** A post was answered, or not. */
  note(post: Omit<Post, 'n'>): void
  /** An event is not tried any more. @returns how many were given up in all. */
  giveUp(device: string, event: DeviceEvent, letter: { tries: number; reason: string }): number
  /** An Idle waited too long to be posted. */
  drop(): void
  log: Write
  warn: Write
}

type Write = (event: string, detail: Readonly<Record<string, string | number>>) => void

type Ports = DeliveryPorts<PostSettings>

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
/** A device with more to tell lets others in after so long. */
const TURN = 2 * SECOND
/** After so many refusals an event leaves the line; the waits between them stay within a minute. */
const REFUSALS = 3
const REFUSAL_WAIT = [0, 2 * SECOND, 8 * SECOND] as const
/** However old an event is, it is tried so often: it may have waited out a pause. */
const LEAST_TRIES = 3

/**
 * Posts a device's events in order until none is left or one has to wait, or until others want its place.
 * @throws when the device is out of reach; what it has to hear is told first, the next time.
 */
export async function deliver<Settings extends PostSettings>(
  line: Line,
  ports: DeliveryPorts<Settings>,
  device: string,
): Promise<void> {
  const began = ports.now()
  for (;;) {
    const pulled = await tell(line, ports, device, true)
    if (pulled.events.length === 0 && pulled.asides.length === 0) {
      line.trouble.delete(device)
      settle(line, device, ports.now())
      return
    }
    const { report, stopped } = await postAll(line, ports, device, pulled)
    line.unreported.set(device, report)
    const now = ports.now()
    if (stopped || (now - began >= TURN && isWanted(line, now))) {
      await tell(line, ports, device, false)
      const at = ports.now()
      settle(line, device, at, waitOf(line.trouble.get(device), at))
      return
    }
  }
}

/** Reports what the device has not heard yet, and reads on. */
async function tell<Settings extends PostSettings>(
  line: Line,
  ports: DeliveryPorts<Settings>,
  device: string,
  read: boolean,
): Promise<Pulled> {
  const pulled = await ports.pull(device, { ...line.unreported.get(device), read })
  line.unreported.delete(device)
  return pulled
}

/** Posts what was read: first what was set aside before and is due, then the line. */
async function postAll<Settings extends PostSettings>(
  line: Line,
  ports: DeliveryPorts<Settings>,
  device: string,
  { asides, events, upTo }: Pulled,
): Promise<{ report: Report; stopped: boolean }> {
  const beside = await postAsides(line, ports, device, asides)
  if (beside.stopped) {
    return beside
  }
  const aside = [...(beside.report.aside ?? [])]
  let passed: number | undefined
  const end = (stopped: boolean): { report: Report; stopped: boolean } => ({
    report: { ...beside.report, aside, ...(passed === undefined ? {} : { passed }) },
    stopped,
  })
  for (const event of events) {
    if (await isStale(ports, event)) {
      ports.drop()
      passed = event.sequence
      continue
    }
    const known = line.trouble.get(device)
    const tries = known?.seq === event.sequence ? known.tries : 0
    const letter = { device, event, tries, since: 0, replay: false }
    const outcome = await tryPost(line, ports, letter)
    if (outcome === 'held') {
      return end(true)
    }
    if (outcome.kind === 'delivered') {
      line.trouble.delete(device)
      passed = event.sequence
      continue
    }
    const left = leavesLine(line, ports, letter, outcome)
    if (left) {
      aside.push(left)
      passed = event.sequence
    }
    if (!left || outcome.kind === 'down') {
      return end(true)
    }
  }
  passed = upTo
  return end(false)
}

/** Counts a failure in the line. @returns how the event goes on beside it, if it does. */
function leavesLine<Settings extends PostSettings>(
  line: Line,
  ports: DeliveryPorts<Settings>,
  letter: Letter,
  outcome: Exclude<PostOutcome, { kind: 'delivered' }>,
): Retry | undefined {
  const { device, event } = letter
  const trouble = troubleOf(line, device, event.sequence, outcome, ports.now())
  if (outcome.kind === 'down') {
    const isOver = trouble.tries >= LEAST_TRIES && isOld(ports, letter)
    return isOver ? giveUp(ports, { ...letter, tries: trouble.tries }, outcome.reason) : undefined
  }
  if (trouble.refusals < REFUSALS) {
    return undefined
  }
  line.trouble.delete(device)
  const since = ports.now()
  return putAside(ports, { ...letter, tries: trouble.refusals, since }, outcome.reason)
}

/** While the receiver is down, what is beside the line keeps its order too, and the line itself is tried. */
async function postAsides<Settings extends PostSettings>(
  line: Line,
  ports: DeliveryPorts<Settings>,
  device: string,
  asides: readonly RetriedEvent[],
): Promise<{ report: Report; stopped: boolean }> {
  const settled: number[] = []
  const aside: Retry[] = []
  const report = { aside, settled }
  for (const set of asides) {
    const letter = { device, ...set }
    const outcome = await tryPost(line, ports, letter)
    if (outcome === 'held') {
      return { report, stopped: true }
    }
    if (outcome.kind === 'delivered') {
      settled.push(set.event.sequence)
      continue
    }
    const put = putAside(ports, { ...letter, tries: set.tries + 1 }, outcome.reason)
    aside.push(put)
    if (outcome.kind === 'down') {
      const asidesFrom = put.nextAt ?? ports.now() + asideWait(REFUSALS)
      return { report: { ...report, asidesFrom }, stopped: false }
    }
  }
  return { report, stopped: false }
}

/** Posts an event unless the receiver is to be left alone: another device's post may have found that out. */
async function tryPost<Settings extends PostSettings>(
  line: Line,
  ports: DeliveryPorts<Settings>,
  letter: Letter,
): Promise<PostOutcome | 'held'> {
  const isHeld = (): boolean => ports.now() < heldUntil(line, letter.device)
  const { rate } = (await ports.webhook()) ?? {}
  if (rate === undefined || isHeld()) {
    return 'held'
  }
  const wait = takeSlot(line, rate, ports.now())
  if (wait > 0) {
    await ports.sleep(wait)
  }
  const webhook = await ports.webhook()
  if (!webhook || isHeld()) {
    return 'held'
  }
  const began = ports.now()
  const outcome = await postOrRefuse(ports, webhook, letter)
  const now = ports.now()
  const { device } = letter
  const wasDown = isFailing(line, device)
  if (learn(line, letter.device, outcome, { ...webhook, now })) {
    ports.keepCircuit()
  }
  noteTry(ports, letter, outcome, { at: now, latency: now - began })
  if (outcome.kind === 'down') {
    ports.warn('webhook:down', { device, reason: outcome.reason, failures: line.circuit.downs })
  } else if (wasDown && !isFailing(line, device)) {
    ports.log('webhook:recovered', { device })
  }
  return outcome
}

/** An event that nobody can put into an envelope must not hold up its device. */
async function postOrRefuse<Settings extends PostSettings>(
  ports: DeliveryPorts<Settings>,
  webhook: Settings,
  { event, replay }: Letter,
): Promise<PostOutcome> {
  try {
    return await ports.post(webhook, event, replay)
  } catch (error) {
    return { kind: 'refused', status: 0, reason: reasonOf(error) }
  }
}

function noteTry(
  ports: Pick<Ports, 'note'>,
  { device, event, tries, replay }: Letter,
  outcome: PostOutcome,
  { at, latency }: { readonly at: number; readonly latency: number },
): void {
  ports.note({
    at,
    device,
    sequence: event.sequence,
    event: event.id,
    topic: event.topic,
    attempt: tries + 1,
    replay,
    outcome: outcome.kind,
    status: outcome.status,
    latency,
    reason: outcome.kind === 'delivered' ? '' : outcome.reason,
  })
}

type LetterPorts = Pick<Ports, 'now' | 'giveUp' | 'warn'>

/** An event that leaves the line: it is tried beside it until it is old, and then given up and kept. */
function putAside(ports: LetterPorts, letter: Letter, reason: string): Retry {
  if (isOld(ports, letter)) {
    return giveUp(ports, letter, reason)
  }
  const { event, tries, since, replay } = letter
  ports.warn('webhook:event-refused', { event_id: event.id, topic: event.topic, tries, reason })
  const nextAt = ports.now() + asideWait(tries)
  return { seq: event.sequence, tries, reason, since, replay, nextAt }
}

function giveUp(ports: LetterPorts, letter: Letter, reason: string): Retry {
  const { event, tries, since, replay, device } = letter
  const total = ports.giveUp(device, event, { tries, reason })
  const { id, topic } = event
  ports.warn('webhook:given-up', { event_id: id, topic, tries, reason, total })
  return { seq: event.sequence, tries, reason, since, replay, nextAt: null }
}

/** From a minute to an hour. */
function asideWait(tries: number): number {
  return Math.min(60 * SECOND * 2 ** Math.min(Math.max(tries - REFUSALS, 0), 6), HOUR)
}

function isOld(ports: Pick<Ports, 'now'>, { event, since }: Letter): boolean {
  return ports.now() - Math.max(event.at, since) > TRIED_FOR
}

/** That a device asked for work long ago is worth no post in a backlog. */
async function isStale(
  ports: Pick<Ports, 'now' | 'webhook'>,
  { about, at }: DeviceEvent,
): Promise<boolean> {
  if (about.status !== 'Idle') {
    return false
  }
  const { maxIdleAge = 0 } = (await ports.webhook()) ?? {}
  return maxIdleAge > 0 && ports.now() - at > maxIdleAge
}

/** How long a device waits before its next event is tried again. */
function waitOf(trouble: Trouble | undefined, now: number): number {
  if (!trouble) {
    return 0
  }
  const wait = trouble.downs > 0 ? backOff(trouble.downs) : (REFUSAL_WAIT[trouble.refusals] ?? 0)
  return Math.max(wait, trouble.askedUntil - now)
}
