import { SHARED_IPAD_USER_ID, splitEnrollmentId } from '../mdm/enrollment.ts'
import type { Elsewhere } from './admin.ts'
import type { DeviceNamespace, DeviceStub } from './object.ts'

const MAX_ID_LENGTH = 512
// oxlint-disable-next-line no-control-regex -- no id has them, and in lists and logs they would pass for something else
const CONTROL = /[\u0000-\u001f\u007f]/

/** What is wrong with an admin's id; `undefined` when it may lead somewhere. */
export function problemOfId(id: string): string | undefined {
  const { device, user } = splitEnrollmentId(id)
  if ([device, user].some((part) => part.toUpperCase() === SHARED_IPAD_USER_ID)) {
    return 'this UserID is the same on every Shared iPad: name the channel as UDID:UserShortName'
  }
  if (device === '' || id.length > MAX_ID_LENGTH) {
    return `not an enrolment id: ${id.length} characters`
  }
  return CONTROL.test(id) ? 'not an enrolment id: it holds control characters' : undefined
}

export type Reached<Answer> =
  | { readonly kind: 'reached'; readonly answer: Exclude<Answer, Elsewhere> }
  /** The text says what to do instead. */
  | { readonly kind: 'malformed' | 'moving' | 'ambiguous'; readonly error: string }

/**
 * Makes a call at the object that an admin's id leads to: UDID, EnrollmentID, `UDID:UserID`, or a bare UserID,
 * which is how MicroMDM names user channels (micromdm-contract §5.6). An id that nobody knows yet is an object
 * like any other: what is queued there waits.
 */
export async function reach<Answer extends { readonly kind: string }>(
  devices: DeviceNamespace,
  id: string,
  call: (device: DeviceStub, user: string) => Promise<Answer>,
): Promise<Reached<Answer>> {
  const error = problemOfId(id)
  if (error !== undefined) {
    return { kind: 'malformed', error }
  }
  const { device, user } = splitEnrollmentId(id)
  const first: { readonly kind: string } = await call(devices.getByName(device), user)
  const answer = isMoved(first) ? await call(devices.getByName(first.device), first.user) : first
  if (isMoved(answer)) {
    return {
      kind: 'moving',
      error: `the user ${id} is moving to a device just now: try again`,
    }
  }
  if (isAmbiguous(answer)) {
    return {
      kind: 'ambiguous',
      error: `the user ${id} has channels on several devices: name one of ${answer.ids.join(', ')}`,
    }
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- both ways of leading elsewhere are gone, which the compiler cannot see through the type parameter
  return { kind: 'reached', answer: answer as Exclude<Answer, Elsewhere> }
}

function isMoved(answer: {
  readonly kind: string
}): answer is Extract<Elsewhere, { kind: 'moved' }> {
  return answer.kind === 'moved'
}

function isAmbiguous(answer: {
  readonly kind: string
}): answer is Extract<Elsewhere, { kind: 'ambiguous' }> {
  return answer.kind === 'ambiguous'
}
