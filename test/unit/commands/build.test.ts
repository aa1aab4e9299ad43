import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { commandSchema, EVERY_COMMAND, REQUEST_TYPES } from '../../../src/apple/schema.ts'
import type { BuiltCommand } from '../../../src/commands/build.ts'
import { buildCommand } from '../../../src/commands/build.ts'
import { readGoJson } from '../../../src/commands/go-json.ts'
import { commandType, commandTypes, isSecretCommand } from '../../../src/commands/request-types.ts'
import { asDict, requiredDict } from '../../../src/plist/dict.ts'
import { readPlist } from '../../../src/plist/read.ts'
import type { PlistDict } from '../../../src/plist/value.ts'
import { EMPTY_REQUESTS, REQUESTS } from './requests.ts'

function post(body: string): ReturnType<typeof buildCommand> {
  const reading = readGoJson(body)
  if (!reading.ok) throw new Error(reading.error)
  return buildCommand(reading.value, () => 'new-uuid')
}

function built(requestType: string, fields: object = {}): BuiltCommand {
  const result = post(JSON.stringify({ udid: 'U1', request_type: requestType, ...fields }))
  if (!result.ok) throw new Error(result.error)
  return result
}

function sent(command: BuiltCommand): PlistDict {
  return requiredDict(asDict(readPlist(command.payload)), 'Command')
}

/** Drops what a plist cannot hold, and the nulls that passing through leaves out. */
const withoutNulls = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

function refusal(body: string): string {
  const result = post(body)
  return result.ok ? 'accepted' : result.error
}

describe('every request type', () => {
  test('of MicroMDM’s 61 and Apple’s 7 others is there', () => {
    expect(commandTypes()).toHaveLength(68)
    expect([...commandTypes()].sort()).toEqual([...REQUEST_TYPES].sort())
  })

  test.each(REQUEST_TYPES)('%s has a name for each of Apple’s keys', (requestType) => {
    const names = commandType(requestType)?.fields.map(({ plist }) => plist)
    const keys = Object.keys({ ...EVERY_COMMAND, ...commandSchema(requestType)?.keys })
    expect(names).toEqual(expect.arrayContaining(keys))
  })

  test.each(commandTypes())('%s with all of its fields', (requestType) => {
    const { json = {}, plist = {}, echo = json } = REQUESTS[requestType] ?? {}
    const command = built(requestType, json)
    expect(sent(command)).toEqual({ RequestType: requestType, ...plist })
    expect(withoutNulls(command.echo)).toEqual(
      withoutNulls({ command_uuid: 'new-uuid', command: { request_type: requestType, ...echo } }),
    )
    const fields = commandType(requestType)?.fields.filter(
      (field) => !(field.plist in EVERY_COMMAND),
    )
    expect(Object.keys(json).length === 0).toBe(fields?.length === 0)
  })

  test.each(commandTypes())('%s without fields', (requestType) => {
    const { plist = {}, echo = {} } = EMPTY_REQUESTS[requestType] ?? {}
    const command = built(requestType)
    expect(sent(command)).toEqual({ RequestType: requestType, ...plist })
    expect(command.echo).toEqual({
      command_uuid: 'new-uuid',
      command: { request_type: requestType, ...echo },
    })
  })
})

describe('a command', () => {
  test('has MicroMDM’s bytes and echo', () => {
    const command = built('DeviceLock', { pin: '123456', command_uuid: ' Any Text ' })
    expect(new TextDecoder().decode(command.payload)).toBe(
      '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" ' +
        '"http://www.apple.com/DTDs/PropertyList-1.0.dtd">\n<plist version="1.0"><dict><key>Command</key>' +
        '<dict><key>PIN</key><string>123456</string><key>RequestType</key><string>DeviceLock</string></dict>' +
        '<key>CommandUUID</key><string> Any Text </string></dict></plist>\n',
    )
    expect(command).toMatchObject({
      udid: 'U1',
      commandUUID: ' Any Text ',
      requestType: 'DeviceLock',
      secret: true,
      destructive: true,
    })
  })

  test('gets a new UUID for a blank one', () => {
    expect(built('ProfileList', { command_uuid: ' \t' }).commandUUID).toBe('new-uuid')
  })

  test.each([
    ['{"udid":"U1","request_type":"Nope"}', 'mdm: unknown RequestType: Nope'],
    ['{"udid":"U1","request_type":"devicelock"}', 'mdm: unknown RequestType: devicelock'],
    ['{"udid":"U1"}', 'mdm: unknown RequestType: '],
    ['null', 'mdm: unknown RequestType: '],
    ['{"request_type":"DeviceLock"}', 'request must contain UDID of the device'],
    ['[]', 'json: cannot unmarshal array into Go value of type mdm.CommandRequest'],
    [
      '{"udid":"U1","request_type":"EraseDevice","preserve_data_plan":"x"}',
      'json: cannot unmarshal string into Go struct field EraseDevice.preserve_data_plan of type bool',
    ],
    [
      '{"udid":"U1","request_type":"ScheduleOSUpdate","updates":[{"priority":1}]}',
      'json: cannot unmarshal number into Go struct field ScheduleOSUpdate.updates.priority of type string',
    ],
    [
      '{"udid":"U1","request_type":"InstallApplication","configuration":{"a":[null]}}',
      'configuration.a: a plist has no null',
    ],
    [
      '{"udid":"U1","request_type":"DeviceLock","message":"\\u0001"}',
      'plist: text holds a character that XML does not allow',
    ],
  ])('%s is refused', (body, error) => {
    expect(refusal(body)).toBe(error)
  })

  test('ignores fields that are unknown or belong to another type', () => {
    const command = built('InstalledApplicationList', { managed_apps_only: true, pin: 1, x: {} })
    expect(sent(command)).toEqual({ RequestType: 'InstalledApplicationList' })
  })

  test('leaves out empty strings, data and lists that are optional', () => {
    expect(sent(built('DeviceLock', { pin: '', message: '' }))).toEqual({
      RequestType: 'DeviceLock',
    })
    expect(sent(built('InstallProvisioningProfile', { provisioning_profile: '' }))).toEqual({
      RequestType: 'InstallProvisioningProfile',
    })
    expect(sent(built('DeviceInformation', { queries: [] }))).toEqual({
      RequestType: 'DeviceInformation',
    })
  })

  test('sends int64 values exactly', () => {
    const result = post(
      '{"udid":"U1","request_type":"InstallMedia","itunes_store_id":9223372036854775807}',
    )
    expect(result.ok && sent(result)['iTunesStoreID']).toBe(9223372036854775807n)
  })

  test('has a PurchaseMethod whenever it has options', () => {
    expect(sent(built('InstallApplication', { options: {} }))['Options']).toEqual({
      PurchaseMethod: 0,
    })
  })

  test('keeps an empty app configuration, and the case of its keys', () => {
    const command = built('InstallApplication', {
      configuration: {},
      attributes: { vpnUUID: 'a', VPNuuid: 'b' },
    })
    expect(sent(command)['Configuration']).toEqual({})
    expect(sent(command)['Attributes']).toEqual({ vpnUUID: 'a', VPNuuid: 'b' })
  })

  test('drops manifest items without assets and metadata, but sends the list', () => {
    expect(sent(built('InstallEnterpriseApplication', { manifest: { items: [{}] } }))).toEqual({
      RequestType: 'InstallEnterpriseApplication',
      Manifest: { items: [] },
    })
  })
})

