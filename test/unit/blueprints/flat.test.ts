import { describe, expect, it } from 'vitest'
import type { BlueprintStep } from '../../../src/blueprints/blueprint.ts'
import {
  blueprintOfFlat,
  faultOfFlat,
  flatOf,
  unexpressed,
  type FlatBlueprint,
} from '../../../src/blueprints/flat.ts'
import { blueprint } from './blueprints.ts'

const FLAT: FlatBlueprint = {
  uuid: 'b-1',
  name: 'All',
  install_application_manifest_urls: ['https://x.example/a.plist', 'https://x.example/b.plist'],
  profile_ids: ['p', 'q'],
  user_uuids: ['u'],
  skip_primary_setup_account_creation: true,
  set_primary_setup_account_as_regular_user: false,
  apply_at: ['Enroll'],
}
const packages = ['a', 'b', 'c'].map((name): BlueprintStep => ({
  do: 'package',
  manifest: `https://x.example/${name}.plist`,
}))
const profile = (id: string): BlueprintStep => ({ do: 'profile', id })
const ACCOUNT: BlueprintStep = { do: 'account', admin: 'u', skip_primary: true }
const RELEASE: BlueprintStep = { do: 'release' }
const FORM = [profile('p'), profile('q'), ...packages.slice(0, 2), ACCOUNT, RELEASE]

describe('MicroMDM’s form', () => {
  it('becomes profiles, applications, the account and the release', () => {
    const made = blueprintOfFlat(FLAT)
    expect(made.steps).toEqual(FORM)
    expect(made).toMatchObject({ uuid: 'b-1', name: 'All', apply_at: ['Enroll'], match: {} })
    expect(made).not.toHaveProperty('version')
    expect(unexpressed(made)).toEqual([])
  })

  it('comes back as it was', () => {
    expect(flatOf(blueprintOfFlat(FLAT))).toEqual(FLAT)
  })

  it('makes no account without a user', () => {
    const flat = { ...FLAT, user_uuids: [], skip_primary_setup_account_creation: false }
    expect(blueprintOfFlat(flat).steps).toEqual(FORM.filter((step) => step !== ACCOUNT))
    expect(faultOfFlat(flat)).toBeUndefined()
  })

  it('is refused with two users, and with a boolean about a user that is not there', () => {
    expect(faultOfFlat({ ...FLAT, user_uuids: ['u', 'v'] })).toMatch(
      /^Blueprint All names 2 users: .* Name one in user_uuids$/,
    )
    expect(faultOfFlat({ ...FLAT, user_uuids: [] })).toMatch(
      /^skip_primary_setup_account_creation in Blueprint All needs a user/,
    )
    expect(faultOfFlat(FLAT)).toBeUndefined()
  })

  it('takes what is named twice once', () => {
    const flat = { ...FLAT, profile_ids: ['p', 'q', 'p'] }
    expect(blueprintOfFlat(flat).steps).toEqual(FORM)
  })
})

describe('a blueprint with more than the form', () => {
  const guarded: BlueprintStep = { ...profile('p'), required: true }
  const hold: BlueprintStep = { do: 'hold' }
  const command: BlueprintStep = { do: 'command', command: { request_type: 'RestartDevice' } }
  const steps = [guarded, command, profile('q'), ...packages.slice(0, 2), hold, ACCOUNT, RELEASE]
  const before = blueprint({ steps, priority: 5, match: { platform: ['macOS'] }, version: 3 })

  it('is not changed by the form that it shows', () => {
    const { version: _, ...same } = before
    expect(blueprintOfFlat(flatOf(before), before)).toEqual(same)
  })

  it('keeps its other steps at their places when profiles go and come', () => {
    const made = blueprintOfFlat({ ...FLAT, profile_ids: ['r', 'p', 's'] }, before)
    expect(made.steps).toEqual([
      profile('r'),
      command,
      guarded,
      profile('s'),
      ...packages.slice(0, 2),
      hold,
      ACCOUNT,
      RELEASE,
    ])
    expect(made).toMatchObject({ priority: 5, match: { platform: ['macOS'] } })
  })

  it('keeps them when all else goes', () => {
    const flat = {
      ...FLAT,
      profile_ids: [],
      install_application_manifest_urls: [],
      user_uuids: [],
      skip_primary_setup_account_creation: false,
    }
    expect(blueprintOfFlat(flat, before).steps).toEqual([command, hold, RELEASE])
  })

  it('gets first profiles before its applications, and the account before the release', () => {
    const bare = blueprint({ steps: [hold, RELEASE] })
    expect(blueprintOfFlat(FLAT, bare).steps).toEqual([...FORM.slice(0, 4), hold, ACCOUNT, RELEASE])
  })

  it('keeps what its account says of the user of the Mac', () => {
    const account: BlueprintStep = { ...ACCOUNT, primary: { user_name: 'staff' } }
    const old = blueprint({ steps: [account, RELEASE] })
    const flat = { ...flatOf(old), user_uuids: [], skip_primary_setup_account_creation: false }
    expect(blueprintOfFlat(flat, old).steps).toEqual([
      { do: 'account', primary: { user_name: 'staff' } },
      RELEASE,
    ])
  })

  it('says what the form leaves out', () => {
    expect(unexpressed(before)).toEqual([
      'match',
      'priority',
      'profile p',
      'command RestartDevice',
      'hold',
    ])
  })
})
