import { DurableObject } from 'cloudflare:workers'
import type { Admission, Gate, PushCircuit } from '../device/push-gate.ts'
import { log, warn } from '../log.ts'
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

const KEY = 'circuit'

/** The circuit of one push topic (design.md 7): counts failures, and holds every push back when it is open. */
export class Push extends DurableObject implements PushCircuit {
  /** What is stored, once it was read. */
  #stored: Circuit | undefined

  async gate(certificateId: string, delivered: number): Promise<Admission> {
    const now = Date.now()
    const { allowed, circuit } = admit(
      countDelivered(this.#circuit(certificateId, now), delivered, now),
      now,
    )
    this.#keep(circuit)
    return { admitted: allowed, gate: gate(circuit) }
  }

  async record(certificateId: string, told: PushTold): Promise<Gate> {
    const now = Date.now()
    const circuit = record(this.#circuit(certificateId, now), told, now)
    this.#keep(circuit)
    return gate(circuit)
  }

  #circuit(certificateId: string, now: number): Circuit {
    this.#stored ??= this.ctx.storage.kv.get<Circuit>(KEY)
    return this.#stored
      ? underCertificate(this.#stored, certificateId, now)
      : newCircuit(certificateId, now)
  }

  #keep(circuit: Circuit): void {
    const before = this.#stored
    if (circuit === before) {
      return
    }
    this.#stored = circuit
    this.ctx.storage.kv.put(KEY, circuit)
    if (circuit.open && !before?.open) {
      warn('push:circuit-open', { reason: circuit.open.reason, detail: circuit.open.detail })
    } else if (before?.open && !circuit.open) {
      log('push:circuit-closed')
    }
  }
}

function gate(circuit: Circuit): Gate {
  return {
    open: circuit.open?.detail,
    until: circuit.open?.until ?? 0,
    epoch: circuit.epoch,
    blames: provesCertificate(circuit),
  }
}
