/**
 * One circuit per push certificate. A wrong certificate makes APNs refuse every token in turn; believing it would
 * flag the whole fleet, so beyond a small share of refusals the certificate is suspected and not the devices.
 */
import type { Verdict } from './verdict.ts'

const MINUTE = 60_000
const WINDOW = 10 * MINUTE
const SUSPECT_SHARE = 0.02
const SUSPECT_COUNT = 5
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
  sent: number
  /** Distinct channels whose token or topic was refused in this window. */
  refused: readonly string[]
  /** Transport failures in a row. */
  unanswered: number
  open: { reason: OpenReason; detail: string; until: number; probing: boolean } | undefined
  /** Counts openings and new certificates: a flag that a device got in an earlier epoch is void. */
  epoch: number
}

export type CircuitEvent =
  | { kind: 'pushed'; channel: string; verdict: Verdict }
  | { kind: 'certificate'; id: string }

export function newCircuit(certificateId: string, now: number): Circuit {
  return {
    certificateId,
    windowStart: now,
    sent: 0,
    refused: [],
    unanswered: 0,
    open: undefined,
    epoch: 0,
  }
}

/** Whether a push may leave now. When the time is over one push may try, and the others wait for its answer. */
export function admit(circuit: Circuit, now: number): { allowed: boolean; circuit: Circuit } {
  const { open } = circuit
  if (open === undefined) return { allowed: true, circuit }
  if (now < open.until) return { allowed: false, circuit }
  const probe = { ...open, probing: true, until: now + OPEN_FOR[open.reason] }
  return { allowed: true, circuit: { ...circuit, open: probe } }
}

export function record(circuit: Circuit, event: CircuitEvent, now: number): Circuit {
  if (event.kind === 'certificate') {
    if (event.id === circuit.certificateId) return circuit
    return { ...newCircuit(event.id, now), epoch: circuit.epoch + 1 }
  }
  const counted = count(circuit, event.channel, event.verdict, now)
  const { open } = counted
  if (open?.probing && recovers(open.reason, event.verdict)) {
    return { ...newCircuit(counted.certificateId, now), epoch: counted.epoch }
  }
  const cause = causeToOpen(counted, event.verdict)
  return cause === undefined ? counted : openCircuit(counted, cause, event.verdict, now)
}

function count(circuit: Circuit, channel: string, verdict: Verdict, now: number): Circuit {
  const fresh = now - circuit.windowStart >= WINDOW
  const refused = fresh ? [] : circuit.refused
  const isNew = verdict.kind === 'token_refused' && !refused.includes(channel)
  return {
    ...circuit,
    windowStart: fresh ? now : circuit.windowStart,
    sent: (fresh ? 0 : circuit.sent) + 1,
    refused: isNew ? [...refused, channel] : refused,
    unanswered: verdict.kind === 'transport' ? circuit.unanswered + 1 : 0,
  }
}

function causeToOpen(circuit: Circuit, verdict: Verdict): OpenReason | undefined {
  if (verdict.kind === 'configuration') return 'configuration'
  if (circuit.unanswered >= TRANSPORT_FAILURES) return 'transport'
  const failures = circuit.refused.length
  if (
    verdict.kind === 'token_refused' &&
    failures >= SUSPECT_COUNT &&
    failures > circuit.sent * SUSPECT_SHARE
  ) {
    return 'tokens'
  }
  return undefined
}

function openCircuit(circuit: Circuit, reason: OpenReason, verdict: Verdict, now: number): Circuit {
  const detail = 'reason' in verdict ? verdict.reason : reason
  return {
    ...circuit,
    open: { reason, detail, until: now + OPEN_FOR[reason], probing: false },
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
