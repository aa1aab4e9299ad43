/** What the parts of the simulated service share while it runs. */
import type { Random } from '../device/platforms.ts'
import type { AbmServer, AbmState } from './state.ts'

/** How the service behaves; a test changes the values while it runs. */
export interface DepBehaviour {
  /** Milliseconds that a session lives. */
  sessionLifetime: number
  /** After so many calls the answer brings a new session and the old one is dead; 0 for never. */
  rotateEvery: number
  /** A login ends the sessions before it. */
  oneSession: boolean
  /** The answer to a session that is unknown, dead or too old. */
  refusedSession: { status: 401 | 403; word: string }
  /** A page repeats so many items of the page before. */
  overlap: number
  /** Each device stands twice on its page, with the same op_date. */
  duplicates: boolean
  /** So many of the next pages give back the cursor that they got, with `more_to_follow`. */
  sameCursor: number
  /** `POST /profile` with an unknown serial number: an outcome of it, or 400 NOT_FOUND for all. */
  unknownSerial: 'NOT_ACCESSIBLE' | 'NOT_FOUND'
  mayDisown: boolean
  /** What `POST /device/activationlock` says of devices that are ours. */
  activationLock: string
}

/** What the service does to one serial number instead of what it should. */
export interface ScriptedOutcome {
  readonly status: 'THROTTLED' | 'FAILED' | 'NOT_ACCESSIBLE' | 'omitted'
  /** For THROTTLED. */
  readonly seconds?: number
  times: number
}

/** Something that a good client never does. */
export interface Blame {
  readonly kind:
    | 'assigned again'
    | 'before Retry-After'
    | 'exhausted twice'
    | 'http URL in a profile'
    | 'many sessions'
    | 'more than 1000 serials'
    | 'no version header'
    | 'serial twice'
    | 'needless full fetch'
  readonly path: string
  readonly about: string
}

/** One call that reached the service. */
export interface DepCallSeen {
  readonly method: string
  readonly path: string
  readonly server: string
  readonly status: number
  readonly body: string
}

export interface DepSession {
  readonly server: string
  readonly began: number
  calls: number
}

export interface DepService {
  readonly state: AbmState
  /** The clock of OAuth; `now` is the one of everything else, which a test may turn further. */
  readonly oauthNow: () => number
  readonly now: () => number
  readonly random: Random
  readonly behaviour: DepBehaviour
  readonly sessions: Map<string, DepSession>
  readonly nonces: Set<string>
  readonly outcomes: Map<string, ScriptedOutcome>
  /** Milliseconds until which a serial number is throttled. */
  readonly throttled: Map<string, number>
  readonly blame: Blame[]
  readonly exhausted: Set<string>
  /** Called when a device has got a profile. */
  readonly assigned: Set<(serial: string) => void>
}

/** One call of the service, after its session was accepted. */
export interface DepRequest {
  readonly server: AbmServer
  readonly version: number
  readonly path: string
  readonly query: URLSearchParams
  readonly body: Readonly<Record<string, unknown>>
}

/** A refusal with Apple's word for it. */
export class AppleRefusal extends Error {
  readonly status: number
  readonly word: string

  constructor(status: number, word: string) {
    super(`${status} ${word}`)
    this.status = status
    this.word = word
  }
}

export function blame(service: DepService, kind: Blame['kind'], path: string, about = ''): void {
  service.blame.push({ kind, path, about })
}

/** The serial numbers in a body. @throws AppleRefusal when there are none, or more than Apple takes */
export function serialsIn(service: DepService, { body, path }: DepRequest): string[] {
  const { devices } = body
  if (devices !== undefined && devices !== null && !isTextList(devices)) {
    throw new AppleRefusal(400, 'MALFORMED_REQUEST_BODY')
  }
  const serials = devices ?? []
  if (serials.length === 0) {
    throw new AppleRefusal(400, 'DEVICE_ID_REQUIRED')
  }
  if (serials.length > 1000) {
    blame(service, 'more than 1000 serials', path, String(serials.length))
    throw new AppleRefusal(400, 'MALFORMED_REQUEST_BODY')
  }
  const distinct = new Set(serials)
  if (distinct.size < serials.length) {
    blame(service, 'serial twice', path)
  }
  return [...distinct]
}

export function isTextList(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}

/** The text at a key, empty when it is absent. @throws AppleRefusal for another type */
export function textIn(body: DepRequest['body'], key: string): string {
  const value = body[key] ?? ''
  if (typeof value !== 'string') {
    throw new AppleRefusal(400, 'MALFORMED_REQUEST_BODY')
  }
  return value
}
