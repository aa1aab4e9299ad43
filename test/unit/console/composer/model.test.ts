import { expect, it } from 'vitest'
import { commandCatalogue } from '../../../../src/command-types/catalogue.ts'
import type { TypeDocument } from '../../../../src/command-types/document.ts'
import { commandFrom } from '../../../../src/console/composer/draft.ts'
import { type DeviceFacts, factsOf, NO_FACTS } from '../../../../src/console/composer/facts.ts'
import { draftOf, draftOfWords, putAt } from '../../../../src/console/composer/fill.ts'
import { newPin } from '../../../../src/console/composer/pin.ts'
import { firstDraft, withFollowing } from '../../../../src/console/composer/presets.ts'
import { findTypes } from '../../../../src/console/composer/search.ts'
import { commandStanding, keyStanding } from '../../../../src/console/composer/standing.ts'
import { presentKinds, warningsOf } from '../../../../src/console/composer/warnings.ts'
import { bodyIn, curlText, formOf } from '../../../../src/console/composer/written.ts'

const TYPES = commandCatalogue()
function typeOf(name: string): TypeDocument {
  const found = TYPES.find((one) => one.request_type === name)
  if (!found) {
    throw new Error(name)
  }
  return found
}
const facts = (more: Partial<DeviceFacts>): DeviceFacts => ({ ...NO_FACTS, ...more })
const MAC = facts({ platform: 'macOS', osVersion: '15.1' })
const IPHONE = facts({ platform: 'iOS', osVersion: '26.4', isSupervised: false })
const ones = (bytes: Uint8Array): Uint8Array => bytes.fill(251, 0, 8).fill(7, 8)

it('sends a false, and not what has no answer', () => {
  const { command } = commandFrom(typeOf('EraseDevice'), { PreserveDataPlan: false, PIN: '' })
  expect(command).toEqual({ RequestType: 'EraseDevice', PreserveDataPlan: false })
})

it('names the place of each value that it cannot read', () => {
  const type = typeOf('ScheduleOSUpdate')
  const { faults } = commandFrom(type, {
    Updates: [{ InstallAction: 'Default' }, { InstallAction: '', MaxUserDeferrals: '2x' }],
  })
  expect(faults).toEqual([
    { path: ['Updates', 1, 'InstallAction'], detail: 'Is needed' },
    { path: ['Updates', 1, 'MaxUserDeferrals'], detail: 'Has to be a whole number' },
  ])
})

it('takes from an address the texts of the command, and nothing else', () => {
  const words = new URLSearchParams('Identifier=com.example.wifi&from=A.1&RequestType=EraseDevice')
  expect(draftOfWords(typeOf('RemoveProfile'), words)).toEqual({ Identifier: 'com.example.wifi' })
  expect(draftOfWords(typeOf('RestartDevice'), new URLSearchParams('NotifyUser=true'))).toEqual({})
})

it('refuses a form for a command that it would change', () => {
  const lock = typeOf('DeviceLock')
  expect(draftOf(lock, { RequestType: 'DeviceLock', Message: 'Hello' })).toEqual({
    Message: 'Hello',
  })
  expect(draftOf(lock, { RequestType: 'DeviceLock', Message: '' })).toBeUndefined()
  expect(draftOf(lock, { RequestType: 'DeviceLock', Message: 5 })).toBeUndefined()
})

it('keeps a key that Apple’s schema lacks', () => {
  const command = { RequestType: 'DeviceLock', Brandnew: { a: [1] } }
  const draft = draftOf(typeOf('DeviceLock'), command)
  expect(draft && commandFrom(typeOf('DeviceLock'), draft).command).toEqual(command)
})

it('changes one place of a draft, and takes an item away', () => {
  const draft = { Updates: [{ ProductKey: 'a' }, { ProductKey: 'b' }] }
  expect(putAt(draft, ['Updates', 1, 'ProductKey'], 'c')).toEqual({
    Updates: [{ ProductKey: 'a' }, { ProductKey: 'c' }],
  })
  expect(putAt(draft, ['Updates', 0], undefined)).toEqual({ Updates: [{ ProductKey: 'b' }] })
  expect(putAt({}, ['Updates', 0], { ProductKey: 'a' })).toEqual({ Updates: [{ ProductKey: 'a' }] })
})

it('turns Return to Service on with the first of its keys, and leaves a choice alone', () => {
  const draft = { ReturnToService: { WiFiProfileData: 'AAEC' } }
  expect(withFollowing('EraseDevice', draft)).toEqual({
    ReturnToService: { WiFiProfileData: 'AAEC', Enabled: true },
  })
  const off = { ReturnToService: { WiFiProfileData: 'AAEC', Enabled: false } }
  expect(withFollowing('EraseDevice', off)).toBe(off)
})

it('makes a PIN of six digits, each as likely as the others', () => {
  expect(newPin(ones)).toBe('777777')
  expect(firstDraft(typeOf('DeviceLock'), MAC, ones)).toEqual({ PIN: '777777' })
  expect(firstDraft(typeOf('DeviceLock'), IPHONE, ones)).toEqual({})
  expect(firstDraft(typeOf('DeviceLock'), NO_FACTS, ones, true)).toEqual({ PIN: '777777' })
})

it('names the fields of which one is needed as the form does', () => {
  const { faults } = commandFrom(typeOf('EnableLostMode'), {})
  expect(faults).toEqual([{ path: ['Message'], detail: 'One is needed: Message, Phone number' }])
})

