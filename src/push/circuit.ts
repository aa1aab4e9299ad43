/**
 * One circuit per push certificate. A wrong certificate makes APNs refuse every token in turn; believing it would
 * flag the whole fleet, so beyond a small share of refusals the certificate is suspected and not the devices.
 */
import type { Verdict } from './verdict.ts'

const MINUTE = 60_000
const WINDOW = 10 * MINUTE
const SUSPECT_SHARE = 0.02
const SUSPECT_COUNT = 5
/** Fewer will do while nothing at all was delivered: then no success speaks for the certificate. */
const SUSPECT_COUNT_UNPROVEN = 3
const TRANSPORT_FAILURES = 10
const OPEN_FOR: Readonly<Record<OpenReason, number>> = {
  configuration: 15 * MINUTE,
  tokens: 15 * MINUTE,
  transport: MINUTE,
}

export type OpenReason = 'configuration' | 'tokens' | 'transport'

export interface Circuit {
  certificateId: string
  windowStart: number
  /** Pushes of this window, and how many of them were delivered. */
  sent: number
  delivered: number
  /** Distinct channels whose token or topic was refused in this window. */
  refused: readonly string[]
  /** Transport failures in a row. */
  unanswered: number
  open: { reason: OpenReason; detail: string; until: number } | undefined
  /** Counts openings and new certificates: a flag that a device got in an earlier epoch is void. */
  epoch: number
}

/** How a push went, and what happened since the same sender told of one last. */
export interface PushTold {
  channel: string
  verdict: Verdict
  /** Successes that were not told yet, this one included. */
  delivered: number
  /** The epoch in which it left, as far as its sender knew. */
  epoch: number
}

export function newCircuit(certificateId: string, now: number): Circuit {
  return {
    certificateId,
    windowStart: now,
    sent: 0,
    delivered: 0,
    refused: [],
    unanswered: 0,
    open: undefined,
    epoch: 0,
  }
}

/** The circuit under the certificate that is in use; a new one begins anew, in a new epoch. */
export function underCertificate(circuit: Circuit, id: string, now: number): Circuit {
  return id === circuit.certificateId
    ? circuit
    : { ...newCircuit(id, now), epoch: circuit.epoch + 1 }
}

/** Whether a push may leave now. When the time is over one push may try, and the others wait for its answer. */
export function admit(circuit: Circuit, now: number): { allowed: boolean; circuit: Circuit } {
  const { open } = circuit
  if (open === undefined) return { allowed: true, circuit }
  if (now < open.until) return { allowed: false, circuit }
  const waiting = { ...open, until: now + OPEN_FOR[open.reason] }
  return { allowed: true, circuit: { ...circuit, open: waiting } }
}

export function record(circuit: Circuit, told: PushTold, now: number): Circuit {
  const counted = count(circuit, told, now)
  const { open, epoch } = counted
  // What left before it opened says nothing of the time after.
  if (open && told.epoch === epoch && recovers(open.reason, told.verdict)) {
    return { ...newCircuit(counted.certificateId, now), epoch }
  }
  const cause = causeToOpen(counted, told.verdict)
  return cause === undefined ? counted : openCircuit(counted, cause, told.verdict, now)
}

/** Counts successes that belong to no answer of interest. */
export function countDelivered(circuit: Circuit, delivered: number, now: number): Circuit {
  if (delivered === 0) return circuit
  const window = windowAt(circuit, now)
  return { ...window, sent: window.sent + delivered, delivered: window.delivered + delivered }
}

/**
 * Whether a refused token may be held against its device: only while the certificate is beyond doubt, because
 * pushes go through and something was delivered lately.
 */
export function provesCertificate(circuit: Circuit): boolean {
  return circuit.open === undefined && circuit.delivered > 0
}

function count(circuit: Circuit, told: PushTold, now: number): Circuit {
  const { channel, verdict } = told
  const before = countDelivered(windowAt(circuit, now), told.delivered, now)
  const isNew = verdict.kind === 'token_refused' && !before.refused.includes(channel)
  return {
    ...before,
    sent: before.sent + Number(verdict.kind !== 'delivered'),
    refused: isNew ? [...before.refused, channel] : before.refused,
    unanswered: verdict.kind === 'transport' ? circuit.unanswered + 1 : 0,
  }
}

function windowAt(circuit: Circuit, now: number): Circuit {
  return now - circuit.windowStart < WINDOW
    ? circuit
    : { ...circuit, windowStart: now, sent: 0, delivered: 0, refused: [] }
}

function causeToOpen(circuit: Circuit, verdict: Verdict): OpenReason | undefined {
  if (verdict.kind === 'configuration') return 'configuration'
  if (circuit.unanswered >= TRANSPORT_FAILURES) return 'transport'
  const failures = circuit.refused.length
  const enough = circuit.delivered === 0 ? SUSPECT_COUNT_UNPROVEN : SUSPECT_COUNT
  const suspect = failures >= enough && failures > circuit.sent * SUSPECT_SHARE
  return verdict.kind === 'token_refused' && suspect ? 'tokens' : undefined
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
