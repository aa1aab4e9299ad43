/**
 * One circuit per push certificate. A wrong certificate makes APNs refuse every token in turn; believing it would
 * flag the whole fleet. A single device must not hold up the others either, so beside a refusal of the certificate itself only
 * the failures of many devices open the circuit, and only when no device is left that pushes still reach.
 */
import { splitEnrollmentId } from '../mdm/enrollment.ts'
import type { Verdict } from './verdict.ts'

const MINUTE = 60_000
/** For so long a delivered push speaks for the certificate. */
const WINDOW = 10 * MINUTE
/** Devices that have to fail before the trouble is not theirs. */
const MANY = 5
/** Devices that are remembered because a push reached them, of which all have to fail. */
export const PROVEN = 20
const OPEN_FOR: Readonly<Record<OpenReason, number>> = {
  configuration: 5 * MINUTE,
  tokens: 5 * MINUTE,
  transport: MINUTE,
}

export type OpenReason = 'configuration' | 'tokens' | 'transport'

export interface Circuit {
  certificateId: string
  /** When a push is last known to have been delivered; 0 for never. */
  deliveredAt: number
  /** Channels that a push was delivered to, one a device and {@link PROVEN} at most, the newest last. */
  proven: readonly string[]
  /** Devices whose token or topic was refused since a push was delivered: {@link MANY}, and those proven before. */
  refused: readonly string[]
  /** Devices whose push got no answer since any push got one, likewise. */
  unanswered: readonly string[]
  /** `until` is 0 when its time is over: pushes leave, and the first that gets through closes it. */
  open: { reason: OpenReason; detail: string; until: number } | undefined
  /** Counts openings and new certificates: a flag that a device got in an earlier epoch is void. */
  epoch: number
}

/** Successes that were not told yet. */
export interface Delivered {
  delivered: number
  /** Some of the channels that had them, each of another device. */
  proven?: readonly string[]
}

/** How a push went, and what happened since the same sender told of one last, this one included. */
export interface PushTold extends Delivered {
  /** `{device}:{user}`. */
  channel: string
  verdict: Verdict
  /** The epoch in which it left, as far as its sender knew. */
  epoch: number
  /** Whether APNs answered other pushes while this one was under way. */
  othersAnswered?: boolean
}

export function newCircuit(certificateId: string): Circuit {
  return {
    certificateId,
    deliveredAt: 0,
    proven: [],
    refused: [],
    unanswered: [],
    open: undefined,
    epoch: 0,
  }
}

/** The circuit under the certificate that is in use; a new one has to reach the devices that the old one reached. */
export function underCertificate(circuit: Circuit, id: string): Circuit {
  const { certificateId, proven, epoch } = circuit
  return id === certificateId ? circuit : { ...newCircuit(id), proven, epoch: epoch + 1 }
}

/** The circuit as it is now. When its time is over, evidence counts from then on: what opened it does not keep it open. */
export function current(circuit: Circuit, now: number): Circuit {
  const { open } = circuit
  return open && open.until > 0 && now >= open.until
    ? { ...circuit, refused: [], unanswered: [], open: { ...open, until: 0 } }
    : circuit
}

/** The devices whose pushes an open circuit holds back; `undefined` for all. Fewer than many speak for themselves alone. */
export function heldBy({ open, refused, unanswered }: Circuit): readonly string[] | undefined {
  const evidence = open?.reason === 'tokens' ? refused : unanswered
  return open?.reason === 'configuration' || evidence.length >= MANY ? undefined : evidence
}

export function recordPush(before: Circuit, told: PushTold, now: number): Circuit {
  const circuit = count(current(before, now), told, now)
  const { open, epoch } = circuit
  // What left before it opened says nothing of the time after.
  if (open && told.epoch === epoch && recovers(open.reason, told.verdict)) {
    const closed = { ...newCircuit(circuit.certificateId), proven: circuit.proven, epoch }
    return told.verdict.kind === 'delivered' ? countDelivered(closed, told, now) : closed
  }
  const cause = causeToOpen(circuit, told.verdict)
  return cause === undefined ? circuit : openCircuit(circuit, cause, told.verdict, now)
}

