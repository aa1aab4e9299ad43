/** Faults that a test puts on the way to the simulated service, or on the way back. */

/** Each part is optional; without `status` the real answer goes out, changed by the others. */
export interface DepFault {
  /** Without them, of all calls. */
  readonly method?: string
  readonly path?: string
  /** `server_uuid`; logins belong to none. */
  readonly server?: string
  readonly status?: number
  /** Apple's word as the body; `quoted` in the marks of JSON. */
  readonly word?: string
  readonly quoted?: boolean
  /** Any other body. */
  readonly body?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Milliseconds. */
  readonly delay?: number
  /** The connection breaks before the service has the request, or before its answer arrives. */
  readonly drop?: 'request' | 'answer'
  /** Half of the answer's body. */
  readonly truncate?: boolean
  /** How often; without it, always. */
  readonly times?: number
  /** So many calls pass first. */
  readonly after?: number
}

/** The connection broke: `fetch` rejects, and a socket closes without an answer. */
export class DroppedConnection extends Error {
  override name = 'DroppedConnection'
}

interface Counted {
  readonly fault: DepFault
  pass: number
  left: number
}

export interface DepFaults {
  /** The returned function ends the fault. */
  readonly add: (fault: DepFault) => () => void
  /** The fault of this call. */
  readonly take: (call: FaultyCall) => DepFault | undefined
}

interface FaultyCall {
  readonly method: string
  readonly path: string
  readonly server: string
}

export function newDepFaults(): DepFaults {
  const faults = new Set<Counted>()
  return {
    add(fault) {
      const counted = { fault, pass: fault.after ?? 0, left: fault.times ?? Infinity }
      faults.add(counted)
      return () => {
        faults.delete(counted)
      }
    },
    take: (call) => [...faults].find((counted) => hits(counted, call))?.fault,
  }
}

function hits(counted: Counted, call: FaultyCall): boolean {
  const { method = call.method, path = call.path, server = call.server } = counted.fault
  if (method !== call.method || path !== call.path || server !== call.server) {
    return false
  }
  if (counted.pass > 0) {
    counted.pass -= 1
    return false
  }
  counted.left -= 1
  return counted.left >= 0
}

/** The body of a refusal. */
export function wordBody({ word = '', quoted = false, body }: DepFault): string {
  return body ?? (quoted ? JSON.stringify(word) : word)
}
