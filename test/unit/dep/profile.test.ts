import { describe, expect, it } from 'vitest'
import {
  definedUuid,
  devicesOfProfile,
  faultOfDepProfile,
  profileForApple,
  warningsOfDepProfile,
} from '../../../src/dep/profile.ts'
import { SKIP_ITEMS } from '../../../src/dep/skip-items.ts'

const GOOD = { profile_name: 'Macs', url: 'https://mdm.example.com/mdm/enroll?group=a' }

describe('a profile', () => {
  it.each([
    {},
    { is_supervised: true, is_mdm_removable: false, new_key: { of: 'Apple' } },
    { profile_name: 'ä'.repeat(125), org_magic: '', department: null },
    { skip_setup_items: 'all', devices: ['A'], language: 'zh-Hans', region: 'CH' },
    { url: 'http://127.0.0.1:8080/mdm/enroll', configuration_web_url: 'https://web.example.com/' },
  ])('with %j has no fault', (more) => {
    expect(faultOfDepProfile({ ...GOOD, ...more })).toBeUndefined()
  })

  const long = (length: number): string => 'x'.repeat(length)
  it.each([
    ['CONFIG_NAME_REQUIRED', 'profile_name', ''],
    ['CONFIG_NAME_INVALID', 'profile_name', long(126)],
    ['CONFIG_NAME_INVALID', 'profile_name', 7],
    ['CONFIG_URL_REQUIRED', 'url', undefined],
    ['CONFIG_URL_INVALID', 'url', ''],
    ['CONFIG_URL_INVALID', 'url', 'mdm.example.com/enroll'],
    ['CONFIG_URL_INVALID', 'url', 'http://mdm.example.com/'],
    ['CONFIG_URL_INVALID', 'url', `https://mdm.example.com/${'ä'.repeat(400)}`],
    ['CONFIG_URL_INVALID', 'configuration_web_url', 'ftp://example.com'],
    ['DEPARTMENT_INVALID', 'department', long(126)],
    ['MAGIC_INVALID', 'org_magic', long(257)],
    ['SUPPORT_EMAIL_INVALID', 'support_email_address', long(251)],
    ['SUPPORT_PHONE_INVALID', 'support_phone_number', long(51)],
    ['FLAGS_INVALID', 'is_mdm_removable', false],
    ['FLAGS_INVALID', 'await_device_configured', 'true'],
    ['LOCALE_INVALID', 'language', 'English'],
    ['LOCALE_INVALID', 'region', 'ch'],
    ['MALFORMED_REQUEST_BODY', 'skip_setup_items', 'TOS'],
    ['MALFORMED_REQUEST_BODY', 'anchor_certs', [1]],
  ])('is refused with %s for its %s: %.20j', (code, field, value) => {
    const fault = faultOfDepProfile({ ...GOOD, [field]: value })
    expect(fault).toMatchObject({ code, field })
    expect(fault?.text).toContain(field)
  })

  it('is refused with the length and the limit', () => {
    expect(faultOfDepProfile({ ...GOOD, profile_name: long(126) })?.text).toBe(
      'profile_name has 126 characters; Apple takes 125',
    )
  })
})

describe('what Apple gets', () => {
  it('has keys that are not known, and an explicit false', () => {
    const profile = { ...GOOD, new_key: [{ a: 1 }], allow_pairing: false, is_mandatory: true }
    expect(profileForApple(profile)).toEqual(profile)
  })

  it('lacks devices, nulls and an empty org_magic', () => {
    const more = { devices: ['A'], org_magic: '', department: null }
    expect(profileForApple({ ...GOOD, ...more })).toEqual(GOOD)
    expect(profileForApple({ ...GOOD, org_magic: 'x' })).toEqual({ ...GOOD, org_magic: 'x' })
  })

  it('has all panes for "all"', () => {
    const { skip_setup_items: items } = profileForApple({ ...GOOD, skip_setup_items: 'all' })
    expect(items).toEqual(SKIP_ITEMS)
    expect(SKIP_ITEMS).toContain('LiquidGlass')
    expect(new Set(SKIP_ITEMS).size).toBe(54)
  })
})

it('a pane that no device knows is warned of, with the one that is meant', () => {
  expect(warningsOfDepProfile({ skip_setup_items: ['TOS', 'Apearance', 'Qwertz'] })).toEqual([
    'skip_setup_items: devices know no Apearance: did you mean Appearance?',
    'skip_setup_items: devices know no Qwertz',
  ])
  expect(warningsOfDepProfile({ skip_setup_items: 'all' })).toEqual([])
})

it('the devices of a profile are assigned for themselves', () => {
  expect(devicesOfProfile({ devices: ['A'] })).toEqual(['A'])
  expect(devicesOfProfile({ devices: null })).toEqual([])
})

it('the answer to a definition has the id', () => {
  expect(definedUuid({ profile_uuid: 'U' })).toBe('U')
  expect(definedUuid({})).toBeUndefined()
})
