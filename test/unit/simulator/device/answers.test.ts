import { describe, expect, it } from 'vitest'
import type { Platform } from '../../../../src/apple/platform.ts'
import {
  availability,
  commandSchema,
  type Keys,
  type KeySchema,
  REQUEST_TYPES,
} from '../../../../src/apple/schema.ts'
import { isBefore } from '../../../../src/apple/version.ts'
import { isDict } from '../../../../src/plist/dict.ts'
import type { PlistDict, PlistValue } from '../../../../src/plist/value.ts'
import { writePlist } from '../../../../src/plist/write.ts'
import { defaultAnswer } from '../../../../src/simulator/device/answers/answers.ts'
import { newInstalledItems } from '../../../../src/simulator/device/answers/installed.ts'
import responses from '../../../../src/simulator/device/answers/responses.json' with { type: 'json' }
import type { EnrolledScope, Where } from '../../../../src/simulator/device/answers/responses.ts'
import { operatingSystem, versionIn } from '../../../../src/simulator/device/os.ts'
import { HARDWARE } from '../../../../src/simulator/device/platforms.ts'
import { AWAITING, createSetup } from '../../../../src/simulator/device/setup.ts'

const RESPONSES = new Map<string, Keys>(Object.entries(responses.responses))

const CHANNELS: readonly (readonly [Platform, EnrolledScope, letters: string])[] = [
  ['macOS', 'device', 'd'],
  ['macOS', 'user', 'u'],
  ['iOS', 'device', 'd'],
  ['iPadOS', 'device', 'd'],
  ['iPadOS', 'sharedDevice', 's'],
  ['iPadOS', 'sharedUser', 'm'],
  ['tvOS', 'device', 'd'],
  ['watchOS', 'device', 'd'],
  ['visionOS', 'device', 'd'],
  ['macOS', 'device', 'de'],
  ['macOS', 'user', 'ue'],
  ['iOS', 'device', 'de'],
  ['watchOS', 'device', 'de'],
  ['visionOS', 'device', 'de'],
]

/** Queries that devices without a modem leave out, and all devices without a Rapid Security Response. */
const NO_MODEM =
  /^(SupplementalOSVersionExtra|IMEI|MEID|ICCID|PhoneNumber|ModemFirmwareVersion|PersonalHotspotEnabled|ServiceSubscriptions|.*(Roaming|Carrier|MCC|MNC).*)$/

function place(
  platform: Platform,
  release: string,
  scope: EnrolledScope = 'device',
  letters = 'd',
) {
  const where: Where = {
    platform,
    osVersion: versionIn(release, platform),
    scope,
    userEnrollment: letters.includes('e'),
  }
  const installed = newInstalledItems()
  const ask = (requestType: string, command: PlistDict = {}): PlistDict =>
    defaultAnswer(requestType, command, {
      where,
      hardware: HARDWARE[platform],
      os: operatingSystem(platform, where.osVersion),
      name: 'Test device',
      udid: '00008110-0123456789ABCDEF',
      serial: 'C02AB0CDEFGH',
      token: Uint8Array.of(7),
      identity: { commonName: 'Test device', certificate: Uint8Array.of(48, 0) },
      installed,
      setup: createSetup(AWAITING),
      now: new Date('2026-11-01T12:00:00Z'),
    })
  const has = (on: string | undefined): boolean => {
    const found = on === undefined ? undefined : availability(on, platform)
    return (
      on === undefined ||
      (found !== undefined &&
        letters.split('').every((letter) => found.channels.includes(letter)) &&
        !isBefore(where.osVersion, found.since) &&
        (found.until === undefined || isBefore(where.osVersion, found.until)))
    )
  }
  return { ask, has }
}

type Has = ReturnType<typeof place>['has']

const PAYLOAD = {
  PayloadIdentifier: 'p',
  PayloadUUID: 'U',
  PayloadVersion: 1,
  PayloadContent: [{ PayloadType: 'com.example', PayloadUUID: 'V', Secret: 'x' }],
}
const FIELDS: PlistDict = {
  Payload: writePlist(PAYLOAD),
  Identifier: 'p',
  Manifest: {},
  Settings: [{ Item: 'DeviceName', DeviceName: 'n' }, { Item: 'Nonsense' }],
}

/** What in a value is not as its schema says, by path. */
function faults(schema: KeySchema, value: PlistValue, path: string, has: Has): string[] {
  const type = typeOf(value)
  // A dictionary of names holds anything where the schema has nothing of them.
  if (schema.type !== 'any' && type !== schema.type) {
    return [`${path}: ${type} instead of ${schema.type}`]
  }
  if (schema.enum && !schema.enum.some((each) => each === value)) {
    return [`${path}: ${JSON.stringify(value)} is none of its values`]
  }
  const { item } = schema
  if (Array.isArray(value)) {
    return item ? value.flatMap((each: PlistValue) => faults(item, each, `${path}/[]`, has)) : []
  }
  if (!isDict(value)) {
    return []
  }
  if (schema.any === true) {
    return Object.entries(value).flatMap(([key, each]) =>
      item ? faults(item, each, `${path}/${key}`, has) : [],
    )
  }
  return keyFaults(schema.keys ?? {}, value, path, has)
}