describe('a command’s mark', () => {
  test('secret covers every type that carries a PIN, password, token or key', () => {
    expect(commandTypes().filter(isSecretCommand).sort()).toEqual([
      'AccountConfiguration',
      'ActivationLockBypassCode',
      'ClearPasscode',
      'DeviceLock',
      'EraseDevice',
      'InstallProfile',
      'RequestMirroring',
      'RequestUnlockToken',
      'RotateFileVaultKey',
      'SetAutoAdminPassword',
      'SetFirmwarePassword',
      'SetRecoveryLock',
      'TriggerEnhancedLogCollection',
      'VerifyFirmwarePassword',
      'VerifyRecoveryLock',
    ])
  })
})

describe('bodies as clients really send them', () => {
  test('pass with any value of fields that MicroMDM does not know, as from its verify_recovery_lock', () => {
    const fields = { password: 'p', request_requires_network_tether: '' }
    expect(sent(built('VerifyRecoveryLock', fields))).toEqual({
      RequestType: 'VerifyRecoveryLock',
      Password: 'p',
    })
    const request = { udid: 'U1', request_type: 'VerifyRecoveryLock', ...fields }
    expect(buildCommand(request, () => 'new-uuid', 'exact')).toMatchObject({
      ok: false,
      plain: 'request_requires_network_tether has to be true or false, not a string',
    })
    const known = { udid: 'U1', request_type: 'SetRecoveryLock', ...fields }
    expect(refusal(JSON.stringify(known))).toContain('of type bool')
  })

  test('the guide’s request, with its trailing comma', () => {
    const guide = readFileSync(
      join(import.meta.dirname, '../../vectors/guide-samples.json'),
      'utf8',
    )
    const samples: { command_request: string } = JSON.parse(guide)
    const result = post(samples.command_request)
    expect(result.ok && sent(result)).toEqual({
      RequestType: 'InstallProfile',
      Payload: new TextEncoder().encode('<?xml version="1.0"?>'),
    })
  })

  test('mdmdirector’s capital Queries', () => {
    expect(sent(built('DeviceInformation', { Queries: ['UDID'] }))['Queries']).toEqual(['UDID'])
  })

  test('schedule_os_update, whose items repeat the outer fields', () => {
    const outer = { udid: 'U1', request_type: 'ScheduleOSUpdate', command_uuid: 'c' }
    const command = built('ScheduleOSUpdate', {
      command_uuid: 'c',
      updates: [{ ...outer, install_action: 'InstallASAP', max_user_deferrals: 3 }],
    })
    expect(command.commandUUID).toBe('c')
    expect(sent(command)['Updates']).toEqual([
      { InstallAction: 'InstallASAP', MaxUserDeferrals: 3 },
    ])
  })

  test('lom_reset, with an empty address list', () => {
    const request = { device_dns_name: 'd', secondary_ip_v6_address_list: [] }
    expect(sent(built('LOMDeviceRequest', { request_list: [request] }))['RequestList']).toEqual([
      {
        DeviceDNSName: 'd',
        DeviceRequestType: '',
        DeviceRequestUUID: '',
        LOMProtocolVersion: 0,
        PrimaryIPv6AddressList: [],
        SecondaryIPv6AddressList: [],
      },
    ])
  })

  test('set_recovery_lock, with strings for booleans', () => {
    const command = built('SetRecoveryLock', {
      current_password: '',
      new_password: 'n',
      request_requires_network_tether: 'false',
      allow_oroms: 'true',
    })
    expect(sent(command)).toEqual({
      RequestType: 'SetRecoveryLock',
      NewPassword: 'n',
      RequestRequiresNetworkTether: false,
      AllowOroms: true,
    })
  })
})
