/** The objects of MicroMDM's DEP routes. `mdmctl` reads fields without a look whether they are there. */
import { isObject } from '../../../apple/declarations.ts'
import type { JsonObject } from '../../../commands/go-json.ts'

/** Go's text for no time, in MicroMDM's answers. */
export const NEVER = '0001-01-01T00:00:00Z'

const ACCOUNT = {
  server_name: '',
  server_uuid: '',
  admin_id: '',
  org_name: '',
  org_email: '',
  org_phone: '',
  org_address: '',
  org_id: '',
  org_id_hash: '',
  urls: null,
  org_type: '',
  org_version: '',
}

const DEVICE = {
  serial_number: '',
  model: '',
  description: '',
  color: '',
  profile_status: '',
  profile_assign_time: NEVER,
  profile_push_time: NEVER,
  device_assigned_date: NEVER,
  op_date: NEVER,
}

const PROFILE = { profile_name: '', url: '', is_mdm_removable: false, org_magic: '', devices: null }

/** An account as Apple tells it, with each field that MicroMDM always writes. */
export function goAccount(account: unknown): JsonObject {
  return { ...ACCOUNT, ...objectOf(account) }
}

/** The same for a profile. */
export function goDepProfile(profile: unknown): JsonObject {
  return { ...PROFILE, ...objectOf(profile) }
}

/** The same for each device of an answer to `POST /devices`, beside its serial number. */
export function goDepDevices(answer: unknown): (readonly [serial: string, device: JsonObject])[] {
  const devices = Object.entries(objectOf(objectOf(answer)['devices']))
  return devices.map(([serial, device]) => [serial, { ...DEVICE, ...objectOf(device) }])
}

function objectOf(value: unknown): JsonObject {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Apple's answers are parsed JSON
  return isObject(value) ? (value as JsonObject) : {}
}
