import { DurableObject } from 'cloudflare:workers'
import { clock, inTime } from '../clock.ts'
import type { DeviceNamespace } from '../device/object.ts'
import {
  GATE_AGE,
  NO_CERTIFICATE,
  type CircuitState,
  type PushCircuit,
} from '../device/push/gate.ts'
import { idsAfter } from '../directory/devices/rows.ts'
import { log, reasonOf, warn } from '../log.ts'
import { splitEnrollmentId } from '../mdm/enrollment.ts'
import {
  afterProbe,
  countDelivered,
  current,
  heldBy,
  newCircuit,
  provesCertificate,
  record,
  toProbe,
  underCertificate,
  type Circuit,
  type PushTold,
} from '../push/circuit.ts'

export interface PushEnv {
  readonly DEVICE: DeviceNamespace
  readonly DB: D1Database
}

const CIRCUIT = 'circuit'
/** The device after which the walk goes on. */
const WALK = 'walk'
/** By then no isolate believes any more that the circuit is open. */
const WALK_AFTER = GATE_AGE + 5000
/** The pace of the walk: so many devices are asked at once, so often. */
const PAGE = 25
const PAGE_EVERY = 1000
/** So long the walk waits for a device, whose pushes go on behind it. */
const SHARE = 2000
/** A push that hangs is given up by then. */
const PROBE_PATIENCE = 30_000
/** Failures of many devices are looked into that often. */
const PROBE_EVERY = 60_000
/** When a step that died is repeated. */
const RETRY_AFTER_DEATH = 60_000
/** While the circuit is open, its time is over, and no device on the whole walk had anything to try with. */
const REST = 900_000

/**
 * The circuit of one push topic (docs/architecture.md): counts failures, and holds pushes back when it is open. Whether the cause
 * is there, and whether it is gone, it finds out with devices that pushes reached before. When pushes may leave again, it walks
 * the directory and asks each device to push what waits.
 */
export class Push extends DurableObject<PushEnv> implements PushCircuit {
  /** What is stored, once it was read. */
  #stored: Circuit | undefined
  #walkBegan = false
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

  async record(certificateId: string, told: PushTold): Promise<CircuitState> {
    const now = clock.now()
    this.#keep(record(this.#circuit(certificateId), told, now))
    if (!this.#load()?.open && now - this.#probedAt >= PROBE_EVERY) {
      this.ctx.waitUntil(this.#probe())
    }
    return this.#gate(now)
  }

  override async alarm(): Promise<void> {
    const { storage } = this.ctx
    await storage.setAlarm(clock.now() + RETRY_AFTER_DEATH)
    await storage.sync()
    const next = await this.#goOn()
    if (next === undefined) {
      await storage.deleteAlarm()
    } else {
      await storage.setAlarm(next)
    }
  }

  /** @returns when to go on; `undefined` when nothing is left to do. */
  async #goOn(): Promise<number | undefined> {
    const circuit = this.#load()
    if (!circuit?.open) {
      return this.#step(false)
    }
    if (clock.now() < circuit.open.until) {
      return circuit.open.until
    }
    this.#keep(current(circuit, clock.now()))
    // Should those that pushes reached before all fail on purpose, the others of the fleet have their turn.
    const [next] = await Promise.all([this.#step(true), this.#probe()])
    return this.#walkBegan ? clock.now() + WALK_AFTER : next
  }

  /** Pushes devices that pushes reached before, if something is to be found out. What they are answered is recorded as any push's is. */
  async #probe(): Promise<void> {
    const before = this.#load()
    const channels = before ? toProbe(before) : []
    if (channels.length === 0) {
      return
    }
    this.#probedAt = clock.now()
    const reached = await Promise.all(channels.map((channel) => this.#push(channel)))
    const after = this.#load()
    if (after) {
      this.#keep(
        afterProbe(
          after,
          channels.filter((_, index) => !reached[index]),
        ),
      )
    }
  }

  /** @returns whether a push was delivered. */
  async #push(channel: string): Promise<boolean> {
    const { device, user } = splitEnrollmentId(channel)
    try {
      const answer = await inTime(
        PROBE_PATIENCE,
        this.env.DEVICE.getByName(device).push({ user, bare: false }),
      )
      return answer.kind === 'pushed'
    } catch (error) {
      warn('push:device-unreachable', { device, reason: reasonOf(error) })
      return false
    }
  }

  /** Asks a page of devices. @returns when to go on; `undefined` at the end of the walk. */
  async #step(tries: boolean): Promise<number | undefined> {
    const { kv } = this.ctx.storage
    this.#walkBegan = false
    const page = await idsAfter(this.env.DB, kv.get<string>(WALK) ?? '', PAGE)
    await Promise.all(page.map((device) => this.#ask(device, tries)))
    if (this.#walkBegan) {
      return clock.now() + WALK_AFTER
    }
    const isEnd = page.length < PAGE
    kv.put(WALK, isEnd ? '' : (page.at(-1) ?? ''))
    const open = this.#load()?.open
    if (!isEnd) {
      return Math.max(clock.now() + PAGE_EVERY, open?.until ?? 0)
    }
    return open && Math.max(clock.now() + REST, open.until)
  }

  async #ask(device: string, tries: boolean): Promise<void> {
    try {
      await inTime(SHARE, this.env.DEVICE.getByName(device).pushWaiting(tries))
    } catch (error) {
      warn('push:device-unreachable', { device, reason: reasonOf(error) })
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
      this.#walkBegan = true
      this.ctx.storage.kv.put(WALK, '')
      this.#wake(clock.now() + WALK_AFTER)
    }
  }

  #wake(at: number): void {
    this.ctx.waitUntil(this.ctx.storage.setAlarm(at))
  }
}

/** The cause that held pushes back is gone: there is a certificate, another one, or the circuit has closed. */
function mayLeaveAgain(before: Circuit | undefined, circuit: Circuit): boolean {
  return (
    circuit.certificateId !== NO_CERTIFICATE &&
    circuit.open === undefined &&
    (before?.certificateId !== circuit.certificateId || before.open !== undefined)
  )
}
