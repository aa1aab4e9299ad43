import { DurableObject } from 'cloudflare:workers'
import { clock } from '../clock.ts'
import type { DeviceNamespace } from '../device/object.ts'
import {
  GATE_AGE,
  NO_CERTIFICATE,
  type Admission,
  type Gate,
  type PushCircuit,
} from '../device/push-gate.ts'
import { idsAfter } from '../directory/directory.ts'
import { log, reasonOf, warn } from '../log.ts'
import {
  admit,
  countDelivered,
  newCircuit,
  provesCertificate,
  record,
  underCertificate,
  type Circuit,
  type PushTold,
} from '../push/circuit.ts'

export interface PushEnv {
  readonly DEVICE: DeviceNamespace
  readonly DB: D1Database
}

const CIRCUIT = 'push'
/** The device after which the walk goes on. */
const WALK = 'walk'
/** By then no isolate believes any more that the circuit is open. */
const WALK_AFTER = GATE_AGE + 5000
/** The pace of the walk: so many devices are asked at once, so often. */
const PAGE = 25
const PAGE_EVERY = 1000
/** When a step that died is repeated. */
const RETRY_AFTER_DEATH = 60_000
/** While the circuit is open and nobody on the whole walk had anything to try with. */
const REST = 900_000

/**
 * The circuit of one push topic (design.md 7): counts failures, and holds every push back when it is open. When
 * pushes may leave again, it walks the directory and asks each device to push what waits; while it is open, the
 * walk takes a step whenever one push may try.
 */
export class Push extends DurableObject<PushEnv> implements PushCircuit {
  /** What is stored, once it was read. */
  #stored: Circuit | undefined
  #walkBegan = false

  async inUse(certificateId: string): Promise<void> {
    this.#keep(this.#circuit(certificateId, clock.now()))
  }

  async gate(certificateId: string, delivered: number): Promise<Admission> {
    const now = clock.now()
    const { allowed, circuit } = admit(
      countDelivered(this.#circuit(certificateId, now), delivered, now),
      now,
    )
    this.#keep(circuit)
    return { admitted: allowed, gate: gate(circuit) }
  }

  async record(certificateId: string, told: PushTold): Promise<Gate> {
    const now = clock.now()
    const circuit = record(this.#circuit(certificateId, now), told, now)
    this.#keep(circuit)
    return gate(circuit)
  }

  override async alarm(): Promise<void> {
    const { storage } = this.ctx
    await storage.setAlarm(clock.now() + RETRY_AFTER_DEATH)
    await storage.sync()
    const open = this.#load()?.open
    const next = open && clock.now() < open.until ? open.until : await this.#step()
    if (next === undefined) {
      await storage.deleteAlarm()
    } else {
      await storage.setAlarm(next)
    }
  }

  /** Asks a page of devices. @returns when to go on; `undefined` at the end of the walk. */
  async #step(): Promise<number | undefined> {
    const { kv } = this.ctx.storage
    this.#walkBegan = false
    const page = await idsAfter(this.env.DB, kv.get<string>(WALK) ?? '', PAGE)
    await Promise.all(page.map((device) => this.#ask(device)))
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

  async #ask(device: string): Promise<void> {
    try {
      await this.env.DEVICE.getByName(device).pushWaiting()
    } catch (error) {
      warn('push:device-unreachable', { device, reason: reasonOf(error) })
    }
  }

  #load(): Circuit | undefined {
    this.#stored ??= this.ctx.storage.kv.get<Circuit>(CIRCUIT)
    return this.#stored
  }

  #circuit(certificateId: string, now: number): Circuit {
    const stored = this.#load()
    return stored ? underCertificate(stored, certificateId, now) : newCircuit(certificateId, now)
  }

  #keep(circuit: Circuit): void {
    const before = this.#stored
    if (circuit === before) {
      return
    }
    this.#stored = circuit
    this.ctx.storage.kv.put(CIRCUIT, circuit)
    if (circuit.open && !before?.open) {
      warn('push:circuit-open', { reason: circuit.open.reason, detail: circuit.open.detail })
      this.#wake(circuit.open.until)
    } else if (before?.open && !circuit.open) {
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

function gate(circuit: Circuit): Gate {
  return {
    open: circuit.open?.detail,
    until: circuit.open?.until ?? 0,
    epoch: circuit.epoch,
    blames: provesCertificate(circuit),
  }
}
