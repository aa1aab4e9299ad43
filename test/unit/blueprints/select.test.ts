import { describe, expect, it } from 'vitest'
import type { BlueprintMatch, BlueprintStep } from '../../../src/blueprints/blueprint.ts'
import { mismatchOf, selectFor, type SetupCandidate } from '../../../src/blueprints/select.ts'
import { blueprint, candidate } from './blueprints.ts'

const FIRST = { awaiting: true, isFirst: true }
const AGAIN = { awaiting: false, isFirst: false }
const DEP = { accounts: ['acc', 'uuid-1', 'North'], profiles: ['p-1', 'Staff'] }
const PROVEN: Partial<SetupCandidate> = { proven: { serial: 'C02XYZ', dep: DEP } }

describe('a condition', () => {
  const holds: [BlueprintMatch, Partial<SetupCandidate>][] = [
    [{}, {}],
    [{ platform: ['iOS', 'macOS'] }, {}],
    [{ os: '>=14' }, {}],
    [{ os: '14' }, {}],
    [{ os: '>=14.2 <15' }, {}],
    [{ os: '<14.10' }, {}],
    [{ model: ['macbookair*'] }, {}],
    [{ model: ['*air'] }, {}],
    [{ model: ['M*B*A*1'] }, {}],
    [{ param: { bp: 'staff' } }, { params: { bp: 'staff', x: 'y' } }],
    [{ serial: ['c02*'] }, PROVEN],
    [{ dep_profile: ['Staff'] }, PROVEN],
    [{ dep_profile: ['p-1'] }, PROVEN],
    [{ account: ['uuid-1'] }, PROVEN],
    [{ enrollment: ['ade'] }, PROVEN],
    [{ enrollment: ['manual'] }, {}],
    [{ enrollment: ['manual'] }, { proven: { serial: 'C02XYZ', dep: undefined } }],
  ]
  it.each(holds)('holds: %j', (match, parts) => {
    expect(mismatchOf(match, candidate(parts))).toBeUndefined()
  })

  const fails: [BlueprintMatch, Partial<SetupCandidate>, string][] = [
    [{ platform: ['iOS'] }, {}, 'platform: the platform is macOS'],
    [{ platform: ['iOS'] }, { platform: '' }, 'platform: the platform is unknown'],
    [{ os: '>=15' }, {}, 'os: the OS version is 14.6.1'],
    [{ os: '>=14 <14.6' }, {}, 'os: the OS version is 14.6.1'],
    [{ os: '1' }, {}, 'os: the OS version is 14.6.1'],
    [{ os: '<15' }, { osVersion: '' }, 'os: the OS version is unknown'],
    [{ os: '<15' }, { osVersion: '1x' }, 'os: the OS version is 1x'],
    [{ model: ['MacBook'] }, {}, 'model: the model is MacBookAir10,1, MacBook Air'],
    [{ model: ['*Air*Air*'] }, {}, 'model: the model is MacBookAir10,1, MacBook Air'],
    [{ param: { bp: 'staff' } }, {}, 'param: the device enrolled without bp=staff in the URL'],
    [{ param: { toString: 'x' } }, {}, 'param: the device enrolled without toString=x in the URL'],
    [{ serial: ['C03*'] }, PROVEN, 'serial: the serial number is C02XYZ'],
    [{ dep_profile: ['Guests'] }, PROVEN, 'dep_profile: the profile is p-1, Staff'],
    [{ account: ['South'] }, PROVEN, 'account: the account is acc, uuid-1, North'],
    [{ enrollment: ['manual'] }, PROVEN, 'enrollment: Apple lists the device'],
  ]
  it.each(fails)('does not hold: %j', (match, parts, reason) => {
    expect(mismatchOf(match, candidate(parts))).toBe(reason)
  })

  it.each<BlueprintMatch>([
    { serial: ['*'] },
    { dep_profile: ['Staff'] },
    { account: ['North'] },
    { enrollment: ['ade'] },
  ])('does not hold for a serial number without proof: %j', (match) => {
    expect(mismatchOf(match, candidate())).toMatch(/: the device has not proven its serial number$/)
  })

  it.each<BlueprintMatch>([
    { dep_profile: ['Staff'] },
    { account: ['North'] },
    { enrollment: ['ade'] },
  ])('does not hold for a proven device that no account lists: %j', (match) => {
    const device = candidate({ proven: { serial: 'C02XYZ', dep: undefined } })
    expect(mismatchOf(match, device)).toMatch(/: no account of Apple Business Manager/)
  })

  it('needs all the others too', () => {
    const match: BlueprintMatch = { platform: ['macOS'], os: '>=15' }
    expect(mismatchOf(match, candidate())).toMatch(/^os/)
  })

  it('is decided in linear time, however a device calls itself', () => {
    const match: BlueprintMatch = { model: [`${'*a'.repeat(100)}b`] }
    const device = candidate({ models: ['a'.repeat(100_000)] })
    expect(mismatchOf(match, device)).toMatch(/^model/)
  })
})

