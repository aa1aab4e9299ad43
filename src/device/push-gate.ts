import { defaultExpiration, pushRequest } from '../push/request.ts'
import { judge, readAnswer, type Verdict } from '../push/verdict.ts'
import { reasonOf, warn } from '../log.ts'
import type { PushTarget } from './pushing.ts'

/** The Push object, which holds the circuit of one push certificate, as device objects see it. */
export interface PushCircuit {
  gate(certificateId: string): Promise<Gate>
  record(certificateId: string, channel: string, verdict: Verdict, delivered: number): Promise<Gate>
}

/** What the circuit says: whether pushes may leave, and in which epoch flags count. */
export interface Gate {
  readonly open: string | undefined
  readonly until: number
  readonly epoch: number
}

export interface PushSettings {
  readonly certificateId: string
  readonly circuit: PushCircuit
  readonly apns: { fetch(url: string, init: RequestInit): Promise<Response> } | undefined
}

const GATE_AGE = 30_000
const TIMEOUT = 10_000
/** Successes are told to the circuit in lots: it needs their number, not each of them. */
const LOT = 50
export const NO_APNS =
  'no push certificate: pushes need the APNS binding (docs/deploy.md); commands stay queued until then'

/** An isolate's memory of the circuit: any object in it may be wrong for 30 s, which costs a push at most. */
let memory: { certificateId: string; at: number; gate: Gate } | undefined
let delivered = 0

/** The circuit as the isolate knows it; a circuit that cannot be reached stops nobody. */
export async function gateOf(settings: PushSettings, now: number): Promise<Gate> {
  const { certificateId } = settings
  if (memory?.certificateId === certificateId && now - memory.at < GATE_AGE) {
    return memory.gate
  }
  try {
    const gate = await settings.circuit.gate(certificateId)
    memory = { certificateId, at: now, gate }
    return gate
  } catch (error) {
    warn('push:circuit-unreachable', { reason: reasonOf(error) })
    return { open: undefined, until: 0, epoch: memory?.gate.epoch ?? 0 }
  }
}

/** Sends one push and tells the circuit how it went. */
export async function sendPush(
  settings: PushSettings,
  target: PushTarget,
  push: {
    readonly id: string
    readonly device: string
    readonly now: number
    readonly expiration?: number
  },
): Promise<{ verdict: Verdict; gate: Gate }> {
  const verdict = await post(settings, target, push)
  if (verdict.kind === 'delivered') {
    delivered += 1
    if (delivered < LOT && memory && !memory.gate.open) {
      return { verdict, gate: memory.gate }
    }
  } else {
    warn('push:failed', { device: push.device, verdict: verdict.kind, reason: verdict.reason })
  }
  const lot = delivered
  delivered = 0
  const channel = `${push.device}:${target.user}`
  try {
    const gate = await settings.circuit.record(settings.certificateId, channel, verdict, lot)
    memory = { certificateId: settings.certificateId, at: push.now, gate }
    return { verdict, gate }
  } catch (error) {
    warn('push:circuit-unreachable', { reason: reasonOf(error) })
    return { verdict, gate: await gateOf(settings, push.now) }
  }
}

async function post(
  settings: PushSettings,
  target: PushTarget,
  push: { readonly id: string; readonly now: number; readonly expiration?: number },
): Promise<Verdict> {
  if (!settings.apns) {
    return { kind: 'transport', reason: NO_APNS }
  }
  const { path, headers, body } = pushRequest({
    ...target,
    expiration: push.expiration ?? defaultExpiration(push.now),
    id: push.id,
  })
  const attempt = async (apns: NonNullable<PushSettings['apns']>): Promise<Verdict> => {
    // A time-out that is never cleared would pin the object, and its bill, until it fires.
    const timeout = new AbortController()
    const timer = setTimeout(() => {
      timeout.abort()
    }, TIMEOUT)
    try {
      const answer = await apns.fetch(`https://api.push.apple.com${path}`, {
        method: 'POST',
        headers,
        body,
        signal: timeout.signal,
      })
      return judge(readAnswer(answer.status, answer.headers, await answer.text()))
    } catch (error) {
      return { kind: 'transport', reason: reasonOf(error) }
    } finally {
      clearTimeout(timer)
    }
  }
  const first = await attempt(settings.apns)
  // A pooled connection that APNs has closed shows up as a transport failure once.
  return first.kind === 'transport' ? attempt(settings.apns) : first
}
