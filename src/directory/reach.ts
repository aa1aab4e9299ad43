import type { Address, Elsewhere } from '../device/address.ts'
import type { DeviceNamespace, DeviceStub } from '../device/object.ts'
import { isForDeviceOnly } from '../commands/table.ts'
import { enrollmentId, faultOfDeviceId, faultOfId, splitEnrollmentId } from '../mdm/enrollment.ts'
import { claimsOf, expectDevice, MOST_CLAIMS, removeClaim, type Claims } from './users.ts'

export interface ReachEnv {
  readonly DEVICE: DeviceNamespace
  readonly DB: D1Database
}

export type Reached<Answer> =
  | { readonly kind: 'reached'; readonly answer: Exclude<Answer, Elsewhere> }
  /** The text says what to do instead. */
  | { readonly kind: 'malformed' | 'ambiguous'; readonly error: string }

/**
 * Makes a call at the object that an admin's id leads to: UDID, EnrollmentID, `UDID:UserID`, or a bare UserID,
 * which is how MicroMDM names user channels. A device answers to its own id without the directory.
 * @param queues the type of the command that the call queues. Under an id that nothing is known of it waits for a device to
 * enrol, and so does one that user channels do not take: it is not given to a device that calls its user like that.
 * @throws when the directory cannot be read: only it knows what a bare id means that is no device's.
 */
export async function reach<Answer extends { readonly kind: string }>(
  env: ReachEnv,
  id: string,
  call: (device: DeviceStub, address: Address) => Promise<Answer>,
  { queues }: { readonly queues?: string } = {},
): Promise<Reached<Answer>> {
  const fault = faultOfId(id)
  if (fault !== undefined) {
    return { kind: 'malformed', error: fault }
  }
  const at = (device: string, address: Address): Promise<Answer> =>
    call(env.DEVICE.getByName(device), address)
  const { device, user } = splitEnrollmentId(id)
  const first = await at(device, { user, bare: user === '' })
  if (!isElsewhere(first)) {
    return reached(first)
  }
  const meant = await meaningOf(env, id)
  const isForUser = queues === undefined || !isForDeviceOnly(queues)
  if (meant.kind === 'channel' && isForUser) {
    return reached(await at(meant.device, { user: id, bare: false }))
  }
  if (meant.kind === 'ambiguous' && isForUser) {
    return { kind: 'ambiguous', error: ambiguity(id, meant) }
  }
  if (meant.kind !== 'device') {
    const noDevice = faultOfDeviceId(id)
    if (noDevice !== undefined) {
      return { kind: 'malformed', error: `no user channel has the UserID ${id}; ${noDevice}` }
    }
    if (queues !== undefined) {
      await expectDevice(env.DB, id)
    }
  }
  return reached(await at(id, { user: '', bare: false }))
}

/** What a bare id means. */
export type Meaning =
  /** It is or was a device's. */
  | { readonly kind: 'device' }
  /** The one user channel with this UserID. */
  | { readonly kind: 'channel'; readonly device: string }
  /** Several channels have it, or one has it and something waits for a device to enrol with it. */
  | { readonly kind: 'ambiguous'; readonly ids: readonly string[]; readonly isExpected: boolean }
  | { readonly kind: 'nobody' }

/**
 * Tells whose a bare id is. An id inside a message is a claim: a device's own id always means the device, and a UserID means a
 * channel only while one device claims it. Claims whose device knows nothing of them are removed.
 * @throws when the directory cannot be read
 */
export async function meaningOf(env: ReachEnv, id: string): Promise<Meaning> {
  const { isDevice, isExpected, claims } = await claimsOf(env.DB, id)
  if (isDevice) {
    return { kind: 'device' }
  }
  const live = await liveClaims(env, claims)
  const [only] = live
  if (!only || (live.length === 1 && only.id !== id)) {
    return { kind: 'nobody' }
  }
  return live.length === 1 && !isExpected
    ? { kind: 'channel', device: only.device }
    : {
        kind: 'ambiguous',
        ids: live.map((claim) => enrollmentId(claim.device, claim.id)),
        isExpected,
      }
}

/** The claims that hold, as their devices know. Those of which a device knows nothing are removed. */
export async function liveClaims(
  env: ReachEnv,
  claims: Claims['claims'],
): Promise<Claims['claims']> {
  const asked = await Promise.all(
    claims.map(async ({ id, device }) => ({
      id,
      device,
      ...(await env.DEVICE.getByName(device).userClaim(id)),
    })),
  )
  const over = asked.filter(({ holds }) => !holds)
  await Promise.all(over.map((claim) => removeClaim(env.DB, claim)))
  // There may be more behind so many that are over: the next call sees them.
  return over.length < MOST_CLAIMS ? asked.filter(({ holds }) => holds) : asked
}

function ambiguity(
  id: string,
  { ids, isExpected }: Extract<Meaning, { kind: 'ambiguous' }>,
): string {
  const channels = ids.join(', ')
  return isExpected
    ? `commands wait under ${id} for a device to enrol with it, and a user channel is called like that: name ${channels}, and move or cancel what waits (/api/devices/${id}/commands/waiting)`
    : `the user ${id} has channels on several devices: name one of ${channels}`
}

function isElsewhere(answer: { readonly kind: string }): boolean {
  return answer.kind === 'elsewhere'
}

function reached<Answer>(answer: Answer): Reached<Answer> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- an object that was told what the id means leads nowhere else, which the compiler cannot see
  return { kind: 'reached', answer: answer as Exclude<Answer, Elsewhere> }
}
