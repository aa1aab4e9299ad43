import { describe, expect, it } from 'vitest'
import { buildAppleCommand } from '../../../src/commands/apple.ts'
import { buildCommand } from '../../../src/commands/build.ts'
import type { JsonObject } from '../../../src/commands/go-json.ts'

const newUUID = () => 'U'

function faults(request: JsonObject): string[] {
  const built = buildCommand({ udid: 'D', ...request }, newUUID, 'exact')
  return built.ok ? built.faults.map(({ at, detail }) => `${at}: ${detail}`) : [built.error]
}

const setting = (item: JsonObject): string[] =>
  faults({ request_type: 'Settings', settings: [item] })

describe('the faults of MicroMDM’s JSON', () => {
  it('are none for the names of every request, in any case', () => {
    expect(faults({ Request_Type: 'ProfileList', Command_UUID: 'c', UDID: 'D' })).toEqual([
      'UDID: says again what udid says: leave one out',
    ])
    expect(faults({ REQUEST_TYPE: 'ProfileList', COMMAND_UUID: 'c' })).toEqual([])
  })

  it('are reported once for a field of a setting in two spellings', () => {
    expect(setting({ item: 'Bluetooth', enabled: true, Enabled: false })).toEqual([
      'settings.0.Enabled: says again what enabled says: leave one out',
    ])
    expect(setting({ item: 'DeviceName', device_name: 'a', Device_Name: 'b' })).toEqual([
      'settings.0.Device_Name: says again what device_name says: leave one out',
    ])
  })

  it('name a shared field that is of another kind, spelt as Apple’s key too', () => {
    expect(setting({ item: 'Bluetooth', enabled: true, HostName: 'x' })).toEqual([
      'settings.0.HostName: Bluetooth has no such field',
    ])
  })

  it('stand where the client wrote them, an empty object among others included', () => {
    const AwaitUserConfiguration = { Enabled: 'x' }
    expect(setting({ item: 'SharedDeviceConfiguration', AwaitUserConfiguration })).toEqual([
      'settings.0.AwaitUserConfiguration.Enabled: has to be true or false',
    ])
    const updates = [{}, { install_action: 'Never' }]
    expect(faults({ request_type: 'ScheduleOSUpdate', updates })).toEqual([
      'updates.0.install_action: is missing: Updates needs it',
      expect.stringContaining('updates.1.install_action: has to be one of'),
    ])
  })
})

it('data among Apple’s keys is base64 where the schema has data, and `$data` alone anywhere', () => {
  const built = buildAppleCommand(
    {
      Command: {
        RequestType: 'InstallProfile',
        Payload: 'AAAA',
        New: [{ $data: 'AAAA' }, { $data: 'AAAA', more: 1 }, 'AAAA'],
      },
    },
    newUUID,
  )
  const data = new Uint8Array(3)
  expect(built).toMatchObject({
    command: { Payload: data, New: [data, { $data: 'AAAA', more: 1 }, 'AAAA'] },
  })
})
