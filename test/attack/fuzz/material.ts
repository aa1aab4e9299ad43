import type { Certificate } from '../../../src/pki/x509/certificate.ts'
import type { HostileDevice } from '../device.ts'
import type { WireRequest } from '../wire.ts'
import type { Json } from './mutate.ts'

export interface Operation {
  readonly method: string
  readonly path: string
  readonly query: readonly { readonly name: string; readonly example: string }[]
  readonly bodies: readonly Json[]
}

/** What requests are made of: who sends them, and what they may speak of. */
export interface Material {
  readonly apiKey: string
  /** Sends devices' messages, and is in no admin's request: no answer of 401 is its due. */
  readonly sender: HostileDevice
  /** Ids that an admin's requests may ruin. */
  readonly targets: readonly string[]
  /** Ids of enrolments that go on: only devices' messages name them. */
  readonly canaries: readonly string[]
  /** Ids of commands, webhooks and jobs, by the first part of their routes under `/api`. */
  readonly ids: Readonly<Record<string, readonly string[]>>
  readonly operations: readonly Operation[]
  readonly ca: Certificate
}

export interface FuzzRequest extends WireRequest {
  readonly kind: 'device' | 'scep' | 'enroll' | 'admin'
  /** Carries the API key as an admin does. */
  readonly authorized: boolean
}
