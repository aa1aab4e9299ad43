import { abortAfter, clock } from '../../clock.ts'
import type { Config } from '../../config/config.ts'
import { defaultExpiration, pushRequest } from '../../push/request.ts'
import { judge, readAnswer, type Verdict } from '../../push/verdict.ts'
import { reasonOf, warn } from '../../log.ts'
import { PROVEN, type Delivered, type PushTold } from '../../push/circuit.ts'
import { pushCertificateInUse, type PushCertificateEnv } from './certificate.ts'
import type { PushTarget } from './decide.ts'

/** The Push object, which holds the circuit of one push certificate, as device objects see it. */
export interface PushCircuit {
  /** Tells which certificate pushes leave with; {@link NO_CERTIFICATE} without one. */
  inUse(certificateId: string): Promise<void>
  /** Asks before a push, and tells of successes that were not told yet, and of some of their channels. */
  gate(certificateId: string, delivered: number, proven?: readonly string[]): Promise<Gate>
  record(certificateId: string, told: PushTold): Promise<Gate>
}

/** What the circuit says. */
export interface Gate {
  /** Why pushes are held back, and until when; `undefined` when they may leave. A success then is told at once. */
  readonly open: string | undefined
  readonly until: number
  /** The devices whose pushes are held back; `undefined` for all. */
  readonly held?: readonly string[] | undefined
  /** In which epoch flags count. */
  readonly epoch: number
  /** Whether a refused token may be held against its device. */
  readonly blames: boolean
}

/** Whether this one push may leave. */
export interface Admission {
  readonly admitted: boolean
  readonly gate: Gate
}

export interface PushEnv extends PushCertificateEnv {
  readonly PUSH: { getByName(name: string): PushCircuit }
  /** The push certificate's mTLS binding; absent until one was uploaded. */
  readonly APNS?: Fetcher
}

export interface PushSettings {
  /** The push certificate's topic; empty when nobody told us. */
  readonly topic: string
  readonly certificateId: string
  readonly circuit: PushCircuit
  readonly apns: { fetch(url: string, init: RequestInit): Promise<Response> } | undefined
}

/** How long an isolate believes what it knows of the circuit. */
export const GATE_AGE = 30_000
const TIMEOUT = 10_000
/** Successes are told to the circuit in lots: it needs their number, not each of them. */
const LOT = 50
/** Nobody is blamed while the circuit cannot be asked, and no flag counts. */
const UNREACHABLE: Gate = { open: undefined, until: 0, epoch: -1, blames: false }
export const NO_APNS =
  'no push certificate: pushes need the APNS binding (docs/deploy.md); commands stay queued until then'

export const NO_CERTIFICATE = 'none'

export async function pushSettings(
  env: PushEnv,
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

/** Which certificate each environment's circuit was told of, and when that was looked at. */
const toldOf = new WeakMap<object, { certificateId: string | undefined; at: number }>()

/**
 * Tells the circuit which certificate is in use, once per isolate and certificate: a new one is known at once, not
 * at the next push. On the path of every request, so `undefined` when there is nothing to look at.
 */
export function tellCertificate(
  env: PushEnv,
  config: Config,
  now: number,
): Promise<void> | undefined {
  const known = toldOf.get(env)
  if (known && now - known.at < GATE_AGE) {
    return undefined
  }
  toldOf.set(env, { certificateId: known?.certificateId, at: now })
  return tell(env, config, now)
}

async function tell(env: PushEnv, config: Config, now: number): Promise<void> {
  try {
    const { circuit, certificateId } = await pushSettings(env, config, now)
    if (toldOf.get(env)?.certificateId !== certificateId) {
      await circuit.inUse(certificateId)
      toldOf.set(env, { certificateId, at: now })
    }
  } catch (error) {
    warn('push:circuit-unreachable', { reason: reasonOf(error) })
  }
}

/** An isolate's memory of the circuit: any object in it may be wrong for 30 s, which costs a push at most. */
let memory: { certificateId: string; at: number; gate: Gate } | undefined
/** Successes that the circuit was not told of, and the first few of their channels, by device. */
let untold = 0
const untoldChannels = new Map<string, string>()
/** How many pushes APNs has answered. */
let answers = 0

function takeUntold(): Required<Delivered> {
  const told = { delivered: untold, proven: [...untoldChannels.values()] }
  untold = 0
  untoldChannels.clear()
  return told
}

/** The circuit as the isolate knows it; a circuit that cannot be reached stops nobody. */
export async function admission(
  settings: PushSettings,
  device: string,
  now: number,
): Promise<Admission> {
  const { certificateId } = settings
  if (memory?.certificateId === certificateId && now - memory.at < GATE_AGE) {
    const { gate } = memory
    if (gate.open === undefined || now < gate.until) {
      return { admitted: mayLeave(gate, device, now), gate }
    }
  }
  const { delivered, proven } = takeUntold()
  try {
    const gate = await settings.circuit.gate(certificateId, delivered, proven)
    memory = { certificateId, at: now, gate }
    return { admitted: mayLeave(gate, device, now), gate }
  } catch (error) {
    warn('push:circuit-unreachable', { reason: reasonOf(error) })
    return { admitted: true, gate: UNREACHABLE }
  }
}

function mayLeave({ open, until, held }: Gate, device: string, now: number): boolean {
  return open === undefined || now >= until || (held !== undefined && !held.includes(device))
}

/** One push: how APNs is to know it, whose it is, and the epoch in which it leaves. */
export interface Push {
  readonly id: string
  readonly device: string
  readonly now: number
  readonly epoch: number
  /** Seconds since 1970. */
  readonly expiration?: number | undefined
}

/** Sends one push and tells the circuit how it went. */
export async function sendPush(
  settings: PushSettings,
  target: PushTarget,
  push: Push,
): Promise<{ verdict: Verdict; gate: Gate }> {
  const { certificateId } = settings
  const channel = `${push.device}:${target.user}`
  const answeredBefore = answers
  const verdict = await post(settings, target, push)
  const othersAnswered = answers > answeredBefore
  answers += Number(verdict.kind !== 'transport')
  if (verdict.kind === 'delivered') {
    untold += 1
    if (untoldChannels.size < PROVEN) {
      untoldChannels.set(push.device, channel)
    }
    if (untold < LOT && memory && memory.gate.open === undefined) {
      return { verdict, gate: memory.gate }
    }
  } else {
    warn('push:failed', { device: push.device, verdict: verdict.kind, reason: verdict.reason })
  }
  const told = { ...takeUntold(), channel, verdict, epoch: push.epoch, othersAnswered }
  try {
    const gate = await settings.circuit.record(certificateId, told)
    memory = { certificateId, at: push.now, gate }
    return { verdict, gate }
  } catch (error) {
    warn('push:circuit-unreachable', { reason: reasonOf(error) })
    return { verdict, gate: UNREACHABLE }
  }
}

async function post(settings: PushSettings, target: PushTarget, push: Push): Promise<Verdict> {
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
  // A pooled connection that APNs has closed shows up as a transport failure once, and at once.
  return first.kind === 'transport' && clock.now() - began < TIMEOUT / 2
    ? attempt(settings.apns)
    : first
}
