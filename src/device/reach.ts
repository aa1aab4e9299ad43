import { inTime } from '../clock.ts'
import type { Address, Elsewhere } from './store/address.ts'
import type { DeviceNamespace, DeviceStub } from './stub.ts'
import type { UserClaim } from './enrolment/user-claim.ts'
import { isForDeviceOnly } from '../commands/request-types.ts'
import { enrollmentId, faultOfDeviceId, faultOfId, splitEnrollmentId } from '../mdm/enrollment.ts'
import {
  claimsOf,
  expectDevice,
  expectNoDevice,
  MOST_CLAIMS,
  noteUserUse,
  removeClaim,
  type UserCalled,
} from '../directory/devices/users.ts'

/** How long a call waits for a device's object, and the answer that is assumed after that. */
const PATIENCE = 5000
const UNKNOWN: UserClaim = { holds: true, version: 0 }

export interface ReachEnv {
  readonly DEVICE: DeviceNamespace
  readonly DB: D1Database
}

export type Reached<Answer> =
  | { readonly kind: 'reached'; readonly answer: Exclude<Answer, Elsewhere> }
  /** The text says what to do instead. */
  | { readonly kind: 'malformed' | 'ambiguous'; readonly error: string }

/**
 * Calls the object that an admin's id leads to: UDID, EnrollmentID, `UDID:UserID`, or a bare UserID, which is
 * MicroMDM's name for a user channel. A device answers to its own id without the directory.
 * @param queues the type of the command that the call queues. Under an unknown id the command waits for a
 * device to enrol. So does a command that user channels do not take: it must not reach a device that has a
 * user with this id.
 * @throws when the directory cannot be read: a bare id that is not a device's is only known there
 */
export async function reachDevice<Answer extends { readonly kind: string }>(
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
  const first: Answer | Elsewhere = await at(device, { user, bare: user === '' })
  if (!isElsewhere(first)) {
    return reached(first)
  }
  const meant = await meaningOf(env, id, first.device)
  const isForUser = queues === undefined || !isForDeviceOnly(queues)
  if (meant.kind === 'channel' && isForUser) {
    if (queues !== undefined && !meant.claim.used) {
      await noteUserUse(env.DB, meant.claim)
    }
    return reached(await at(meant.claim.device, { user: id, bare: false }))
  }
  if (meant.kind === 'ambiguous' && (isForUser || meant.because === 'contested')) {
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

/** The meaning of a bare id. */
export type Meaning =
  /** It is or was a device's. */
  | { readonly kind: 'device' }
  /** The one user channel with this UserID. */
  | { readonly kind: 'channel'; readonly claim: UserCalled }
  | {
      readonly kind: 'ambiguous'
      readonly ids: readonly string[]
      /**
       * Several channels have it. Or one channel has it, and commands wait for a device with this id, or such
       * a device has enrolled.
       */
      readonly because: 'several' | 'expected' | 'contested'
    }
  | { readonly kind: 'unclaimed' }

/**
 * Finds the meaning of a bare id (docs/architecture.md §23). An id inside a message is a claim: a device's
 * own id always means the device, and a UserID means a channel only while one device claims it. Claims that
 * their device does not know are removed.
 * @param device the answer of the object of that name, if it was called
 * @throws when the directory cannot be read
 */
export async function meaningOf(
  env: ReachEnv,
  id: string,
  device: Elsewhere['device'] = 'none',
): Promise<Meaning> {
  const { isDevice, isExpected, claims } = await claimsOf(env.DB, id)
  if (isDevice && device === 'none') {
    return { kind: 'device' }
  }
  const live = await liveClaims(env, claims)
  const [only] = live
  if (!only || (live.length === 1 && only.id !== id)) {
    return device === 'none' ? { kind: 'unclaimed' } : { kind: 'device' }
  }
  const isAwaited = isExpected && (await isStillExpected(env, id))
  const because = device === 'contested' ? device : isAwaited ? 'expected' : 'several'
  if (live.length > 1 || because !== 'several') {
    const ids = live.map((claim) => enrollmentId(claim.device, claim.id))
    return { kind: 'ambiguous', ids, because }
  }
  return { kind: 'channel', claim: only }
}

/** Whether commands still wait for a device with that id: they may have been cancelled or have expired. */
async function isStillExpected(env: ReachEnv, id: string): Promise<boolean> {
  const waits = await env.DEVICE.getByName(id).hasWaiting()
  if (!waits) {
    await expectNoDevice(env.DB, id)
  }
  return waits
}

/**
 * The claims that hold, as their devices answer. A claim that its device does not know is removed. A claim
 * whose device does not answer in time counts as holding.
 */
export async function liveClaims(
  env: ReachEnv,
  claims: readonly UserCalled[],
): Promise<readonly UserCalled[]> {
  const answered = await Promise.all(
    claims.map(async ({ id, device, used }) => ({
      id,
      device,
      used,
      ...(await inTime(PATIENCE, env.DEVICE.getByName(device).userClaim(id)).catch(() => UNKNOWN)),
    })),
  )
  const over = answered.filter(({ holds }) => !holds)
  await Promise.all(over.map((claim) => removeClaim(env.DB, claim)))
  // A page full of claims that are over: the next call reads the claims after them.
  return over.length < MOST_CLAIMS ? answered.filter(({ holds }) => holds) : answered
}

function ambiguity(id: string, { ids, because }: Extract<Meaning, { kind: 'ambiguous' }>): string {
  const channels = ids.join(', ')
  const waiting = `/api/devices/${id}/commands`
  switch (because) {
    case 'several':
      return `the user ${id} has channels on several devices: name one of ${channels}`
    case 'expected':
      return (
        `commands wait under ${id} for a device to enrol with it, and a user channel is called like that: ` +
        `name ${channels}, and move or cancel what waits (${waiting}/waiting)`
      )
    case 'contested':
      return (
        `a device has enrolled as ${id}, the UserID of ${channels}: name the channel; ` +
        `say that the device is meant (POST ${waiting}/release); or block it`
      )
  }
}

function isElsewhere(answer: { readonly kind: string }): answer is Elsewhere {
  return answer.kind === 'elsewhere'
}

function reached<Answer>(answer: Answer): Reached<Answer> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a full address leads to no other object
  return { kind: 'reached', answer: answer as Exclude<Answer, Elsewhere> }
}