const profile = (id: string): BlueprintStep => ({ do: 'profile', id })
const account = (admin: string): BlueprintStep => ({ do: 'account', admin })

describe('of several blueprints', () => {
  it('the one of the greatest priority comes first, then the name decides', () => {
    const all = [
      blueprint({ name: 'b', steps: [profile('b')] }),
      blueprint({ name: 'a', steps: [profile('a')] }),
      blueprint({ name: 'z', priority: 1, steps: [profile('z')] }),
    ]
    const { blueprints, steps } = selectFor(all, candidate(), FIRST)
    expect(blueprints.map((one) => one.blueprint.name)).toEqual(['z', 'a', 'b'])
    expect(steps.map(({ step }) => step)).toEqual([profile('z'), profile('a'), profile('b')])
  })

  it('equal profiles, packages and apps come once, accounts once, commands each time', () => {
    const command: BlueprintStep = { do: 'command', command: { request_type: 'ProfileList' } }
    const steps: BlueprintStep[] = [
      profile('p'),
      { do: 'package', manifest: '/repo/a.plist' },
      { do: 'app', itunes_store_id: 1 },
      command,
    ]
    const all = [
      blueprint({ name: 'a', steps: [...steps, account('one'), { do: 'release' }] }),
      blueprint({ name: 'b', steps: [...steps, account('two'), { do: 'release' }] }),
    ]
    const selected = selectFor(all, candidate(), FIRST).steps
    expect(selected.map(({ fault }) => fault)).toEqual([
      ...Array.from({ length: 5 }, () => undefined),
      'the blueprint a has it already',
      'the blueprint a has it already',
      'the blueprint a has it already',
      undefined,
      'the blueprint a has an account already',
    ])
  })

  it('a step that is left out does not take the place of an equal one', () => {
    const guarded: BlueprintStep = { ...profile('p'), when: { os: '>=99' } }
    const all = [
      blueprint({ name: 'a', steps: [guarded] }),
      blueprint({ name: 'b', steps: [profile('p')] }),
    ]
    const selected = selectFor(all, candidate(), FIRST).steps
    expect(selected.map(({ fault }) => fault)).toEqual([
      'when.os: the OS version is 14.6.1',
      undefined,
    ])
  })

  it.each([[['enroll']], [['x', 'ENROLL']]])('apply_at %j means enrolment', (apply_at) => {
    const [only] = selectFor([blueprint({ apply_at })], candidate(), FIRST).blueprints
    expect(only?.fault).toBeUndefined()
  })

  it('one without Enroll in apply_at is for no device', () => {
    const { blueprints, steps } = selectFor(
      [blueprint({ apply_at: ['Later'], steps: [profile('p')] })],
      candidate(),
      FIRST,
    )
    expect(blueprints[0]?.fault).toBe('apply_at: it does not have Enroll')
    expect(steps).toEqual([])
  })
})

describe('a device outside Setup Assistant', () => {
  const steps = [profile('p'), account('one'), { do: 'hold' } as const]
  const kinds = (reenroll: 'same' | 'changed' | 'never', occasion = AGAIN) =>
    selectFor([blueprint({ steps, reenroll })], candidate(), occasion)
      .steps.filter(({ fault }) => fault === undefined)
      .map(({ step }) => step.do)

  it('gets no account', () => {
    expect(kinds('same')).toEqual(['profile', 'hold'])
    expect(kinds('never', { awaiting: false, isFirst: true })).toEqual(['profile', 'hold'])
  })

  it('that enrols again gets profiles alone, or nothing, as the blueprint says', () => {
    expect(kinds('changed')).toEqual(['profile'])
    expect(kinds('never')).toEqual([])
  })

  it('that was erased gets everything', () => {
    for (const policy of ['same', 'changed', 'never'] as const) {
      expect(kinds(policy, { awaiting: true, isFirst: false })).toHaveLength(3)
    }
  })
})

it('an iPad gets no account of a Mac', () => {
  const all = [blueprint({ steps: [account('one')] })]
  const [step] = selectFor(all, candidate({ platform: 'iPadOS' }), FIRST).steps
  expect(step?.fault).toBe('accounts are made on Macs only')
})
