import { clock } from '../../clock.ts'
import { bytesField, objectField, stringField, stringsField } from '../../commands/go-fields.ts'
import {
  removeProfile,
  storedProfile,
  storedProfiles,
  storeProfile,
} from '../../directory/profiles.ts'
import { MAX_PROFILE_BYTES, problemOf } from '../../enroll/stored-profile.ts'
import { noteRemovedProfile } from '../../setup/removed-profile.ts'
import { newApp } from '../app-env.ts'
import { RequestError } from '../request-error.ts'
import { type AdminContext, goJson, readObject } from './request.ts'

/** `/v1/profiles` (docs/micromdm.md). The capital letters in its answers are MicroMDM's. */
export const v1Profiles = newApp()

v1Profiles.post('/v1/profiles', async (c) => {
  const id = stringField(await readObject(c), 'id', 'getProfilesRequest') ?? ''
  const found = id === '' ? await storedProfiles(c.env.DB) : [await existing(c, id)]
  return goJson({
    profiles:
      found.length === 0
        ? null
        : found.map(({ identifier, mobileconfig }) => ({
            Identifier: identifier,
            Mobileconfig: mobileconfig,
          })),
  })
})

v1Profiles.put('/v1/profiles', async (c) => {
  const profile = objectField(await readObject(c), 'profile', 'applyProfileRequest')
  if (profile === undefined) {
    throw new RequestError('no profile supplied')
  }
  const stored = {
    identifier: stringField(profile, 'Identifier', 'Profile') ?? '',
    mobileconfig: bytesField(profile, 'Mobileconfig', 'Profile') ?? new Uint8Array(),
  }
  const problem = problemOf(stored)
  if (problem !== undefined) {
    throw new RequestError(problem)
  }
  if (stored.mobileconfig.length > MAX_PROFILE_BYTES) {
    throw new RequestError(`Mobileconfig is longer than ${MAX_PROFILE_BYTES} bytes`)
  }
  await storeProfile(c.env.DB, stored, clock.now())
  return goJson({})
})

/** As in MicroMDM, an unknown id ends the call, and the profiles before it are removed. */
v1Profiles.delete('/v1/profiles', async (c) => {
  for (const id of stringsField(await readObject(c), 'ids', 'removeProfilesRequest') ?? []) {
    if (!(await removeProfile(c.env.DB, id))) {
      throw unknown(id)
    }
    await noteRemovedProfile(c.env.DB, id)
  }
  return goJson({})
})

async function existing(c: AdminContext, id: string) {
  const profile = await storedProfile(c.env.DB, id)
  if (profile === undefined) {
    throw unknown(id)
  }
  return profile
}

function unknown(id: string): RequestError {
  return new RequestError(`not found: Profile id ${id}`)
}