function keyFaults(keys: Keys, value: PlistDict, path: string, has: Has): string[] {
  return Object.entries(value).flatMap(([key, each]) => {
    const schema = keys[key]
    return schema !== undefined && has(schema.on)
      ? faults(schema, each, `${path}/${key}`, has)
      : [`${path}/${key}: not there`]
  })
}

function typeOf(value: PlistValue): string {
  switch (typeof value) {
    case 'number':
      // As it is written.
      return Number.isInteger(value) ? 'integer' : 'real'
    case 'object':
      if (value instanceof Uint8Array) {
        return 'data'
      }
      if (value instanceof Date) {
        return 'date'
      }
      return Array.isArray(value) ? 'array' : 'dictionary'
    default:
      return typeof value
  }
}

describe.each(['18.1', '26.4', '27.0'])('a simulated device of release %s', (release) => {
  it.each(CHANNELS)('answers on %s, %s channel (%s) as Apple documents', (...channel) => {
    const [platform, scope, letters] = channel
    const { ask, has } = place(platform, release, scope, letters)
    const wrong = REQUEST_TYPES.flatMap((requestType) => {
      const { Status, ErrorChain, ...rest } = ask(requestType, FIELDS)
      const known = has(commandSchema(requestType)?.on)
      if ((Status === 'Acknowledged') !== known) {
        const removed =
          Status === 'Error' && /not managed|not a managed/.test(JSON.stringify(ErrorChain))
        return removed ? [] : [`${requestType}: ${JSON.stringify(Status)}`]
      }
      return known ? keyFaults(RESPONSES.get(requestType) ?? {}, rest, requestType, has) : []
    })
    expect(wrong).toEqual([])
  })

  it.each(CHANNELS)('answers on %s, %s channel (%s) the queries that exist', (...channel) => {
    const [platform, scope, letters] = channel
    const { ask, has } = place(platform, release, scope, letters)
    const queries = commandSchema('DeviceInformation')?.keys?.['Queries']?.item?.values ?? {}
    const { QueryResponses } = ask('DeviceInformation', { Queries: Object.keys(queries) })
    const there = Object.keys(queries).filter((query) => has(queries[query]?.on))
    const notHad = platform === 'iOS' ? /^SupplementalOSVersionExtra$/ : NO_MODEM
    const ofUsers = scope === 'user' || scope === 'sharedUser' ? [] : ['PushToken']
    expect(Object.keys(QueryResponses ?? {}).sort()).toEqual(
      there.filter((query) => !notHad.test(query) && !ofUsers.includes(query)).sort(),
    )
  })
})

