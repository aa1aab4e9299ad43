import type { JsonValue } from '../commands/go-json.ts'
import { writeGoJson, type WritableJson } from '../commands/go-json-write.ts'
import { enrollmentId, type Enrollment } from '../mdm/enrollment.ts'
import type { StateEntry } from '../ddm/states.ts'
import type { Message } from '../mdm/message.ts'
import {
  COMMAND_DEFERRED,
  COMMAND_UNSUPPORTED,
  DEP_TOPICS,
  SERVER_TOPICS,
  WEBHOOK_TEST,
  type Topic,
} from './topics.ts'

/** A declaration whose state has changed. */
export interface StateChange extends StateEntry {
  /** The state before; absent for a new one. */
  readonly before?: string
}

type DepFact =
  | string
  | number
  | boolean
  | readonly string[]
  | Readonly<Record<string, string | number>>

/** What is new of an account of Automated Device Enrollment. */
export interface DepNews {
  readonly account: string
  readonly [fact: string]: DepFact
}

type ServerFact = string | number | boolean | null | readonly string[]

/** What happened to the deployment itself. */
export interface ServerFacts {
  readonly [fact: string]: ServerFact | Readonly<Record<string, ServerFact>>
}

/** How the setup of a device goes. */
export interface SetupNews {
  readonly run: number
  readonly state: string
  /** Their names. */
  readonly blueprints: readonly string[]
  /** Those that the event is about. `note`: why one has not succeeded. */
  readonly steps: readonly {
    readonly kind: string
    readonly subject: string
    readonly state: string
    readonly note: string
  }[]
  /** What the device answered to DeviceConfigured, if it was an error. */
  readonly error?: string
}

/** Facts about an event beside the message's own bytes. */
export interface EventAbout {
  readonly enrollment: Enrollment
  readonly params: Readonly<Record<string, string>>
  readonly status?: string
  readonly commandUUID?: string
  readonly tokenUpdateTally?: number
  readonly renewal?: true
  /** Of an identity of an earlier or a contested enrolment: an admin has to name it. */
  readonly fingerprint?: string
  /** The sender's enrolment is contested: it may be another device. */
  readonly contested?: true
  /** The proof by which a contest was settled: docs/security.md. */
  readonly proof?: string
  /** When a contested enrolment counts as proven (milliseconds). */
  readonly contestedUntil?: number
  /** Of an event about a command: its id in our own API, and how often it was deferred. */
  readonly commandId?: string
  readonly notNows?: number
  /** Of a command that the device's OS does not have: its type, and the parts that are missing. */
  readonly requestType?: string
  readonly lacks?: readonly string[]
  /** Of a status report: declarations with another state, and status items with another value. */
  readonly declarations?: readonly StateChange[]
  readonly items?: readonly { readonly name: string; readonly json: string }[]
  /** Of an event about the setup of the device. */
  readonly setup?: SetupNews
  /** Of an event about an account of Automated Device Enrollment. */
  readonly dep?: DepNews
  /** Of an event about the deployment itself. */
  readonly server?: ServerFacts
  /** The request that caused it; none where no request did. */
  readonly requestId?: string
}

/** An event as a subscriber gets it. `sequence` counts the device's events, `at` is milliseconds. */
export interface DeviceEvent {
  readonly sequence: number
  readonly id: string
  readonly topic: Topic
  readonly at: number
  readonly about: EventAbout
  readonly body: Uint8Array
  /** The parts that were cut out of `body` for one webhook. */
  readonly redacted?: readonly string[]
}

/** An event without meaning that tests whether a receiver accepts events. */
export function testEvent(id: string, at: number, requestId?: string): DeviceEvent {
  return {
    sequence: 0,
    id,
    topic: WEBHOOK_TEST,
    at,
    about: {
      enrollment: { type: 'Device', device: 'TEST', user: '' },
      params: {},
      ...(requestId === undefined ? {} : { requestId }),
    },
    body: new Uint8Array(),
  }
}

export function aboutMessage(
  message: Message,
  params: Readonly<Record<string, string>>,
): EventAbout {
  if (message.kind === 'checkin') {
    return { enrollment: message.enrollment, params }
  }
  const { enrollment, status, commandUUID } = message
  return { enrollment, params, status, ...(commandUUID === undefined ? {} : { commandUUID }) }
}

/**
 * The webhook body: MicroMDM's envelope to the letter (without parameters, `url_params` is `null` in a
 * check-in and absent in an acknowledgement), NanoMDM's `ids` and `token_update_tally` inside it, our
 * `sequence` beside it, and `replay` when an admin requested the event again.
 */
