import { describe, expect, it } from 'vitest'
import { faultsOf } from '../../../src/apple/check.ts'
import { commandSchema, REQUEST_TYPES, type Keys } from '../../../src/apple/schema.ts'
import type { PlistDict, PlistValue } from '../../../src/plist/value.ts'

const places = (requestType: string, keys: PlistDict = {}): string[] =>
  faultsOf(requestType, { RequestType: requestType, ...keys }).map(({ path }) => path.join('.'))
const details = (requestType: string, keys: PlistDict = {}): string =>
  faultsOf(requestType, { RequestType: requestType, ...keys })
    .map(({ path, detail }) => `${path.join('.')}: ${detail}`)
    .join('; ')

/** A command as short as Apple's schema allows, by the schema's own types. */
function least(keys: Keys = {}): PlistDict {
  const needed = Object.entries(keys).filter(([, { required }]) => required)
  return Object.fromEntries(needed.map(([key, schema]) => [key, sample(schema)]))
}

function sample({ type, enum: values, item, keys }: Keys[string]): PlistValue {
  if (values?.[0] !== undefined) {
    return values[0]
  }
  switch (type) {
    case 'string':
      return 'x'
    case 'boolean':
      return true
    case 'integer':
      return 1
    case 'data':
      return Uint8Array.of(1)
    case 'array':
      return item?.values
        ? [Object.keys(item.values)[0] ?? '']
        : item?.kinds
          ? [{ Item: 'Bluetooth', Enabled: true }]
          : [item ? sample(item) : 'x']
    default:
      return least(keys)
  }
}

const ONE_OF: Readonly<Record<string, PlistDict>> = {
  DeleteUser: { UserName: 'x' },
  EnableLostMode: { Message: 'x' },
  InstallApplication: { Identifier: 'x' },
  InstallEnterpriseApplication: { ManifestURL: 'x' },
  InstallMedia: { iTunesStoreID: 1 },
}

describe('every command of Apple’s', () => {
  it.each(REQUEST_TYPES)('%s is right with what it needs, and wrong without', (requestType) => {
    const keys = { ...least(commandSchema(requestType)?.keys), ...ONE_OF[requestType] }
    expect(details(requestType, keys)).toBe('')
    const filledIn = requestType === 'ClearPasscode'
    for (const key of filledIn ? [] : Object.keys(keys)) {
      const { [key]: _, ...rest } = keys
      expect(faultsOf(requestType, rest)).toHaveLength(1)
    }
  })

  it.each(REQUEST_TYPES)('%s accepts no key that it does not have', (requestType) => {
    const keys = { ...least(commandSchema(requestType)?.keys), ...ONE_OF[requestType] }
    expect(places(requestType, { ...keys, Qqqqqqqq: 1 })).toEqual(['Qqqqqqqq'])
    expect(places(requestType, { ...keys, RequestRequiresNetworkTether: true })).toEqual([])
  })
})

