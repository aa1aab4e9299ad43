/** What has an end, as the last look found it, and what was told of it. */
import type { ExpiryKind } from '../events/topics.ts'

/** A thing that ends, such as a certificate or a token. Times are milliseconds. */
export interface Dated {
  readonly kind: ExpiryKind
  /** For people, and unique within its kind. */
  readonly name: string
  /** Changes when the thing is renewed. */
  readonly version: string
  readonly notAfter: number
  /** Of many things, such as identities: how many end within the notice that is due. */
  readonly count?: number
}

/** The last notice that was told of a thing. */
export interface Told {
  readonly version: string
  /** Days before the end; 0 once it has ended. */
  readonly days: number
  readonly at: number
}

export interface DatedThings {
  readonly things: readonly Dated[]
  /** By kind and name. */
  readonly told: Readonly<Record<string, Told>>
}

const DATED = 'dated'

export function readDated(kv: SyncKvStorage): DatedThings {
  return kv.get<DatedThings>(DATED) ?? { things: [], told: {} }
}

/** Without `told`, what was told stays. */
export function keepDated(kv: SyncKvStorage, found: Partial<DatedThings>): void {
  kv.put(DATED, { ...readDated(kv), ...found })
}