/** Takes in successes. Those told while the circuit is open may be older than that. */
export function countDelivered(circuit: Circuit, told: Delivered, now: number): Circuit {
  if (told.delivered === 0 || circuit.open) return circuit
  const channels = told.proven ?? []
  const devices = new Set(channels.map(deviceOf))
  const known = circuit.proven.filter((channel) => !devices.has(deviceOf(channel)))
  const proven = [...known, ...channels].slice(-PROVEN)
  return { ...circuit, deliveredAt: now, proven, refused: [], unanswered: [] }
}

/**
 * Whether a refused token may be held against its device: only while the certificate is beyond doubt, because
 * something was delivered lately, and not many in a row were refused since.
 */
export function provesCertificate(circuit: Circuit, now: number): boolean {
  const { open, deliveredAt, refused } = circuit
  return !open && deliveredAt > 0 && now - deliveredAt < WINDOW && refused.length < MANY
}

/**
 * Channels to push to find out whether it is only the others that fail: those that pushes reached before. A device that
 * fails on purpose is none of them, or one of several.
 */
export function toProbe(circuit: Circuit): readonly string[] {
  const { open, proven, refused, unanswered } = circuit
  if (open) return open.until === 0 ? proven : []
  const evidence = [refused, unanswered].find((devices) => devices.length >= MANY) ?? []
  return evidence.length === 0
    ? []
    : proven.filter((channel) => !evidence.includes(deviceOf(channel)))
}

/** Forgets channels that a probe could not be delivered to, where that is their own trouble. */
export function afterProbe(circuit: Circuit, failed: readonly string[]): Circuit {
  const { open, refused, unanswered } = circuit
  const evidence = new Set([...refused, ...unanswered])
  const own = failed.filter((channel) => !evidence.has(deviceOf(channel)))
  return own.length === 0 || (open && open.until > 0)
    ? circuit
    : { ...circuit, proven: circuit.proven.filter((channel) => !own.includes(channel)) }
}

function count(before: Circuit, told: PushTold, now: number): Circuit {
  const { verdict, channel } = told
  const circuit = countDelivered(before, told, now)
  switch (verdict.kind) {
    case 'transport':
      // While others get their answers, this one is its device's.
      return {
        ...circuit,
        unanswered: told.othersAnswered ? [] : added(circuit, 'unanswered', channel),
      }
    case 'token_refused':
      return { ...circuit, unanswered: [], refused: added(circuit, 'refused', channel) }
    default:
      return { ...circuit, unanswered: [] }
  }
}

/** Proven devices always count, so the list may be full of others before. */
function added(
  circuit: Circuit,
  list: 'refused' | 'unanswered',
  channel: string,
): readonly string[] {
  const devices = circuit[list]
  const device = deviceOf(channel)
  const counts = devices.length < MANY || circuit.proven.map(deviceOf).includes(device)
  return devices.includes(device) || !counts ? devices : [...devices, device]
}

function causeToOpen(circuit: Circuit, verdict: Verdict): OpenReason | undefined {
  const { open, refused, unanswered } = circuit
  if (verdict.kind === 'configuration') return 'configuration'
  // It lasts as long as it was opened for.
  if (open && open.until > 0) return undefined
  if (verdict.kind === 'transport' && isEnough(circuit, unanswered)) return 'transport'
  return verdict.kind === 'token_refused' && isEnough(circuit, refused) ? 'tokens' : undefined
}

/** All that pushes reached before fail. Where none was reached yet, nothing tells a device's trouble from the certificate's. */
function isEnough({ proven }: Circuit, evidence: readonly string[]): boolean {
  return proven.length > 0 && proven.every((channel) => evidence.includes(deviceOf(channel)))
}

function openCircuit(circuit: Circuit, reason: OpenReason, verdict: Verdict, now: number): Circuit {
  const detail = 'reason' in verdict ? verdict.reason : reason
  return {
    ...circuit,
    open: { reason, detail, until: now + OPEN_FOR[reason] },
    // Pushes that were under way when it opened, or a probe that failed, belong to the same opening.
    epoch: circuit.open === undefined ? circuit.epoch + 1 : circuit.epoch,
  }
}

/** Which answers prove that the cause is gone. Any verdict on a token proves that the certificate is accepted. */
function recovers(reason: OpenReason, verdict: Verdict): boolean {
  switch (verdict.kind) {
    case 'delivered':
      return true
    case 'token_dead':
    case 'token_refused':
      return reason !== 'tokens'
    case 'later':
    case 'bug':
      return reason === 'transport'
    case 'configuration':
    case 'transport':
      return false
  }
}

function deviceOf(channel: string): string {
  return splitEnrollmentId(channel).device
}