export function renderEvent(event: DeviceEvent, isReplay = false): string {
  const { enrollment, params, status, commandUUID, requestId } = event.about
  const byEnrollmentID = enrollment.type.startsWith('User Enrollment')
  const urlParams = new Map(Object.entries(params))
  const ids = {
    id: enrollmentId(enrollment.device, enrollment.user),
    type: enrollment.type,
    ...(enrollment.user === '' ? {} : { parent_id: enrollment.device }),
  }
  const who = byEnrollmentID ? { enrollment_id: enrollment.device } : { udid: enrollment.device }
  const payload = {
    raw_payload: event.body,
    ...(event.redacted ? { redacted: event.redacted } : {}),
  }
  const messages: Record<EventEnvelope, () => WritableJson | ServerFacts> = {
    checkin_event: () => ({
      ...who,
      url_params: urlParams.size > 0 ? urlParams : null,
      ...payload,
      ids,
      ...beside(event.about),
    }),
    acknowledge_event: () => ({
      ...who,
      status,
      ...(commandUUID ? { command_uuid: commandUUID } : {}),
      ...(urlParams.size > 0 ? { url_params: urlParams } : {}),
      ...payload,
      ids,
      ...besideReport(event.about),
    }),
    dep_event: () => event.about.dep ?? {},
    server_event: () => event.about.server ?? {},
  }
  const name = envelopeOf(event.topic)
  const envelope = {
    topic: event.topic,
    event_id: event.id,
    created_at: rfc3339(event.at),
    [name]: messages[name](),
    sequence: event.sequence,
    ...(requestId === undefined ? {} : { request_id: requestId }),
    ...(isReplay ? { replay: true } : {}),
  }
  return writeGoJson(envelope, false)
}

/** The property that has what an event is about: a report, an account, the deployment, or else a check-in. */
export type EventEnvelope = 'checkin_event' | 'acknowledge_event' | 'dep_event' | 'server_event'

const ENVELOPES: Readonly<Partial<Record<Topic, EventEnvelope>>> = {
  'mdm.Connect': 'acknowledge_event',
  [COMMAND_DEFERRED]: 'acknowledge_event',
  [COMMAND_UNSUPPORTED]: 'acknowledge_event',
  ...Object.fromEntries(DEP_TOPICS.map((topic) => [topic, 'dep_event' as const])),
  ...Object.fromEntries(SERVER_TOPICS.map((topic) => [topic, 'server_event' as const])),
}

export function envelopeOf(topic: Topic): EventEnvelope {
  return ENVELOPES[topic] ?? 'checkin_event'
}

/** Facts about a command beside the message. Properties without a value are left out. */
function besideReport({
  contested,
  commandId,
  notNows,
  requestType,
  lacks,
}: EventAbout): Readonly<Record<string, string | number | true | readonly string[] | undefined>> {
  return {
    contested,
    command_id: commandId,
    not_now_count: notNows,
    request_type: requestType,
    reasons: lacks,
  }
}

/** Facts about a check-in or an enrolment beside the message. */
function beside(about: EventAbout): { readonly [key: string]: WritableJson } {
  const { tokenUpdateTally, renewal, contested, fingerprint, contestedUntil, proof } = about
  const { declarations, items, setup } = about
  return {
    ...(tokenUpdateTally === undefined ? {} : { token_update_tally: tokenUpdateTally }),
    ...(renewal ? { renewal } : {}),
    ...(contested ? { contested } : {}),
    ...(fingerprint === undefined ? {} : { fingerprint }),
    ...(contestedUntil === undefined ? {} : { contested_until: rfc3339(contestedUntil) }),
    ...(proof === undefined ? {} : { proof }),
    ...(declarations && { declarations: declarations.map(changedJson) }),
    ...(items && { status_items: items.map(itemJson) }),
    ...(setup && { setup: setupJson(setup) }),
  }
}

function setupJson({ run, state, blueprints, steps, error }: SetupNews): WritableJson {
  return {
    run,
    state,
    blueprints,
    steps: steps.map(({ kind, subject, state: reached, note }) => ({
      do: kind,
      subject,
      state: reached,
      ...(note && { note }),
    })),
    ...(error && { error }),
  }
}

function changedJson({ identifier, state, code, since, before }: StateChange): WritableJson {
  return { identifier, state, reason: code, since: rfc3339(since), previous_state: before }
}

function itemJson({ name, json }: { readonly name: string; readonly json: string }): WritableJson {
  const value: JsonValue = JSON.parse(json)
  return { name, value }
}

/** Go's RFC3339Nano: no trailing zeros in the fraction. */
export function rfc3339(ms: number): string {
  return new Date(ms).toISOString().replace(/\.?0+Z$/, 'Z')
}
