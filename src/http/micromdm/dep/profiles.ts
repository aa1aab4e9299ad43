import { stringField } from '../../../commands/go-fields.ts'
import type { JsonObject } from '../../../commands/go-json.ts'
import { writeGoJson } from '../../../commands/go-json-write.ts'
import type { DepProfile } from '../../../dep/records.ts'
import { newApp } from '../../app-env.ts'
import { askApple, depAccountOfQuery } from '../../dep/account.ts'
import { depError, depProfileError } from '../../dep/refusal.ts'
import { movedOn } from '../../request-error.ts'
import { goJson, readObject } from '../request.ts'
import { readSerials } from './serials.ts'
import { goDepProfile } from './shapes.ts'

/** `/v1/dep/profiles` (docs/micromdm.md). */
export const v1DepProfiles = newApp()

const PATH = '/v1/dep/profiles'

v1DepProfiles.put(PATH, async (c) => {
  const profile = profileOf(await readObject(c))
  const { object } = await depAccountOfQuery(c)
  const defined = await object.define(profile)
  if (defined.kind === 'invalid') {
    throw depProfileError('define profile', defined.fault)
  }
  if (defined.kind === 'moved') {
    throw movedOn(profile.profile_name ?? '', defined.version)
  }
  if (defined.kind === 'refused') {
    throw depError('define profile', defined.answer)
  }
  return goJson({
    profile_uuid: defined.uuid,
    devices: new Map(Object.entries(defined.devices)),
  })
})

v1DepProfiles.post(PATH, async (c) => {
  const uuid = stringField(await readObject(c), 'uuid', 'fetchProfileRequest') ?? ''
  const account = await depAccountOfQuery(c)
  const path = `/profile?profile_uuid=${encodeURIComponent(uuid)}`
  return goJson(goDepProfile(await askApple(account, 'fetch profile', { method: 'GET', path })))
})

v1DepProfiles.delete(PATH, async (c) => {
  const what = 'remove profile'
  const serials = readSerials(await readObject(c), 'removeProfileRequest', what)
  const { object } = await depAccountOfQuery(c)
  const removed = await object.unassign(serials)
  if (removed.kind === 'refused') {
    throw depError(what, removed.answer)
  }
  return goJson({ serials: new Map(Object.entries(removed.devices)) })
})

/** Keys of MicroMDM's profile, which count in any case. */
const KEYS: ReadonlySet<string> = new Set([
  'profile_name',
  'url',
  'allow_pairing',
  'is_supervised',
  'is_multi_user',
  'is_mandatory',
  'await_device_configured',
  'is_mdm_removable',
  'support_phone_number',
  'auto_advance_setup',
  'support_email_address',
  'org_magic',
  'anchor_certs',
  'supervising_host_certs',
  'skip_setup_items',
  'department',
  'devices',
  'language',
  'region',
  'configuration_web_url',
])

/** The profile to define. Keys that MicroMDM does not have stay; the id is Apple's to give. */
function profileOf(body: JsonObject): DepProfile {
  const { profile_uuid: _, ...given } = body
  const named = Object.entries(given).map(([key, value]) => {
    const lower = key.toLowerCase()
    return [KEYS.has(lower) && !Object.hasOwn(given, lower) ? lower : key, value] as const
  })
  // Plain objects and numbers, as calls of objects take them.
  const profile: DepProfile = JSON.parse(writeGoJson(Object.fromEntries(named)))
  return profile
}
