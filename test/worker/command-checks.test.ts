import { afterEach, describe, expect, it, vi } from 'vitest'
import { writePlist } from '../../src/plist/write.ts'
import { api, newDevice, serve } from './server.ts'
import { newHook, removeHooks } from './webhook-tools.ts'

interface Queued {
  id: string
  known: boolean
  command: Record<string, unknown> | null
  detail: string
  errors?: { at: string; detail: string }[]
}

afterEach(async () => {
  vi.restoreAllMocks()
  await removeHooks()
})

const queue = (id: string, body: object, query = '') =>
  api<Queued>('POST', `/api/devices/${id}/commands${query}`, body)
const PROFILE = writePlist({
  PayloadType: 'Configuration',
  PayloadContent: [{ PayloadType: 'com.apple.SoftwareUpdate' }],
})

/** A Mac that has told that it runs the version. */
async function macOn(osVersion: string) {
  const device = newDevice({
    answer: ({ requestType }) =>
      requestType === 'DeviceInformation'
        ? { Status: 'Acknowledged', QueryResponses: { OSVersion: osVersion } }
        : undefined,
  })
  await device.enroll()
  await queue(device.udid, { request_type: 'DeviceInformation', queries: ['OSVersion'] })
  await device.poll()
  return device
}

describe('a command with faults', () => {
  it.each<[object, string, string]>([
    [{ request_type: 'DeviceLock', PINN: '123456' }, 'PINN', 'did you mean pin?'],
    [{ request_type: 'EraseDevice', pn: '1' }, 'pn', 'did you mean pin?'],
    [{ request_type: 'InstallProfile' }, 'payload', 'is missing'],
    [{ request_type: 'RemoveProfile', identifier: '' }, 'identifier', 'is empty'],
    [{ request_type: 'InstallMedia' }, 'request_type', 'needs one of itunes_store_id, media_url'],
    [{ request_type: 'DeviceLock', pin: '123456', PIN: '654321' }, 'PIN', 'what pin says'],
    [
      { request_type: 'EraseDevice', return_to_service: { enabled: true, Enabled: false } },
      'return_to_service.Enabled',
      'what enabled says',
    ],
    [
      {
        request_type: 'Settings',
        settings: [{ item: 'DeviceName', device_name: 'a', DeviceName: 'b' }],
      },
      'settings.0.device_name',
      'what DeviceName says',
    ],
    [{ request_type: 'Settings', settings: [{ enabled: true }] }, 'settings.0.item', 'is missing'],
    [{ request_type: 'ProfileList', not_befor: 'x' }, 'not_befor', 'did you mean not_before?'],
    [{ request_type: 'ProfileList', wait: 3 }, 'wait', 'in the URL'],
    [
      { request_type: 'DeviceInformation', queries: ['Nam'] },
      'queries.0',
      'Apple documents no Nam',
    ],
    [
      { request_type: 'ScheduleOSUpdate', updates: [{ install_action: 'Now', productkey: 1 }] },
      'updates.0.productkey',
      'did you mean product_key?',
    ],
    [
      { request_type: 'Settings', settings: [{ item: 'Bluetooth', hostname: 'x', enabled: true }] },
      'settings.0.hostname',
      'Bluetooth has no such field',
    ],
    [
      { request_type: 'Settings', settings: [{ item: 'Bluetooth' }] },
      'settings.0.enabled',
      'is missing: Bluetooth needs it',
    ],
    [
      { request_type: 'Settings', settings: [{ item: 'OrganizationInfo', OrganizationInf: {} }] },
      'settings.0.OrganizationInf',
      'did you mean OrganizationInfo?',
    ],
    [{ Command: { RequestType: 'DeviceLock', Pin: '1' } }, 'Command.Pin', 'did you mean PIN?'],
    [
      { Command: { RequestType: 'InstallMedia', MediaType: 'Book' } },
      'Command.RequestType',
      'needs one of iTunesStoreID, MediaURL',
    ],
    [{ Command: { RequestType: 'RemoveProfile' } }, 'Command.Identifier', 'is missing'],
    [{ Command: { RequestType: 'ProfileList' }, expire_at: 'x' }, 'expire_at', 'mean expires_at?'],
    [{ Command: { RequestType: 'DeviceLok' } }, 'Command.RequestType', 'did you mean DeviceLock?'],
  ])('is refused with the place of each fault: %j', async (body, at, detail) => {
    const one = await queue('UNKNOWN', body)
    expect(one).toMatchObject({
      status: 400,
      body: { errors: expect.arrayContaining([{ at, detail: expect.stringContaining(detail) }]) },
    })
    expect(one.body.detail).toContain(`${at}: `)
    const many = await api<Queued>('POST', '/api/commands', { ids: ['UNKNOWN'], command: body })
    expect(many.status).toBe(400)
    expect(many.body.errors?.map((fault) => fault.at)).toContain(`command.${at}`)
  })

  it('goes out with force, except for names that are not Apple’s keys', async () => {
    const { udid } = newDevice()
    const apple = { Command: { RequestType: 'NewCommand', NewKey: { $data: 'AAAA' } } }
    expect((await queue(udid, apple)).body.detail).toContain('send it with `force`')
    expect(await queue(udid, apple, '?force=true')).toMatchObject({
      status: 202,
      body: { request_type: 'NewCommand', known: false },
    })
    const many = { ids: [udid], command: apple }
    expect((await api('POST', '/api/commands', many)).status).toBe(400)
    expect(await api('POST', '/api/commands', { ...many, force: true })).toMatchObject({
      status: 200,
      body: { outcomes: [{ state: 'done', known: false }] },
    })
    const tonight = {
      Command: { RequestType: 'ShutDownDevice', not_before: '2099-11-24T22:00:00Z' },
    }
    const misplaced = await queue(udid, tonight, '?force=true')
    expect(misplaced.body.errors).toEqual([
      { at: 'Command.not_before', detail: 'is not a key of a command: put it beside `Command`' },
    ])
    const lost = { request_type: 'DeviceLock', pinn: '1', pin: '1' }
    const { body } = await queue(udid, lost, '?force=true')
    expect(body.errors).toEqual([
      { at: 'pinn', detail: 'DeviceLock has no such field: did you mean pin?' },
    ])
    expect(body.detail).not.toContain('with `force`')
  })

  it('is refused where its body is no text, or names the command where Apple’s keys do not stand', async () => {
    const { udid } = newDevice()
    const latin1 = await serve(`/api/devices/${udid}/commands`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa('micromdm:test-key')}` },
      body: Uint8Array.from('{"request_type":"EnableLostMode","message":"Gerät"}', (char) =>
        char.charCodeAt(0),
      ),
    })
    expect(latin1.status).toBe(400)
    expect(await latin1.text()).toContain('the body is no UTF-8')
    for (const body of [
      { RequestType: 'DeviceLock' },
      { command: { RequestType: 'DeviceLock' } },
    ]) {
      expect((await queue(udid, body)).body.detail).toContain('Apple’s keys stand in `Command`')
    }
    expect((await queue(udid, { request_type: 'ProfileList', UDID: udid })).status).toBe(202)
    const { body } = await queue(udid, { Command: { RequestType: 'D'.repeat(5000) } })
    expect(body.detail.length).toBeLessThan(500)
  })

  it('is sent exactly as it is written', async () => {
    const device = newDevice()
    await device.enroll()
    await queue(device.udid, { request_type: 'EraseDevice' })
    await queue(device.udid, { request_type: 'SetRecoveryLock', new_password: '' })
    await queue(device.udid, {
      Command: {
        RequestType: 'EraseDevice',
        ReturnToService: { Enabled: true, WiFiProfileData: 'AAAA' },
      },
    })
    await device.poll()
    expect(device.received.map(({ command }) => command)).toEqual([
      { RequestType: 'EraseDevice' },
      { RequestType: 'SetRecoveryLock', NewPassword: '' },
      {
        RequestType: 'EraseDevice',
        ReturnToService: { Enabled: true, WiFiProfileData: new Uint8Array(3) },
      },
    ])
  })

  it('is accepted by MicroMDM’s API, and logged without its values', async () => {
    const warned = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
    const { udid } = newDevice()
    const body = { udid, request_type: 'DeviceLock', PINN: '864209' }
    expect((await api('POST', '/v1/commands', body)).status).toBe(201)
    const raw = writePlist({
      CommandUUID: 'r',
      Command: { RequestType: 'DeviceLock', Pin: '864209' },
    })
    const posted = await serve(`/v1/commands/${udid}`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa('micromdm:test-key')}` },
      body: raw,
    })
    expect(posted.status).toBe(201)
    const lines = warned.mock.calls.map(([line]) => String(line))
    const told = lines.filter((line) => line.includes('command:unchecked'))
    expect(told).toHaveLength(2)
    const place = { device: udid, command_id: `${udid}.1`, request_type: 'DeviceLock' }
    expect(JSON.parse(told[0] ?? '')).toMatchObject(place)
    expect(told[0]).toContain('PINN: DeviceLock has no such field: did you mean pin?')
    expect(told[1]).toContain('Command.Pin: DeviceLock has no such key: did you mean PIN?')
    expect(told.join()).not.toContain('864209')
  })
})

