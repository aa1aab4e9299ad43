/** Assigning profiles to devices: the calls, their outcomes, and when to try again. */
import { isObject } from '../apple/declarations.ts'
import type { DepCall } from './client.ts'
import type { DepDevice } from './records.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
/** A longer wait is a mistake. */
const MAX_WAIT = 7 * DAY
/** Serial numbers that one call may name. */
const MAX_SERIALS = 1000

/** `FAILED` also stands for a device that is missing from the answer. */
export type AssignOutcome = 'SUCCESS' | 'NOT_ACCESSIBLE' | 'FAILED' | 'THROTTLED'

const CALLS = {
  assign: { method: 'POST', path: '/profile/devices' },
  remove: { method: 'DELETE', path: '/profile/devices' },
  details: { method: 'POST', path: '/devices' },
  disown: { method: 'POST', path: '/devices/disown' },
} as const

export type SerialCallKind = keyof typeof CALLS

export interface SerialCall {
  readonly call: DepCall
  readonly serials: readonly string[]
}

/** The calls about these devices, each for at most 1,000 of them, none named twice. */
export function serialCalls(
  kind: SerialCallKind,
  serials: readonly string[],
  profileUuid?: string,
): SerialCall[] {
  const distinct = [...new Set(serials)]
  const parts = Array.from({ length: Math.ceil(distinct.length / MAX_SERIALS) }, (_, n) =>
    distinct.slice(n * MAX_SERIALS, (n + 1) * MAX_SERIALS),
  )
  return parts.map((devices) => ({
    serials: devices,
    call: {
      ...CALLS[kind],
      body: { ...(profileUuid !== undefined && { profile_uuid: profileUuid }), devices },
    },
  }))
}

export interface AssignResult {
  readonly outcomes: ReadonlyMap<string, AssignOutcome>
  /** Milliseconds after which throttled devices may be tried. */
  readonly retryAfter?: number
}

/** The outcome for each of `serials` in the answer to an assignment or a removal, or to a disowning. */
export function readOutcomes(json: unknown, serials: readonly string[]): AssignResult {
  const answer = isObject(json) ? json : {}
  const said = isObject(answer['devices']) ? answer['devices'] : {}
  const seconds = answer['retry_after_seconds']
  return {
    outcomes: new Map(serials.map((serial) => [serial, outcomeOf(said[serial])])),
    ...(typeof seconds === 'number' && seconds > 0 && { retryAfter: seconds * 1000 }),
  }
}

function outcomeOf(word: unknown): AssignOutcome {
  return word === 'SUCCESS' || word === 'NOT_ACCESSIBLE' || word === 'THROTTLED' ? word : 'FAILED'
}

/** The records in the answer to `POST /devices`, by serial number. Those that are not ours are left out. */
export function readDetails(json: unknown): Map<string, DepDevice> {
  const said = isObject(json) && isObject(json['devices']) ? json['devices'] : {}
  const found = Object.entries(said).flatMap(([serial, record]) =>
    isObject(record) && record['response_status'] !== 'NOT_ACCESSIBLE'
      ? [[serial, { ...record, serial_number: serial }] as const]
      : [],
  )
  return new Map(found)
}

/**
 * Whether the profile `wanted` has to be assigned to a device, by Apple’s record of it. A device that has it
 * is left alone: assigning it again resets `pushed`, and counts against Apple’s limit.
 */
export function needsAssignment(device: DepDevice, wanted: string): boolean {
  const { op_type: type, profile_uuid: uuid = '', profile_status: status = 'empty' } = device
  return wanted !== '' && type !== 'deleted' && (uuid !== wanted || !isAssigned(status))
}

function isAssigned(status: string): boolean {
  return status === 'assigned' || status === 'pushed'
}

/** `foreign`: it has a profile that the server did not define, so a person decides. */
export type AutoAssignment = 'none' | 'assign' | 'foreign'

/**
 * What automatic assignment does with a device for which a rule wants a profile.
 *
 * @param superseded uuids of own profiles that others of their name have replaced
 */
export function autoAssignment(
  device: DepDevice,
  wanted: string,
  superseded: ReadonlySet<string>,
): AutoAssignment {
  if (!needsAssignment(device, wanted)) {
    return 'none'
  }
  const { profile_uuid: uuid = '', profile_status: status = 'empty' } = device
  return !isAssigned(status) || superseded.has(uuid) ? 'assign' : 'foreign'
}

/**
 * When the assignment is tried again, in milliseconds since 1970; 0 for never. Apple hides throttling behind
 * `FAILED` at times, and hourly tries prolong it. After `NOT_ACCESSIBLE` the device’s record has to be read
 * first, because most such devices were released.
 *
 * @param tries failed ones before this outcome
 * @param retryAfter Apple’s wait in milliseconds
 */
export function nextAssignTry(
  outcome: AssignOutcome,
  tries: number,
  retryAfter: number | undefined,
  now: number,
): number {
  switch (outcome) {
    case 'SUCCESS':
      return 0
    case 'THROTTLED':
      return now + Math.min(retryAfter ?? HOUR, MAX_WAIT)
    case 'FAILED':
      return now + (tries === 0 ? HOUR : DAY)
    case 'NOT_ACCESSIBLE':
      return now + DAY
  }
}