describe('a part that a simulated device does not have', () => {
  const invalid = {
    Status: 'Error',
    ErrorChain: [
      {
        ErrorDomain: 'MCMDMErrorDomain',
        ErrorCode: 12021,
        LocalizedDescription: expect.stringContaining('is not a valid request type'),
      },
    ],
  }

  it.each(['AvailableOSUpdates', 'OSUpdateStatus', 'ScheduleOSUpdate', 'ScheduleOSUpdateScan'])(
    '%s is gone in 27',
    (requestType) => {
      expect(place('macOS', '26.4').ask(requestType)).toMatchObject({ Status: 'Acknowledged' })
      expect(place('macOS', '27.0').ask(requestType)).toMatchObject(invalid)
    },
  )

  it('logs are collected from 27 on, and on Macs for users', () => {
    for (const requestType of ['TriggerEnhancedLogCollection', 'CancelEnhancedLogCollection']) {
      expect(place('macOS', '27', 'user', 'u').ask(requestType)).toEqual({ Status: 'Acknowledged' })
      expect(place('iOS', '27').ask(requestType)).toEqual({ Status: 'Acknowledged' })
      expect(place('macOS', '27').ask(requestType)).toMatchObject({ Status: 'Error' })
      expect(place('macOS', '26.4', 'user', 'u').ask(requestType)).toMatchObject(invalid)
    }
  })

  it.each([
    ['macOS', 'OSUpdateSettings'],
    ['macOS', 'SoftwareUpdateDeviceID'],
    ['iOS', 'SoftwareUpdateSettings'],
  ] as const)('the query of %s for %s is left out in 27', (platform, query) => {
    const Queries = [query, 'OSVersion']
    const asked = (release: string) =>
      Object.keys(
        place(platform, release).ask('DeviceInformation', { Queries })['QueryResponses'] ?? {},
      )
    expect(asked('26.4').sort()).toEqual(Queries.sort())
    expect(asked('27.0')).toEqual(['OSVersion'])
  })

  it('a setting that the OS lacks fails by itself', () => {
    const Settings = [
      { Item: 'SoftwareUpdateSettings', RecommendationCadence: 0 },
      { Item: 'DeviceName', DeviceName: 'n' },
      'text',
    ]
    expect(place('iOS', '26.4').ask('Settings', { Settings })).toEqual({
      Status: 'Acknowledged',
      Settings: [
        { Item: 'SoftwareUpdateSettings', Status: 'Acknowledged' },
        { Item: 'DeviceName', Status: 'Acknowledged' },
        { Status: 'CommandFormatError' },
      ],
    })
    expect(place('iOS', '27.0').ask('Settings', { Settings })).toMatchObject({
      Status: 'Acknowledged',
      Settings: [
        {
          Item: 'SoftwareUpdateSettings',
          Status: 'Error',
          ErrorChain: [{ ErrorDomain: 'MCSettingsErrorDomain', ErrorCode: expect.any(Number) }],
        },
        { Item: 'DeviceName', Status: 'Acknowledged' },
        { Status: 'CommandFormatError' },
      ],
    })
  })

  it('ReducedSecurity comes only with level medium, which no simulated Mac has', () => {
    const { SecurityInfo } = place('macOS', '26.4').ask('SecurityInfo')
    expect(SecurityInfo).toMatchObject({ SecureBoot: { SecureBootLevel: 'full' } })
    expect(JSON.stringify(SecurityInfo)).not.toContain('ReducedSecurity')
  })

  it('an EFI firmware password is not in a Mac with Apple silicon, which is erased without a PIN', () => {
    const { ask } = place('macOS', '26.4')
    expect(ask('DeviceInformation')).toMatchObject({
      QueryResponses: { IsAppleSilicon: true, PINRequiredForEraseDevice: false },
    })
    const { SecurityInfo } = ask('SecurityInfo')
    expect(SecurityInfo).toMatchObject({ BootstrapTokenRequiredForSoftwareUpdate: true })
    expect(SecurityInfo).not.toHaveProperty('FirmwarePasswordStatus')
  })

  it('only channels of users report a push token', () => {
    const Queries = ['PushToken']
    expect(place('macOS', '26.4', 'user', 'u').ask('DeviceInformation', { Queries })).toMatchObject(
      {
        QueryResponses: { PushToken: Uint8Array.of(7) },
      },
    )
    expect(place('macOS', '26.4').ask('DeviceInformation', { Queries })).toMatchObject({
      QueryResponses: {},
    })
  })

  it('a modem is in the iPhone alone', () => {
    const keys = (platform: Platform) =>
      Object.keys(place(platform, '26.4').ask('DeviceInformation')['QueryResponses'] ?? {})
    expect(keys('iOS')).toEqual(expect.arrayContaining(['IMEI', 'ICCID', 'ServiceSubscriptions']))
    for (const platform of ['macOS', 'iPadOS', 'tvOS', 'watchOS', 'visionOS'] as const) {
      expect(keys(platform)).not.toEqual(
        expect.arrayContaining([expect.stringMatching(/IMEI|MEID|ICCID|Roaming|Carrier|Subscri/)]),
      )
    }
  })

  it('a User Enrollment is not supervised', () => {
    expect(place('iOS', '26.4', 'device', 'de').ask('DeviceInformation')).toMatchObject({
      QueryResponses: { IsSupervised: false },
    })
  })
})

describe('the OS of a simulated device', () => {
  it.each([
    ['18.1', 'macOS', '15.1', '24B83'],
    ['18.1', 'iOS', '18.1', '22B83'],
    ['18.1', 'watchOS', '11.1', '22R83'],
    ['18.2', 'visionOS', '2.2', '22N83'],
    ['26.4.1', 'macOS', '26.4.1', '25E84'],
    ['27', 'iPadOS', '27.0', '24A83'],
    ['27.0', 'macOS', '27.0', '26A83'],
    ['27.0', 'tvOS', '27.0', '24J83'],
  ] as const)('of release %s on %s is %s (%s)', (release, platform, version, build) => {
    expect(operatingSystem(platform, versionIn(release, platform))).toMatchObject({
      version,
      build,
    })
  })

  it.each(['20.0', '17.4', '15.1', '', '26.', 'x', '27.0 ', '027'])('is never “%s”', (release) => {
    expect(() => versionIn(release, 'iOS')).toThrow(/^not a release .* such as 27\.0/)
  })
})