describe('a command that the device’s OS does not have', () => {
  it('is refused with its replacement, unless it is forced', async () => {
    const { udid } = await macOn('27.0')
    const update = {
      request_type: 'ScheduleOSUpdate',
      updates: [{ install_action: 'InstallASAP' }],
    }
    const refused = await queue(udid, update)
    expect(refused.status).toBe(409)
    expect(refused.body.detail).toContain(
      'com.apple.configuration.softwareupdate.enforcement.specific',
    )
    const payload = Buffer.from(PROFILE).toString('base64')
    for (const body of [
      { request_type: 'DeviceInformation', queries: ['OSVersion', 'OSUpdateSettings'] },
      { request_type: 'Settings', settings: [{ item: 'VoiceRoaming', enabled: true }] },
      { request_type: 'InstallProfile', payload },
    ]) {
      expect((await queue(udid, body)).status).toBe(409)
      expect((await queue(udid, body, '?force=true')).status).toBe(202)
    }
    const other = await macOn('26.3')
    const many = { ids: [udid, other.udid], command: update }
    const { body } = await api<{ outcomes: object[] }>('POST', '/api/commands', many)
    expect(body.outcomes).toMatchObject([
      { id: udid, state: 'failed', error: expect.stringContaining('macOS 27.0 has removed') },
      { id: other.udid, state: 'done' },
    ])
    expect((await api('POST', '/api/commands', { ...many, force: true })).body).toMatchObject({
      outcomes: [{ state: 'done' }, { state: 'done' }],
    })
  })

  it('is accepted by MicroMDM’s API, and becomes an event that is posted without an alarm', async () => {
    const hook = await newHook({ topics: ['command.unsupported'] })
    const { udid } = await macOn('27.0')
    const command = { udid, request_type: 'ScheduleOSUpdateScan', command_uuid: 'scan' }
    expect((await api('POST', '/v1/commands', command)).status).toBe(201)
    const { body } = await api('GET', `/api/devices/${udid}/events?topic=command.unsupported`)
    expect(body['items']).toMatchObject([
      {
        command_id: `${udid}.2`,
        command_uuid: 'scan',
        request_type: 'ScheduleOSUpdateScan',
        reasons: [expect.stringContaining('macOS 27.0 has removed')],
      },
    ])
    expect((await api('GET', `/api/commands/${udid}.2`)).body['state']).toBe('queued')
    expect(await hook.events(udid, 1)).toMatchObject([
      { topic: 'command.unsupported', acknowledge_event: { command_uuid: 'scan' } },
    ])
  })
})

it('an unknown id is reported as unknown, and a known one is not', async () => {
  const device = newDevice()
  const ask = { request_type: 'ProfileList' }
  expect((await queue(device.udid, ask)).body.known).toBe(false)
  await device.enroll()
  expect((await queue(device.udid, ask)).body.known).toBe(true)
  expect((await queue(`${device.udid}:NO-USER`, ask)).body.known).toBe(false)
  const user = device.userChannel({ userId: crypto.randomUUID(), shortName: 'ada' })
  await user.tokenUpdate()
  expect((await queue(user.enrollmentId, ask)).body.known).toBe(true)
})
