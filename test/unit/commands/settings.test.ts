import { buildBinary } from 'plist'
import { describe, expect, test } from 'vitest'
import { buildCommand } from '../../../src/commands/build.ts'
import { readGoJson } from '../../../src/commands/go-json.ts'
import { arrayAt, asDict, requiredDict } from '../../../src/plist/dict.ts'
import { readPlist } from '../../../src/plist/read.ts'
import type { PlistValue } from '../../../src/plist/value.ts'
import { writePlist } from '../../../src/plist/write.ts'

function send(item: object): PlistValue | string | undefined {
  const body = { udid: 'U1', request_type: 'Settings', settings: [item] }
  const reading = readGoJson(JSON.stringify(body))
  if (!reading.ok) return reading.error
  const command = buildCommand(reading.value, () => 'u')
  if (!command.ok) return command.error
  return arrayAt(requiredDict(asDict(readPlist(command.payload)), 'Command'), 'Settings')?.[0]
}

const configuration = Buffer.from(writePlist({ Server: 'x', n: 1 })).toString('base64')
const switches = [
  'VoiceRoaming',
  'PersonalHotspot',
  'DataRoaming',
  'Bluetooth',
  'DiagnosticSubmission',
  'AppAnalytics',
]

describe('a Settings item', () => {
  test.each(switches)('%s can be switched off', (item) => {
    expect(send({ item, enabled: false })).toEqual({ Item: item, Enabled: false })
    expect(send({ item, enabled: true })).toEqual({ Item: item, Enabled: true })
    expect(send({ item })).toEqual({ Item: item })
  })

  test.each<[string, object, object]>([
    [
      'ApplicationConfiguration',
      { identifier: 'i', configuration },
      { Identifier: 'i', Configuration: { Server: 'x', n: 1 } },
    ],
    ['ApplicationConfiguration', { identifier: 'i' }, { Identifier: 'i' }],
    [
      'ApplicationAttributes',
      { identifier: 'i', attributes: { VPNUUID: 'v', Removable: false } },
      { Identifier: 'i', Attributes: { VPNUUID: 'v', Removable: false } },
    ],
    ['Wallpaper', { image: 'AAE=', where: 0 }, { Image: new Uint8Array([0, 1]), Where: 0 }],
    ['DeviceName', { device_name: 'n', hostname: 'h' }, { DeviceName: 'n' }],
    ['HostName', { hostname: 'h' }, { HostName: 'h' }],
    ['TimeZone', { time_zone: 'Europe/Berlin' }, { TimeZone: 'Europe/Berlin' }],
    ['PasscodeLockGracePeriod', { passcode_lock_grace_period: 0 }, { PasscodeLockGracePeriod: 0 }],
    ['MaximumResidentUsers', { maximum_resident_users: 0 }, { MaximumResidentUsers: 0 }],
    ['SoftwareUpdateSettings', { recommendation_cadence: 2 }, { RecommendationCadence: 2 }],
    ['SoftwareUpdateSettings', {}, { RecommendationCadence: 0 }],
    ['', { enabled: true }, {}],
  ])('case %#: %j sends its fields only', (item, fields, plist) => {
    expect(send({ item, ...fields })).toEqual({ Item: item, ...plist })
  })

  test.each([
    ['a dictionary alone', Buffer.from('<dict><key>n</key><integer>1</integer></dict>')],
    [
      'one with an empty line first',
      Buffer.from(
        '\n<?xml version="1.0"?>\n<plist><dict><key>n</key><integer>1</integer></dict></plist>',
      ),
    ],
    ['a binary one', Buffer.from(buildBinary({ n: 1 }))],
  ])('takes a configuration that is %s', (_, bytes) => {
    const item = 'ApplicationConfiguration'
    expect(send({ item, identifier: 'i', configuration: bytes.toString('base64') })).toEqual({
      Item: item,
      Identifier: 'i',
      Configuration: { n: 1 },
    })
  })

  test('that MicroMDM does not know passes Apple’s keys through and drops the others', () => {
    const OrganizationInfo = { OrganizationName: 'O', OrganizationPhone: null }
    expect(send({ item: 'OrganizationInfo', OrganizationInfo, enabled: true, x: 1 })).toEqual({
      Item: 'OrganizationInfo',
      OrganizationInfo: { OrganizationName: 'O' },
    })
  })

  test('takes its own fields in any case', () => {
    expect(send({ Item: 'Bluetooth', Enabled: false })).toEqual({
      Item: 'Bluetooth',
      Enabled: false,
    })
  })

  test('MDMOptions sends the three options always, and newer ones when given', () => {
    const absent = {
      ActivationLockAllowedWhileSupervised: false,
      BootstrapTokenAllowed: false,
      PromptUserToAllowBootstrapTokenForAuthentication: false,
    }
    expect(send({ item: 'MDMOptions' })).toEqual({ Item: 'MDMOptions', MDMOptions: absent })
    const mdm_options = { BootstrapTokenAllowed: true, IdleRebootAllowed: false }
    expect(send({ item: 'MDMOptions', mdm_options })).toEqual({
      Item: 'MDMOptions',
      MDMOptions: { ...absent, ...mdm_options },
    })
  })

  test('MDMOptions with anything but booleans is refused', () => {
    const mdm_options = { BootstrapTokenAllowed: 'true' }
    expect(send({ item: 'MDMOptions', mdm_options })).toBe(
      'mdm_options.BootstrapTokenAllowed is not a bool',
    )
  })

  test.each([
    ['is no plist', 'AAE='],
    ['is no dictionary', Buffer.from(writePlist(['x'])).toString('base64')],
  ])('whose configuration %s is refused before the 201', (_, wrong) => {
    expect(send({ item: 'ApplicationConfiguration', configuration: wrong })).toMatch(
      /^parse configuration as plist: /,
    )
  })
})
