import { DurableObject } from 'cloudflare:workers'
import { clock } from '../clock.ts'
import type { DeviceNamespace } from '../device/stub.ts'
import {
  GATE_AGE,
  NO_CERTIFICATE,
  type CircuitState,
  type PushCircuit,
} from '../device/push/gate.ts'
import type { Job } from '../jobs/job.ts'
import { PUSH_WAITING, pushWaitingRound } from '../jobs/push-waiting.ts'
import { log, warn } from '../log.ts'
import {
  afterProbe,
  countDelivered,
  current,
  heldBy,
  newCircuit,
  provesCertificate,
  recordPush,
  toProbe,
  underCertificate,
  type Circuit,
  type PushReport,
} from '../push/circuit.ts'
import { pushChannels } from './probe.ts'

export interface CircuitEnv {
  readonly DEVICE: DeviceNamespace
  readonly JOB: { getByName(name: string): Pick<Job, 'cancel' | 'start'> }
}

const CIRCUIT = 'circuit'
/** When the job that pushes waiting commands is due; absent once it has started. */
const DUE = 'due'
/** How far the clocks of objects may differ. */
const CLOCK_SKEW = 1000
/** After this time no isolate has a copy of the circuit in which it is open. */
const START_AFTER = GATE_AGE + 5000
/** How often failures of many devices are probed. */
const PROBE_EVERY = 60_000
/** An alarm whose process died runs again after this time. */
const FALLBACK = 60_000
/** The interval of probes of an open circuit whose time is over, until a push closes it or opens it again. */
const REST = 900_000

/**
 * The circuit of one push topic. It counts failures, and holds pushes back while it is open
 * (src/push/circuit.ts decides). It probes devices that pushes have reached before: if they answer, the cause
 * is elsewhere. When pushes may leave again, a job lets each device push its waiting commands
 * (src/jobs/push-waiting.ts).
 */
export class Push extends DurableObject<CircuitEnv> implements PushCircuit {
  static readonly schema = 1
  /** The circuit as it is stored, once it was read. */
  #stored: Circuit | undefined
  #probedAt = -Infinity

  async inUse(certificateId: string): Promise<void> {
    this.#keep(this.#circuit(certificateId))
  }

  async gate(
    certificateId: string,
    delivered: number,
    proven: readonly string[] = [],
  ): Promise<CircuitState> {
    const now = clock.now()
    const circuit = current(this.#circuit(certificateId), now)
    this.#keep(countDelivered(circuit, { delivered, proven }, now))
    return this.#gate(now)
  }

  async record(certificateId: string, report: PushReport): Promise<CircuitState> {
    const now = clock.now()
    this.#keep(recordPush(this.#circuit(certificateId), report, now))
    if (!this.#load()?.open && now - this.#probedAt >= PROBE_EVERY) {
      this.ctx.waitUntil(this.#probe())
    }
    return this.#gate(now)
  }

  async state(): Promise<CircuitState> {
    return this.#gate(clock.now())
  }

  override async alarm(): Promise<void> {
    const { storage } = this.ctx
    await storage.setAlarm(clock.now() + FALLBACK)
    await storage.sync()
    const circuit = this.#load()
    if (!circuit?.open) {
      await this.#pushAll()
    } else if (clock.now() >= circuit.open.until) {
      this.#keep(current(circuit, clock.now()))
      // A probed device may fail on purpose, so other devices try too.
      await Promise.all([this.#startPushing(clock.now()), this.#probe()])
    }
    const open = this.#load()?.open
    const next = open ? open.until || clock.now() + REST : storage.kv.get<number>(DUE)
    if (next === undefined) {
      await storage.deleteAlarm()
    } else {
      await storage.setAlarm(next)
    }
  }

  /** Pushes may leave again: the job begins with the first device. */
  async #pushAll(): Promise<void> {
    const { kv } = this.ctx.storage
    const due = kv.get<number>(DUE)
    if (due === undefined) {
      return
    }
    await this.env.JOB.getByName(PUSH_WAITING).cancel()
    await this.#startPushing(due - START_AFTER + CLOCK_SKEW)
    if (kv.get(DUE) === due) {
      kv.delete(DUE)
    }
  }

  /** Starts the job for the devices that enrolled before that time, unless it runs. */
  async #startPushing(until: number): Promise<void> {
    const round = pushWaitingRound(this.ctx.id.name ?? '', until)
    await this.env.JOB.getByName(PUSH_WAITING).start(round)
  }

  /** Probes devices that pushes have reached before: their answers show whether the cause is there. */
  async #probe(): Promise<void> {
    const before = this.#load()
    const channels = before ? toProbe(before) : []
    if (channels.length === 0) {
      return
    }
    this.#probedAt = clock.now()
    const failed = await pushChannels(this.env.DEVICE, channels)
    const after = this.#load()
    if (after) {
      this.#keep(afterProbe(after, failed))
    }
  }

  #load(): Circuit | undefined {
    this.#stored ??= this.ctx.storage.kv.get<Circuit>(CIRCUIT)
    return this.#stored
  }

  #circuit(certificateId: string): Circuit {
    const stored = this.#load()
    return stored ? underCertificate(stored, certificateId) : newCircuit(certificateId)
  }

  #gate(now: number): CircuitState {
    const circuit = this.#load()
    return {
      open: circuit?.open?.detail,
      until: circuit?.open?.until ?? 0,
      held: circuit && heldBy(circuit),
      epoch: circuit?.epoch ?? 0,
      blames: circuit !== undefined && provesCertificate(circuit, now),
    }
  }

  #keep(circuit: Circuit): void {
    const before = this.#stored
    if (circuit === before) {
      return
    }
    this.#stored = circuit
    this.ctx.storage.kv.put(CIRCUIT, circuit)
    const { open } = circuit
    if (open && open.until > (before?.open?.until ?? 0)) {
      this.#wake(open.until)
    }
    if (open && !before?.open) {
      warn('push:circuit-open', { reason: open.reason, detail: open.detail })
    } else if (before?.open && !open) {
      log('push:circuit-closed')
    }
    if (mayLeaveAgain(before, circuit)) {
      const due = clock.now() + START_AFTER
      this.ctx.storage.kv.put(DUE, due)
      this.#wake(due)
    }
  }

  #wake(at: number): void {
    this.ctx.waitUntil(this.ctx.storage.setAlarm(at))
  }
}

/** The cause that held pushes back is gone: there is a new certificate, or the circuit has closed. */
function mayLeaveAgain(before: Circuit | undefined, circuit: Circuit): boolean {
  return (
    circuit.certificateId !== NO_CERTIFICATE &&
    circuit.open === undefined &&
    (before?.certificateId !== circuit.certificateId || before.open !== undefined)
  )
}
