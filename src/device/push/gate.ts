import { abortAfter, clock } from '../../clock.ts'
import type { Config } from '../../config/config.ts'
import { count } from '../../figures/count.ts'
import { defaultExpiration, pushRequest } from '../../push/request.ts'
import { judge, readAnswer, type Verdict } from '../../push/verdict.ts'
import { reasonOf } from '../../reason.ts'
import { warn } from '../../log.ts'
import { PROVEN, type Delivered, type PushReport } from '../../push/circuit.ts'
import { pushCertificateInUse, type PushCertificateEnv } from './certificate.ts'
import type { PushTarget } from './decide.ts'

/** The object of one push certificate's circuit, as device objects call it. */
export interface PushCircuit {
  /** Names the certificate that pushes leave with; {@link NO_CERTIFICATE} without one. */
  inUse(certificateId: string): Promise<void>
  /** The state before a push. The caller reports its new successes, and some of their channels. */
  gate(certificateId: string, delivered: number, proven?: readonly string[]): Promise<CircuitState>
  record(certificateId: string, report: PushReport): Promise<CircuitState>
  state(): Promise<CircuitState>
}

/** The answer of the circuit. */
export interface CircuitState {
  /**
   * The reason why pushes are held back until `until`; `undefined` if they are not. While there is a reason,
   * each success is reported at once.
   */
  readonly open: string | undefined
  readonly until: number
  /** The devices whose pushes are held back; `undefined` for all. */
  readonly held?: readonly string[] | undefined
  /** The present epoch. Flags of tokens count only in the epoch in which they were set. */
  readonly epoch: number
  /** Whether a refused token may be held against its device. */
  readonly blames: boolean
}

/** Whether this one push may leave. */
export interface PushAdmission {
  readonly admitted: boolean
  readonly circuit: CircuitState
}

export interface PushBindings extends PushCertificateEnv {
  readonly PUSH: { getByName(name: string): PushCircuit }
  /** The push certificate's mTLS binding; absent until one was uploaded. */
  readonly APNS?: Fetcher
}

export interface PushSettings {
  /** The push certificate's topic; empty while it is unknown. */
  readonly topic: string
  readonly certificateId: string
  readonly circuit: PushCircuit
  readonly apns: { fetch(url: string, init: RequestInit): Promise<Response> } | undefined
}

/** How long an isolate relies on a state of the circuit. */
export const GATE_AGE = 30_000
const TIMEOUT = 10_000
/** Successes are reported to the circuit in lots: it needs their number, not each of them. */
const LOT = 50
/** While the circuit cannot be reached, no device is blamed and no flag counts. */
const UNREACHABLE: CircuitState = { open: undefined, until: 0, epoch: -1, blames: false }
export const NO_APNS =
  'no push certificate: pushes need the APNS binding (docs/deploy.md); commands stay queued until then'

export const NO_CERTIFICATE = 'none'

export async function pushSettings(
  env: PushBindings,
  config: Config,
  now: number,
): Promise<PushSettings> {
  const { topic, id } = await pushCertificateInUse(env, config, now)
  return {
    topic,
    certificateId: env.APNS ? id : NO_CERTIFICATE,
    circuit: env.PUSH.getByName(topic || 'default'),
    apns: env.APNS,
  }
}

/** The certificate that each environment's circuit knows, and when that was checked. */
const checked = new WeakMap<object, { certificateId: string | undefined; at: number }>()

/**
 * Reports the certificate in use to the circuit, once for each isolate and certificate. So the circuit knows
 * a new certificate at once, not only at the next push. Every request runs this, so it returns `undefined`
 * when there is nothing to check.
 */
export function announceCertificate(
  env: PushBindings,
  config: Config,
  now: number,
): Promise<void> | undefined {
  const known = checked.get(env)
  if (known && now - known.at < GATE_AGE) {
    return undefined
  }
  checked.set(env, { certificateId: known?.certificateId, at: now })
  return nameCertificate(env, config, now)
}

async function nameCertificate(env: PushBindings, config: Config, now: number): Promise<void> {
  try {
    const { circuit, certificateId } = await pushSettings(env, config, now)
    if (checked.get(env)?.certificateId !== certificateId) {
      await circuit.inUse(certificateId)
      checked.set(env, { certificateId, at: now })
    }
  } catch (error) {
    warn('push:circuit-unreachable', { reason: reasonOf(error) })
  }
}