describe('a fault', () => {
  it.each<[string, PlistDict, string]>([
    ['DeviceLock', { PINN: '123456' }, 'PINN: DeviceLock has no such key: did you mean PIN?'],
    ['EraseDevice', { pn: '1' }, 'pn: EraseDevice has no such key: did you mean PIN?'],
    ['EraseDevice', { PIN: '12345' }, 'PIN: has to have 6 characters'],
    ['EraseDevice', { PIN: '1234567' }, 'PIN: has to have 6 characters'],
    ['EraseDevice', { PIN: 123456 }, 'PIN: has to be a string'],
    ['InstallProfile', {}, 'Payload: is missing: InstallProfile needs it'],
    ['InstallProfile', { Payload: new Uint8Array() }, 'Payload: is empty: InstallProfile needs it'],
    ['InstallProfile', { Payload: 'AAAA' }, 'Payload: has to be data'],
    ['RestartDevice', { NotifyUser: 'yes' }, 'NotifyUser: has to be true or false'],
    ['RestartDevice', { KextPaths: ['/a', 5] }, 'KextPaths.1: has to be a string'],
    ['InstallApplication', {}, 'RequestType: InstallApplication needs one of'],
    ['DeleteUser', { DeleteAllUsers: false }, 'RequestType: DeleteUser needs one of'],
    ['InstallApplication', { Identifier: '' }, 'RequestType: InstallApplication needs one of'],
    ['DeviceLock', { constructor: 'x' }, 'constructor: DeviceLock has no such key'],
    [
      'InstallApplication',
      { Identifier: 'a', ManagementFlags: 2 },
      'ManagementFlags: has to be one of 0, 1, 4, 5',
    ],
    ['InstallApplication', { iTunesStoreID: 1.5 }, 'iTunesStoreID: has to be a whole number'],
    [
      'InstallApplication',
      { Identifier: 'a', Options: { PurchaseMethod: true } },
      'Options.PurchaseMethod: has to be a whole number',
    ],
    [
      'InstallApplication',
      { Identifier: 'a', Attributes: { VPNUUId: 'x' } },
      'Attributes.VPNUUId: Attributes has no such key: did you mean VPNUUID?',
    ],
    [
      'DeviceInformation',
      { Queries: ['SerialNumbr'] },
      'Queries.0: Apple documents no SerialNumbr: did you mean SerialNumber?',
    ],
    ['DeviceInformation', { Queries: [] }, 'Queries: is empty'],
    [
      'Settings',
      { Settings: [{ Item: 'Bluetoth', Enabled: true }] },
      'Settings.0.Item: Apple documents no such setting: did you mean Bluetooth?',
    ],
    [
      'Settings',
      { Settings: [{ Item: 'Bluetooth' }] },
      'Settings.0.Enabled: is missing: Bluetooth needs it',
    ],
    ['Settings', { Settings: [{ Enabled: true }] }, 'Settings.0.Item: is missing'],
    [
      'Settings',
      { Settings: [{ Item: 'Bluetooth', Enabled: true, DeviceName: 'x' }] },
      'Settings.0.DeviceName: Bluetooth has no such key',
    ],
    ['Settings', { Settings: ['Bluetooth'] }, 'Settings.0: has to be a dictionary'],
    [
      'AccountConfiguration',
      { AutoSetupAdminAccounts: [{ fullName: 'x' }] },
      'AutoSetupAdminAccounts.0.shortName: is missing',
    ],
    [
      'RotateFileVaultKey',
      { KeyType: 'Personal', FileVaultUnlock: {} },
      'KeyType: has to be one of personal, institutional',
    ],
    ['SetRecoveryLock', {}, 'NewPassword: is missing'],
    [
      'DeviceInformatoin',
      {},
      'RequestType: Apple documents no command of that name: did you mean DeviceInformation?',
    ],
    ['devicelock', {}, 'did you mean DeviceLock?'],
    ['EraseDevice', { ['x'.repeat(101)]: 1 }, `${'x'.repeat(100)}…: EraseDevice has no such key`],
    ['constructor', {}, 'RequestType: Apple documents no command of that name'],
  ])('of %s %j names its place and the name that is meant', (requestType, keys, text) => {
    expect(details(requestType, keys)).toContain(text)
  })

  it('is not found where both forms are in use, and where empty has a meaning', () => {
    expect(details('RequestMirroring', { ScanTime: '30' })).toBe('')
    expect(details('RequestMirroring', { ScanTime: 30 })).toBe('')
    expect(details('SetRecoveryLock', { NewPassword: '' })).toBe('')
    expect(details('ClearPasscode')).toBe('')
    const own = { Identifier: 'a', Configuration: { any: [{ thing: 1.5 }] } }
    expect(details('InstallApplication', own)).toBe('')
  })

  it('is not found in the commands of Apple’s own examples, Fleet and MicroMDM’s scripts', () => {
    const app = { iTunesStoreID: 361309726, ManagementFlags: 0, InstallAsManaged: true }
    expect(details('InstallApplication', app)).toBe('')
    const own = { ManifestURL: 'https://example.com/a.plist', ManagementFlags: 0 }
    expect(details('InstallEnterpriseApplication', own)).toBe('')
    expect(details('DeviceInformation', { Queries: ['UDID', 'Languages', 'SIMMCC'] })).toBe('')
    const reset = {
      DeviceDNSName: 'a.local',
      DeviceRequestType: 'Reset',
      DeviceRequestUUID: 'u',
      LOMProtocolVersion: 1,
      PrimaryIPv6AddressList: ['fe80::1'],
      SecondaryIPv6AddressList: [],
    }
    expect(details('LOMDeviceRequest', { RequestList: [reset] })).toBe('')
  })

  it('suggests no name that is not near, or longer than any', () => {
    expect(details('DeviceLock', { abc: '1' })).toBe('abc: DeviceLock has no such key')
    expect(details('DeviceLock', { ['PIN'.repeat(22)]: '1' })).not.toContain('did you mean')
  })

  it('is reported ten times, of thousands', () => {
    const keys = Object.fromEntries(Array.from({ length: 5000 }, (_, n) => [`k${n}`, 1]))
    expect(faultsOf('ProfileList', keys)).toHaveLength(10)
  })
})
