/** The keys of an enrolment profile (Apple, "Profile" of Device Management), as a form: pure. */
import { SKIP_ITEMS } from '../../../../dep/skip-items.ts'
import type { FieldOf, JsonForm } from '../form/fields.ts'

export const ADDRESS_FIELDS: readonly FieldOf[] = [
  {
    key: 'url',
    label: 'Address of the enrolment',
    as: 'text',
    isNeeded: true,
    hint: 'Devices get their enrolment profile there. It may have parameters, such as ?bp=staff',
  },
  {
    key: 'configuration_web_url',
    label: 'Sign-in page',
    as: 'text',
    hint: 'A page that asks the user to sign in first. It may be left out',
  },
]

export const FLAG_FIELDS: readonly FieldOf[] = [
  { key: 'is_supervised', label: 'Supervise the device', as: 'flag' },
  {
    key: 'is_mdm_removable',
    label: 'The user can remove the management',
    as: 'flag',
    usual: true,
  },
  { key: 'is_mandatory', label: 'The user cannot skip the enrolment', as: 'flag' },
  {
    key: 'await_device_configured',
    label: 'Wait in Setup Assistant',
    as: 'flag',
    hint: 'until blueprints have run',
  },
  {
    key: 'auto_advance_setup',
    label: 'Go through Setup Assistant by itself',
    as: 'flag',
    hint: 'Mac and Apple TV with a cable',
  },
  { key: 'is_multi_user', label: 'Shared iPad', as: 'flag' },
  { key: 'is_return_to_service', label: 'Return to Service', as: 'flag' },
  { key: 'allow_pairing', label: 'Allow pairing with computers', as: 'flag', usual: true },
  {
    key: 'do_not_use_profile_from_backup',
    label: 'Do not take the management from a backup',
    as: 'flag',
  },
]

export const TEXT_FIELDS: readonly FieldOf[] = [
  { key: 'department', label: 'Department', as: 'text' },
  { key: 'support_phone_number', label: 'Phone of the support', as: 'text' },
  { key: 'support_email_address', label: 'E-mail of the support', as: 'text' },
  { key: 'language', label: 'Language', as: 'text', hint: 'en' },
  { key: 'region', label: 'Region', as: 'text', hint: 'GB' },
  { key: 'org_magic', label: 'Organisation’s own mark', as: 'text' },
]

/** The fields whose faults stand beside them. */
export const PROFILE_PLACES = [
  'param.id',
  ...[...ADDRESS_FIELDS, ...FLAG_FIELDS, ...TEXT_FIELDS].map(({ key }) => `json.profile.${key}`),
]

const SKIP = 'skip_setup_items'

/** The panes that a profile skips. The word `all` stands for all that the server knows. */
export function skippedIn({ [SKIP]: items }: JsonForm): readonly string[] {
  return items === 'all'
    ? SKIP_ITEMS
    : Array.isArray(items)
      ? items.filter((item) => typeof item === 'string')
      : []
}

/** The profile with these panes skipped. Those that the server does not know stay. */
export function withSkipped(json: JsonForm, items: readonly string[]): JsonForm {
  const { [SKIP]: _before, ...others } = json
  const isAll = SKIP_ITEMS.every((item) => items.includes(item))
  return items.length === 0 ? others : { ...others, [SKIP]: isAll ? 'all' : items }
}

/** The panes of the checklist: those that are known, and those that the profile has beside them. */
export function panesOf(json: JsonForm): readonly string[] {
  return [...new Set([...SKIP_ITEMS, ...skippedIn(json)])]
}

/** `DeviceToDeviceMigration` as words. */
export function paneWords(pane: string): string {
  return pane
    .replaceAll(/(?<=[a-z])(?<!^i)(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])/g, ' ')
    .replaceAll(/(?<=File|Face) /g, '')
}

/** A profile as it is edited: its name stands in the address. */
export function editedOf(profile: JsonForm): JsonForm {
  const { profile_name: _name, ...others } = profile
  return others
}
