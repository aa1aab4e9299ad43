import { isDict } from '../plist/dict.ts'
import type { PlistDict, PlistValue } from '../plist/value.ts'
import { field, type RequestReading } from './fields.ts'
import type { JsonObject } from './go-json.ts'
import { passThrough } from './pass-through.ts'

/** The JSON fields of a Settings item, flat and shared by all kinds of item. */
export const SETTING_FIELDS = [
  field('item', 'Item', 'string', { always: true, echo: '' }),
  field('enabled', 'Enabled', 'bool'),
  field('device_name', 'DeviceName', 'string'),
  field('hostname', 'HostName', 'string'),
  field('identifier', 'Identifier', 'string', { echo: null }),
  field('time_zone', 'TimeZone', 'string'),
  field('attributes', 'Attributes', 'dict'),
  field('image', 'Image', 'data'),
  field('where', 'Where', 'integer'),
  field('mdm_options', 'MDMOptions', 'bools'),
  field('passcode_lock_grace_period', 'PasscodeLockGracePeriod', 'integer'),
  field('maximum_resident_users', 'MaximumResidentUsers', 'integer'),
  field('recommendation_cadence', 'RecommendationCadence', 'integer'),
  field('configuration', 'Configuration', 'plist', { echo: null }),
]

/** The shared fields that an item sends. Items that are not here send `Item` and Apple's own keys. */
const ITEM_KEYS: ReadonlyMap<string, readonly string[]> = new Map([
  ['VoiceRoaming', ['Enabled']],
  ['PersonalHotspot', ['Enabled']],
  ['DataRoaming', ['Enabled']],
  ['Bluetooth', ['Enabled']],
  ['DiagnosticSubmission', ['Enabled']],
  ['AppAnalytics', ['Enabled']],
  ['ApplicationConfiguration', ['Identifier', 'Configuration']],
  ['ApplicationAttributes', ['Identifier', 'Attributes']],
  ['Wallpaper', ['Image', 'Where']],
  ['DeviceName', ['DeviceName']],
  ['HostName', ['HostName']],
  ['TimeZone', ['TimeZone']],
  ['MDMOptions', ['MDMOptions']],
  ['PasscodeLockGracePeriod', ['PasscodeLockGracePeriod']],
  ['MaximumResidentUsers', ['MaximumResidentUsers']],
  ['SoftwareUpdateSettings', ['RecommendationCadence']],
])

/** MicroMDM sends all three; those that the request leaves out are false. */
const MDM_OPTIONS = {
  ActivationLockAllowedWhileSupervised: false,
  BootstrapTokenAllowed: false,
  PromptUserToAllowBootstrapTokenForAuthentication: false,
}

/**
 * The dictionary of one Settings item. MicroMDM drops every field that it does not know. Here a key with a
 * capital first letter is Apple's own and passes through unchanged (`{"item": "OrganizationInfo",
 * "OrganizationInfo": {…}}`), unless it is a shared field in another case. Values that must be `<data>`
 * have no JSON form in this way.
 *
 * @throws GoFieldError for a null inside an array
 */
export function settingItem(
  dict: PlistDict,
  json: JsonObject,
  reading: RequestReading,
): Record<string, PlistValue> {
  const item = typeof dict['Item'] === 'string' ? dict['Item'] : ''
  const sent: Record<string, PlistValue> = { Item: item }
  for (const [key, value] of Object.entries(json)) {
    if (/^[A-Z]/.test(key) && !isSharedField(key)) {
      const passed = passThrough(value, key)
      if (passed !== undefined) sent[key] = passed
    }
  }
  for (const key of ITEM_KEYS.get(item) ?? []) {
    const value = dict[key]
    if (value !== undefined) sent[key] = value
  }
  if (reading === 'exact') return sent
  if (item === 'MDMOptions') {
    sent['MDMOptions'] = { ...MDM_OPTIONS, ...(isDict(dict['MDMOptions']) && dict['MDMOptions']) }
  }
  if (item === 'SoftwareUpdateSettings') sent['RecommendationCadence'] ??= 0
  return sent
}

/** Whether a key of an item is one of the shared fields, in any case. */
export function isSharedField(key: string): boolean {
  return SETTING_FIELDS.some(({ json }) => json === key.toLowerCase())
}
