import type { Elsewhere } from '../device/admin.ts'
import type { DeviceStub } from '../device/object.ts'
import type { Env } from '../env.ts'
import { SHARED_IPAD_USER_ID, splitEnrollmentId } from '../mdm/enrollment.ts'

/**
 * Something an admin asked for that cannot be done; the text says what to do instead. `status` is MicroMDM's,
 * who answers 500 to whatever an admin got wrong; our own API says what kind of wrong it is.
 */
export class AdminError extends Error {
  readonly status: number
  readonly problemStatus: number

  constructor(message: string, status = 500, problemStatus = status === 500 ? 400 : status) {
    super(message)
    this.name = 'AdminError'
    this.status = status
    this.problemStatus = problemStatus
  }
}

const MAX_ID_LENGTH = 512

/**
 * Makes a call at the object that an admin's id leads to: UDID, EnrollmentID, `UDID:UserID`, or a bare UserID,
 * which is how MicroMDM names user channels (micromdm-contract §5.6). An id that nobody knows yet is an object
 * like any other: what is queued there waits.
 */
export async function atDevice<Answer extends { readonly kind: string }>(
  env: Env,
  id: string,
  call: (device: DeviceStub, user: string) => Promise<Answer>,
): Promise<Exclude<Answer, Elsewhere>> {
  const { device, user } = splitEnrollmentId(id)
  if ([device, user].some((part) => part.toUpperCase() === SHARED_IPAD_USER_ID)) {
    throw new AdminError(
      'this UserID is the same on every Shared iPad: name the channel as UDID:UserShortName',
    )
  }
  if (id === '' || id.length > MAX_ID_LENGTH) {
    throw new AdminError(`not an enrolment id: ${id.length} characters`)
  }
  const first: { readonly kind: string } = await call(env.DEVICE.getByName(device), user)
  const answer = isMoved(first) ? await call(env.DEVICE.getByName(first.device), first.user) : first
  if (isMoved(answer)) {
    throw new AdminError(`the user ${id} is moving to a device just now: try again`, 503)
  }
  if (isAmbiguous(answer)) {
    throw new AdminError(
      `the user ${id} has channels on several devices: name one of ${answer.ids.join(', ')}`,
      500,
      409,
    )
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- both ways of leading elsewhere are gone, which the compiler cannot see through the type parameter
  return answer as Exclude<Answer, Elsewhere>
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