it('asks a device for everything that its OS answers', () => {
  const of = (one: DeviceFacts): unknown =>
    firstDraft(typeOf('DeviceInformation'), one, ones)['Queries']
  expect(of(MAC)).toEqual(expect.arrayContaining(['OSVersion', 'HostName']))
  expect(of(IPHONE)).not.toEqual(expect.arrayContaining(['HostName']))
})

it.each([
  ['EnableLostMode', MAC, 'not on macOS'],
  ['EnableLostMode', IPHONE, 'needs supervision'],
  [
    'ScheduleOSUpdate',
    facts({ platform: 'macOS', osVersion: '27.0' }),
    'removed in macOS 27.0: use',
  ],
  ['CancelEnhancedLogCollection', IPHONE, 'came with iOS 27.0, and this is 26.4'],
  ['EraseDevice', facts({ platform: 'macOS', isUser: true }), 'for the device, not for a user'],
  ['ActiveNSExtensions', MAC, 'only for a user of the device'],
  ['EraseDevice', facts({ platform: 'iOS', isUserEnrolment: true }), 'not under a User Enrollment'],
  ['LogOutUser', facts({ platform: 'iPadOS', osVersion: '18' }), 'only on a Shared iPad'],
])('says why a device lacks %s', (name, one, why) => {
  expect(commandStanding(typeOf(name), one)).toEqual({
    kind: 'lacking',
    why: expect.stringContaining(why),
  })
})

it('offers everything when nothing is known, and what a device of its platform has', () => {
  expect(TYPES.filter((type) => commandStanding(type, NO_FACTS).kind === 'lacking')).toEqual([])
  expect(commandStanding(typeOf('DeviceLock'), MAC)).toEqual({ kind: 'there' })
  const pin = typeOf('DeviceLock').keys.find(({ key }) => key === 'PIN')?.availability
  expect(keyStanding(pin, IPHONE)).toEqual({ kind: 'lacking', why: 'not for iOS' })
})

it('finds a type by the beginnings of its words, and by what it does', () => {
  const first = (typed: string): string | undefined => findTypes(TYPES, typed)[0]?.request_type
  expect(first('devinf')).toBe('DeviceInformation')
  expect(first('lock')).toBe('DeviceLock')
  expect(first('security info')).toBe('SecurityInfo')
  expect(first('installed apps')).toBe('InstalledApplicationList')
  expect(findTypes(TYPES, 'zzzz')).toEqual([])
  expect(findTypes(TYPES, '')).toBe(TYPES)
})

it('warns before it is too late', () => {
  const none = { kept: new Set<string>(), draft: {} }
  expect(warningsOf('DeviceLock', facts({ platform: 'iOS', hasPasscode: false }), none)).toEqual([
    expect.stringContaining('This iPhone has no passcode'),
    expect.stringContaining('It takes no PIN'),
  ])
  const locked = facts({ platform: 'iOS', isActivationLocked: true })
  expect(warningsOf('EraseDevice', locked, none)).toHaveLength(1)
  const kept = { kept: new Set(['activation_lock_bypass']), draft: {} }
  expect(warningsOf('EraseDevice', locked, kept)).toEqual([])
  const returning = { kept: kept.kept, draft: { ReturnToService: { Enabled: true } } }
  expect(warningsOf('EraseDevice', locked, returning)).toEqual([
    expect.stringContaining('Return to Service is on'),
  ])
  expect(warningsOf('ClearPasscode', IPHONE, none)).toHaveLength(1)
  const unread = { kept: undefined, draft: {} }
  expect(warningsOf('EraseDevice', locked, unread)).toEqual([])
  expect(warningsOf('ClearPasscode', IPHONE, unread)).toEqual([])
})

it('counts a secret as kept only in the present enrolment', () => {
  const token = { id: '1', stored_at: null }
  const kept = presentKinds([
    { ...token, kind: 'unlock_token', archived_at: null },
    { ...token, kind: 'activation_lock_bypass', archived_at: '2026-11-24T09:00:00.000Z' },
  ])
  expect([...(kept ?? [])]).toEqual(['unlock_token'])
})

it('reads the facts of a device out of its last reports', () => {
  const report = (value: object) => ({ at: '', command_id: '', value: { ...value } })
  const device = {
    id: 'D1',
    type: 'Device' as const,
    platform: 'iOS' as const,
    os_version: '26.4',
    channels: [],
    inventory: {
      DeviceInformation: report({ IsSupervised: true, IsMDMLostModeEnabled: false }),
      SecurityInfo: report({ PasscodePresent: true, ManagementStatus: { EnrolledViaDEP: false } }),
      ProfileList: null,
      InstalledApplicationList: null,
    },
  }
  expect(factsOf(device, 'D1')).toMatchObject({
    isSupervised: true,
    isLost: false,
    hasPasscode: true,
    isAutomated: false,
    isActivationLocked: undefined,
  })
})

it('writes a call of curl that a shell and the JSON panel read as the same body', () => {
  const body = { Command: { RequestType: 'DeviceLock', Message: 'Ada\'s Mac: $5 \\ "x"' } }
  const text = curlText('https://mdm.example', { path: '/api/devices/D1/commands', body })
  expect(bodyIn(text)).toEqual(body)
  expect(bodyIn(JSON.stringify(body))).toEqual(body)
  expect(bodyIn('curl https://mdm.example')).toBeUndefined()
  expect([formOf(body), formOf({ request_type: 'DeviceLock' }), formOf({})]).toEqual([
    'apple',
    'micromdm',
    undefined,
  ])
})
