/** Profiles at Apple never change: a changed one is defined anew, and takes the place of the one before. */
import type { AssignOutcome } from '../dep/assignments.ts'
import type { DepRefusal } from '../dep/client.ts'
import {
  definedUuid,
  type DepProfileFault,
  devicesOfProfile,
  faultOfDepProfile,
  profileForApple,
} from '../dep/profile.ts'
import type { DepProfile } from '../dep/records.ts'
import { replaceWanted, wantProfiles } from '../directory/dep/devices.ts'
import {
  depProfileNamed,
  type DepProfileRow,
  findDepProfile,
  listDepProfiles,
  storeDepProfile,
} from '../directory/dep/profiles.ts'
import { clock } from '../clock.ts'
import { assignSerials } from './assign.ts'
import { callApple } from './call.ts'
import type { OpenAccount } from './state.ts'

export type Defined =
  | {
      readonly kind: 'defined'
      readonly uuid: string
      /** Apple's word for each of the profile's `devices`. */
      readonly devices: Readonly<Record<string, AssignOutcome>>
      /** How many devices get it in place of an earlier profile of its name. */
      readonly replaced: number
    }
  /** Apple was not asked. */
  | { readonly kind: 'invalid'; readonly fault: DepProfileFault }
  | { readonly kind: 'refused'; readonly answer: DepRefusal }
  | Moved

/** The present one of its name has another version than the caller knows; 0: there is none. */
interface Moved {
  readonly kind: 'moved'
  readonly version: number
}

export interface IfVersion {
  /** What the version of the present one of its name has to be; 0: there has to be none. */
  readonly ifVersion?: number | undefined
}

/**
 * Defines a profile. One that is there in these words keeps its uuid. Devices with an earlier profile of its
 * name get the new one, also those that have fetched it: after an erase they would get the earlier one.
 */
export async function defineProfile(
  account: OpenAccount,
  given: DepProfile,
  { ifVersion }: IfVersion = {},
): Promise<Defined> {
  const fault = faultOfDepProfile(given)
  if (fault) {
    return { kind: 'invalid', fault }
  }
  const { env, id } = account
  const profile = profileForApple(given)
  const name = profile.profile_name ?? ''
  const text = JSON.stringify(profile)
  const before = await depProfileNamed(env.DB, id, name)
  const moved = movedFrom(before, ifVersion)
  if (moved) {
    return moved
  }
  if (before?.profile === text) {
    return assigned(account, { uuid: before.uuid, replaced: 0 }, devicesOfProfile(given))
  }
  const answer = await callApple(account, { method: 'POST', path: '/profile', body: profile })
  if (answer.kind !== 'ok') {
    return { kind: 'refused', answer }
  }
  const uuid = definedUuid(answer.json)
  const taken = uuid === undefined ? undefined : await findDepProfile(env.DB, uuid)
  if (uuid === undefined || (taken && taken.account !== id)) {
    const reason = `the answer names ${taken ? 'a profile of another account' : 'no profile_uuid'}`
    return { kind: 'refused', answer: { kind: 'unreachable', reason } }
  }
  const now = clock.now()
  try {
    const row = { uuid, account: id, name, profile: text, definedAt: now }
    await storeDepProfile(env.DB, row, ifVersion)
  } catch (error) {
    const overtaken = movedFrom(await depProfileNamed(env.DB, id, name), ifVersion)
    if (overtaken) {
      // Apple keeps the profile, and no device has it.
      return overtaken
    }
    throw error
  }
  const named = (await listDepProfiles(env.DB, id, { all: true })).filter(
    (one) => one.name === name,
  )
  const olds = named.flatMap((one) => (one.uuid === uuid ? [] : [one.uuid]))
  const replaced = await replaceWanted(env.DB, id, { before: olds, wanted: uuid }, now)
  return assigned(account, { uuid, replaced }, devicesOfProfile(given))
}

function movedFrom(
  present: DepProfileRow | undefined,
  ifVersion: number | undefined,
): Moved | undefined {
  const { version = 0 } = present ?? {}
  return ifVersion === undefined || version === ifVersion ? undefined : { kind: 'moved', version }
}

/** What Apple does not take now is assigned by the alarm. */
async function assigned(
  account: OpenAccount,
  defined: { readonly uuid: string; readonly replaced: number },
  serials: readonly string[],
): Promise<Defined> {
  const { uuid } = defined
  const answer = await assignSerials(account, uuid, serials)
  if (answer.kind === 'assigned') {
    return { kind: 'defined', ...defined, devices: answer.devices }
  }
  const wishes = serials.map((serial) => ({ serial, wanted: uuid }))
  await wantProfiles(account.env.DB, account.id, wishes, clock.now())
  const devices = Object.fromEntries(serials.map((serial) => [serial, 'FAILED' as const]))
  return { kind: 'defined', ...defined, devices }
}
