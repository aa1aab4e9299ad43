import { DurableObject } from 'cloudflare:workers'
import type { Gate, PushCircuit } from '../device/push-gate.ts'
import { log, warn } from '../log.ts'
import { admit, newCircuit, record, type Circuit } from '../push/circuit.ts'
import type { Verdict } from '../push/verdict.ts'

const KEY = 'circuit'

/** The circuit of one push topic (design.md 7): counts failures, and holds every push back when it is open. */
export class Push extends DurableObject implements PushCircuit {
  async gate(certificateId: string): Promise<Gate> {
    const now = Date.now()
    const before = this.#circuit(certificateId, now)
    const { allowed, circuit } = admit(before, now)
    if (circuit !== before) {
      this.#keep(circuit)
    }
    return gate(circuit, allowed)
  }

  async record(
    certificateId: string,
    channel: string,
    verdict: Verdict,
    delivered: number,
  ): Promise<Gate> {
    const now = Date.now()
    const before = this.#circuit(certificateId, now)
    const counted = { ...before, sent: before.sent + delivered }
    const circuit =
      verdict.kind === 'delivered' && !before.open
        ? counted
        : record(counted, { kind: 'pushed', channel, verdict }, now)
    this.#keep(circuit)
    if (circuit.open && !before.open) {
      warn('push:circuit-open', { reason: circuit.open.reason, detail: circuit.open.detail })
    } else if (before.open && !circuit.open) {
      log('push:circuit-closed')
    }
    return gate(circuit, circuit.open === undefined)
  }

  /** A new certificate closes the circuit and voids every flag that devices got under the old one. */
  #circuit(certificateId: string, now: number): Circuit {
    const stored = this.ctx.storage.kv.get<Circuit>(KEY)
    if (!stored) {
      return newCircuit(certificateId, now)
    }
    return record(stored, { kind: 'certificate', id: certificateId }, now)
  }

  #keep(circuit: Circuit): void {
    this.ctx.storage.kv.put(KEY, circuit)
  }
}

function gate(circuit: Circuit, allowed: boolean): Gate {
  return {
    open: allowed ? undefined : circuit.open?.detail,
    until: circuit.open?.until ?? 0,
    epoch: circuit.epoch,
  }
}
