/**
 * One circuit per push certificate. With a wrong certificate, APNs refuses the token of every device, and
 * each refusal would flag a healthy device. On the other side, a single device must not hold back all others.
 * So the circuit opens in two cases: APNs refuses the certificate itself; or the pushes of many devices fail,
 * and pushes reach no other device.
 */
import { splitEnrollmentId } from '../mdm/enrollment.ts'
import type { Verdict } from './verdict.ts'

const MINUTE = 60_000
/** For this long a delivered push proves the certificate. */
const WINDOW = 10 * MINUTE
/** So many devices have to fail before the cause is not in the devices. */
const MANY = 5
/** So many devices that a push has reached are remembered. All of them have to fail. */
export const PROVEN = 20
const OPEN_FOR: Readonly<Record<OpenReason, number>> = {
  configuration: 5 * MINUTE,
  tokens: 5 * MINUTE,
  transport: MINUTE,
}

export type OpenReason = 'configuration' | 'tokens' | 'transport'

export interface Circuit {
  certificateId: string
  /** When a push was last delivered, as far as known; 0 for never. */
  deliveredAt: number
  /** Channels that a push was delivered to: one per device, {@link PROVEN} at most, the newest last. */
  proven: readonly string[]
  /**
   * Devices whose token or topic was refused since the last delivered push: up to {@link MANY}, and any of
   * `proven`.
   */
  refused: readonly string[]
  /** Devices whose push got no answer since APNs last answered one, with the same limit. */
  unanswered: readonly string[]
  /**
   * `until` is 0 when its time is over: then pushes leave, and the first delivered one closes the circuit.
   */
  open: { reason: OpenReason; detail: string; until: number } | undefined
  /** Counts openings and new certificates. A device's flag from an earlier epoch is void. */
  epoch: number
}

/** Delivered pushes that were not reported yet. */
export interface Delivered {
  delivered: number
  /** Some of the channels that they reached, each of another device. */
  proven?: readonly string[]
}

/** The outcome of a push, and the deliveries since the sender's last report, this one included. */
export interface PushReport extends Delivered {
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

/**
 * The circuit under the certificate in use. A new certificate has to reach the same devices as the old one.
 */
export function underCertificate(circuit: Circuit, id: string): Circuit {
  const { certificateId, proven, epoch } = circuit
  return id === certificateId ? circuit : { ...newCircuit(id), proven, epoch: epoch + 1 }
}

/**
 * The circuit at this time. When its time is over, it begins to collect evidence anew: old failures do not
 * keep it open.
 */
export function current(circuit: Circuit, now: number): Circuit {
  const { open } = circuit
  return open && open.until > 0 && now >= open.until
    ? { ...circuit, refused: [], unanswered: [], open: { ...open, until: 0 } }
    : circuit
}

/**
 * The devices whose pushes an open circuit holds back; `undefined` for all devices. While only a few devices
 * have failed, it holds back those alone.
 */
export function heldBy({ open, refused, unanswered }: Circuit): readonly string[] | undefined {
  const evidence = open?.reason === 'tokens' ? refused : unanswered
  return open?.reason === 'configuration' || evidence.length >= MANY ? undefined : evidence
}

export function recordPush(before: Circuit, report: PushReport, now: number): Circuit {
  const circuit = count(current(before, now), report, now)
  const { open, epoch } = circuit
  // A push that left before the circuit opened proves nothing about the time after.
  if (open && report.epoch === epoch && recovers(open.reason, report.verdict)) {
    const closed = { ...newCircuit(circuit.certificateId), proven: circuit.proven, epoch }
    return report.verdict.kind === 'delivered' ? countDelivered(closed, report, now) : closed
  }
  const cause = causeToOpen(circuit, report.verdict)
  return cause === undefined ? circuit : openCircuit(circuit, cause, report.verdict, now)
}

/** Counts deliveries. While the circuit is open it ignores them: they may be from before it opened. */
export function countDelivered(circuit: Circuit, report: Delivered, now: number): Circuit {
  if (report.delivered === 0 || circuit.open) return circuit
  const channels = report.proven ?? []
  const devices = new Set(channels.map(deviceOf))
  const known = circuit.proven.filter((channel) => !devices.has(deviceOf(channel)))
  const proven = [...known, ...channels].slice(-PROVEN)
  return { ...circuit, deliveredAt: now, proven, refused: [], unanswered: [] }
}

/**
 * Whether a refused token counts against its device: only while the certificate is proven. That is, a push
 * was delivered lately, and not many in a row were refused since.
 */
export function provesCertificate(circuit: Circuit, now: number): boolean {
  const { open, deliveredAt, refused } = circuit
  return !open && deliveredAt > 0 && now - deliveredAt < WINDOW && refused.length < MANY
}

/**
 * Channels for a probe, which shows whether only the failed devices fail: other channels that pushes have
 * reached before.
 */
export function toProbe(circuit: Circuit): readonly string[] {
  const { open, proven, refused, unanswered } = circuit
  if (open) return open.until === 0 ? proven : []
  const evidence = [refused, unanswered].find((devices) => devices.length >= MANY) ?? []
  return evidence.length === 0
    ? []
    : proven.filter((channel) => !evidence.includes(deviceOf(channel)))
}

/** Forgets channels that a probe did not reach, if the cause is in their devices. */
export function afterProbe(circuit: Circuit, failed: readonly string[]): Circuit {
  const { open, refused, unanswered } = circuit
  const evidence = new Set([...refused, ...unanswered])
  const own = failed.filter((channel) => !evidence.has(deviceOf(channel)))
  return own.length === 0 || (open && open.until > 0)
    ? circuit
    : { ...circuit, proven: circuit.proven.filter((channel) => !own.includes(channel)) }
}

function count(before: Circuit, report: PushReport, now: number): Circuit {
  const { verdict, channel } = report
  const circuit = countDelivered(before, report, now)
  switch (verdict.kind) {
    case 'transport':
      // Other devices get answers, so the cause is in this device.
      return {
        ...circuit,
        unanswered: report.othersAnswered ? [] : added(circuit, 'unanswered', channel),
      }
    case 'token_refused':
      return { ...circuit, unanswered: [], refused: added(circuit, 'refused', channel) }
    default:
      return { ...circuit, unanswered: [] }
  }
}

/** Proven devices always count. Of other devices, only {@link MANY} are listed. */
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
  // The circuit stays open for its full time.
  if (open && open.until > 0) return undefined
  if (verdict.kind === 'transport' && isEnough(circuit, unanswered)) return 'transport'
  return verdict.kind === 'token_refused' && isEnough(circuit, refused) ? 'tokens' : undefined
}

/**
 * Whether all channels that pushes have reached before fail now. If there are none, a fault of the
 * certificate cannot be distinguished from one of a device.
 */
function isEnough({ proven }: Circuit, evidence: readonly string[]): boolean {
  return proven.length > 0 && proven.every((channel) => evidence.includes(deviceOf(channel)))
}

function openCircuit(circuit: Circuit, reason: OpenReason, verdict: Verdict, now: number): Circuit {
  const detail = 'reason' in verdict ? verdict.reason : reason
  return {
    ...circuit,
    open: { reason, detail, until: now + OPEN_FOR[reason] },
    // Pushes that were under way when it opened, and a probe that failed, belong to the same opening.
    epoch: circuit.open === undefined ? circuit.epoch + 1 : circuit.epoch,
  }
}

/**
 * Whether an answer proves that the cause is gone. Any verdict on a token proves that the certificate is
 * accepted.
 */
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