/** The isolate's copy of the circuit. It may be 30 s old; then one push too many may leave. */
let memory: { certificateId: string; at: number; circuit: CircuitState } | undefined
/** Successes that were not reported to the circuit, and the first few of their channels, by device. */
let unreported = 0
const unreportedChannels = new Map<string, string>()
/** How many pushes APNs has answered. */
let answers = 0

function takeUnreported(): Required<Delivered> {
  const report = { delivered: unreported, proven: [...unreportedChannels.values()] }
  unreported = 0
  unreportedChannels.clear()
  return report
}

/**
 * Whether a push may leave, as far as the isolate knows. If the circuit cannot be reached, every push may
 * leave.
 */
export async function admitPush(
  settings: PushSettings,
  device: string,
  now: number,
): Promise<PushAdmission> {
  const { certificateId } = settings
  if (memory?.certificateId === certificateId && now - memory.at < GATE_AGE) {
    const { circuit } = memory
    if (circuit.open === undefined || now < circuit.until) {
      return { admitted: mayLeave(circuit, device, now), circuit }
    }
  }
  const { delivered, proven } = takeUnreported()
  try {
    const circuit = await settings.circuit.gate(certificateId, delivered, proven)
    memory = { certificateId, at: now, circuit }
    return { admitted: mayLeave(circuit, device, now), circuit }
  } catch (error) {
    warn('push:circuit-unreachable', { reason: reasonOf(error) })
    return { admitted: true, circuit: UNREACHABLE }
  }
}

function mayLeave({ open, until, held }: CircuitState, device: string, now: number): boolean {
  return open === undefined || now >= until || (held !== undefined && !held.includes(device))
}

/** One push: its id for APNs, its device, and the epoch in which it leaves. */
export interface OutgoingPush {
  readonly id: string
  readonly device: string
  readonly now: number
  readonly epoch: number
  /** Seconds since 1970. */
  readonly expiration?: number | undefined
}

/** Sends one push and reports its outcome to the circuit. */
export async function sendPush(
  settings: PushSettings,
  target: PushTarget,
  push: OutgoingPush,
): Promise<{ verdict: Verdict; circuit: CircuitState }> {
  const { certificateId } = settings
  const channel = `${push.device}:${target.user}`
  const answeredBefore = answers
  const verdict = await postPush(settings, target, push)
  const othersAnswered = answers > answeredBefore
  answers += Number(verdict.kind !== 'transport')
  if (verdict.kind === 'delivered') {
    count('pushes_total', { result: verdict.kind })
    unreported += 1
    if (unreportedChannels.size < PROVEN) {
      unreportedChannels.set(push.device, channel)
    }
    if (unreported < LOT && memory && memory.circuit.open === undefined) {
      return { verdict, circuit: memory.circuit }
    }
  } else {
    warn('push:failed', { device: push.device, verdict: verdict.kind, reason: verdict.reason })
  }
  const report = { ...takeUnreported(), channel, verdict, epoch: push.epoch, othersAnswered }
  try {
    const circuit = await settings.circuit.record(certificateId, report)
    memory = { certificateId, at: push.now, circuit }
    return { verdict, circuit }
  } catch (error) {
    warn('push:circuit-unreachable', { reason: reasonOf(error) })
    return { verdict, circuit: UNREACHABLE }
  }
}

/** Sends one push, and again if its connection was stale. The circuit does not hear of it. */
export async function postPush(
  settings: PushSettings,
  target: PushTarget,
  push: OutgoingPush,
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
    const timeout = abortAfter(TIMEOUT)
    try {
      const answer = await apns.fetch(`https://api.push.apple.com${path}`, {
        method: 'POST',
        headers,
        body,
        signal: timeout.signal,
      })
      const read = readAnswer(answer.status, answer.headers, await answer.text())
      return judge(read, settings.topic !== '')
    } catch (error) {
      return { kind: 'transport', reason: reasonOf(error) }
    } finally {
      timeout.cancel()
    }
  }
  const began = clock.now()
  const first = await attempt(settings.apns)
  // A pooled connection that APNs has closed fails once, at once, as a transport failure.
  return first.kind === 'transport' && clock.now() - began < TIMEOUT / 2
    ? attempt(settings.apns)
    : first
}
