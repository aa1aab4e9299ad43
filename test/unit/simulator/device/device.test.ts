import { Buffer } from 'node:buffer'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { REQUEST_TYPES } from '../../../../src/apple/schema.ts'
import { decodeSignatureHeader, verifyDetached } from '../../../../src/pki/cms/cms.ts'
import { dictAt } from '../../../../src/plist/dict.ts'
import type { PlistDict } from '../../../../src/plist/value.ts'
import { writePlist } from '../../../../src/plist/write.ts'
import type { Answer } from '../../../../src/simulator/device/answers/respond.ts'
import {
  createSimulatedDevice,
  type DeviceOptions,
} from '../../../../src/simulator/device/device.ts'
import { createIdentity, createIssuer, newKey } from '../../../../src/simulator/device/identity.ts'
import { newSerial, newUdid } from '../../../../src/simulator/device/platforms.ts'
import { AWAITING } from '../../../../src/simulator/device/setup.ts'
import { command, type FakeServer, startFakeServer } from '../server.ts'

const ca = createIssuer({ commonName: 'Test CA', key: newKey('ec') })
const identity = createIdentity({ ca, commonName: 'Test device', kind: 'ec' })
const bytes = (length: number) => new Uint8Array(length).fill(7)

let server: FakeServer

beforeEach(async () => {
  server = await startFakeServer()
})

afterEach(async () => {
  await server.close()
})

function device(options: Partial<DeviceOptions> = {}) {
  return createSimulatedDevice({
    fetch,
    serverUrl: `${server.url}/mdm/connect`,
    checkInUrl: `${server.url}/mdm/checkin`,
    identity,
    platform: 'macOS',
    udid: '6A1B2C3D-4E5F-4A6B-8C7D-9E0F1A2B3C4D',
    serial: 'C02AB0CDEFGH',
    topic: 'com.apple.mgmt.External.test',
    ...options,
  })
}

const messages = () => server.received.map(({ message }) => message)
const statuses = () => messages().map((message) => message['Status'])

describe('a simulated device’s messages', () => {
  it('are signed by the identity over the exact bytes, with each digest and kind of key', async () => {
    const rsa = createIdentity({ ca, commonName: 'RSA device' })
    for (const [own, digest] of [
      [rsa, 'sha1'],
      [rsa, 'sha256'],
      [identity, 'sha384'],
    ] as const) {
      const sender = device({ identity: own, digest })
      expect(await sender.poll()).toMatchObject({ ended: 'empty' })
      const { headers, body } = server.received.at(-1) ?? {}
      const der = decodeSignatureHeader(String(headers?.['mdm-signature'])) ?? new Uint8Array()
      const check = verifyDetached(der, body ?? new Uint8Array())
      expect(check).toMatchObject({ ok: true })
      expect(check.ok && Buffer.compare(check.certificate, own.certificate)).toBe(0)
      expect(sender.sent.at(-1)?.body).toEqual(body)
    }
  })

  it('enrol with Authenticate and TokenUpdate on the check-in address', async () => {
    const mac = device()
    expect(await mac.enroll()).toMatchObject({ status: 200 })
    expect(mac.state()).toBe('enrolled')
    expect(server.received.map(({ path }) => path)).toEqual(['/mdm/checkin', '/mdm/checkin'])
    expect(server.received[0]?.headers['content-type']).toBe(
      'application/x-apple-aspen-mdm-checkin',
    )
    expect(messages()).toMatchObject([
      {
        MessageType: 'Authenticate',
        UDID: mac.udid,
        SerialNumber: mac.serial,
        DeviceName: mac.name,
      },
      { MessageType: 'TokenUpdate', PushMagic: mac.magic, Token: mac.token },
    ])
  })

  it('name the OS everywhere', async () => {
    const mac = device({ osVersion: '27.0.1' })
    await mac.enroll()
    expect(messages()[0]).toMatchObject({ OSVersion: '27.0.1', BuildVersion: '26A84' })
    expect(server.received[0]?.headers['user-agent']).toContain('Darwin/26.0.1')
    const Queries = ['OSVersion', 'BuildVersion']
    await answerTo('DeviceInformation', { Queries }, mac)
    expect(queryResponses()).toEqual({ OSVersion: '27.0.1', BuildVersion: '26A84' })
    expect(() => device({ osVersion: 'Sonoma' })).toThrow('Sonoma: not a version of macOS')
  })

  it('go to ServerURL when the profile has no CheckInURL', async () => {
    const sender = createSimulatedDevice({
      fetch,
      serverUrl: `${server.url}/mdm`,
      identity,
      platform: 'iOS',
      udid: 'U',
      serial: 'S',
      topic: 'T',
    })
    await sender.authenticate()
    expect(server.received[0]?.path).toBe('/mdm')
  })

  it('stop after a refused Authenticate', async () => {
    server.status = 400
    const mac = device()
    expect(await mac.enroll()).toMatchObject({ status: 400 })
    expect(messages()).toHaveLength(1)
    expect(mac.state()).toBe('new')
  })

  it('take a new PushMagic with each enrolment and keep the token', async () => {
    const mac = device()
    const before = { token: mac.token, magic: mac.magic }
    await mac.enroll()
    expect(mac.token).toEqual(before.token)
    expect(mac.magic).not.toBe(before.magic)
  })

  it('escrow and fetch the bootstrap token', async () => {
    const mac = device()
    await mac.setBootstrapToken(bytes(8))
    await mac.setBootstrapToken(null)
    expect(messages()[0]).toMatchObject({ BootstrapToken: bytes(8) })
    expect(messages()[1]).not.toHaveProperty('BootstrapToken')
    expect(await mac.getBootstrapToken()).toMatchObject({ token: undefined })
  })
})

describe('a simulated device’s ids', () => {
  it('of a Mac’s user are UDID and UserID', async () => {
    const user = device().userChannel({ userId: 'GUID', shortName: 'a', longName: 'A' })
    await user.tokenUpdate()
    await user.poll()
    const ids = { UDID: device().udid, UserID: 'GUID', UserShortName: 'a', UserLongName: 'A' }
    expect(messages()).toMatchObject([
      { ...ids, NotOnConsole: false },
      { ...ids, Status: 'Idle' },
    ])
    expect(user.enrollmentId).toBe(`${device().udid}:GUID`)
  })

  it('of a Shared iPad’s user are the constant and the short name', async () => {
    const user = device({ platform: 'iPadOS', sharedIPad: true }).userChannel({
      userId: 'ignored',
      shortName: 'pupil@example.com',
    })
    await user.poll()
    expect(messages()[0]).toMatchObject({
      UserID: 'FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF',
      UserShortName: 'pupil@example.com',
    })
  })

  it('under User Enrollment hide UDID and serial number, in every answer too', async () => {
    const byod = device({ platform: 'iOS', userEnrollment: { enrollmentId: 'E1' } })
    await byod.enroll()
    server.replies.push(
      command('1', 'DeviceInformation', { Queries: ['UDID', 'SerialNumber', 'OSVersion'] }),
    )
    await byod.poll()
    for (const message of messages()) {
      expect(message).toMatchObject({ EnrollmentID: 'E1' })
      expect(message).not.toHaveProperty('UDID')
      expect(message).not.toHaveProperty('SerialNumber')
    }
    expect(messages().at(-1)).toMatchObject({ QueryResponses: { OSVersion: '26.4' } })
    expect(Object.keys(queryResponses())).toEqual(['OSVersion'])
  })

  it('have Apple’s shapes', () => {
    expect(newUdid('macOS', bytes)).toMatch(
      /^[0-9A-F]{8}-[0-9A-F]{4}-4[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}$/,
    )
    expect(newUdid('iOS', bytes)).toMatch(/^[0-9A-F]{8}-[0-9A-F]{16}$/)
    expect(newSerial(bytes)).toMatch(/^[A-HJ-NP-Z0-9]{12}$/)
  })
})

async function answerTo(requestType: string, fields: PlistDict = {}, sender = device()) {
  server.replies.push(command('c', requestType, fields))
  await sender.poll()
  return messages().at(-1) ?? {}
}

function queryResponses(): PlistDict {
  return dictAt(messages().at(-1) ?? {}, 'QueryResponses') ?? {}
}

describe('a simulated device’s session', () => {
  it('answers every command until the body is empty', async () => {
    server.replies.push(command('1', 'ProfileList'), command('2', 'SecurityInfo'))
    const mac = device()
    expect(await mac.poll()).toEqual({ ended: 'empty', answered: 2, lastStatus: 'Acknowledged' })
    expect(messages()).toMatchObject([
      { Status: 'Idle' },
      { Status: 'Acknowledged', CommandUUID: '1', ProfileList: [] },
      { Status: 'Acknowledged', CommandUUID: '2', SecurityInfo: { FDE_Enabled: true } },
    ])
    expect(mac.received.map(({ requestType }) => requestType)).toEqual([
      'ProfileList',
      'SecurityInfo',
    ])
    expect(mac.statistics).toMatchObject({ requests: 3, reports: { Idle: 1, Acknowledged: 2 } })
  })

  it('goes on after NotNow, and ends where the device stays silent', async () => {
    const script = new Map<string, Answer>([
      ['1', 'NotNow'],
      ['2', 'Error'],
      ['3', 'silence'],
    ])
    server.replies.push(
      command('1', 'ProfileList'),
      command('2', 'ProfileList'),
      command('3', 'ProfileList'),
    )
    const mac = device({ answer: ({ uuid }) => script.get(uuid) })
    expect(await mac.poll()).toMatchObject({ ended: 'silence', answered: 2 })
    expect(statuses()).toEqual(['Idle', 'NotNow', 'Error'])
    expect(messages().at(-1)).toHaveProperty('ErrorChain')
  })

  it('sends a script’s report byte for byte', async () => {
    server.replies.push(command('1', 'DeviceLocation'))
    await device({ answer: () => ({ Status: 'Strange', Extra: 1 }) }).poll()
    expect(messages().at(-1)).toMatchObject({ Status: 'Strange', Extra: 1, CommandUUID: '1' })
  })

  it('calls a body that holds no command a format error', async () => {
    server.replies.push(new TextEncoder().encode('hello'), writePlist({ CommandUUID: '2' }))
    await device().poll()
    expect(statuses()).toEqual(['Idle', 'CommandFormatError', 'CommandFormatError'])
    expect(messages().at(-1)).not.toHaveProperty('CommandUUID')
  })

  it('keeps a report that was not delivered and begins with the same bytes next time', async () => {
    server.replies.push(command('1', 'ProfileList'))
    const mac = device({
      observe: () => {
        server.status = 503
      },
    })
    expect(await mac.poll()).toMatchObject({ ended: 'failed', reason: 'HTTP 503' })
    server.status = undefined
    expect(await mac.poll()).toMatchObject({ ended: 'empty', answered: 1 })
    expect(statuses()).toEqual(['Idle', 'Acknowledged', 'Acknowledged'])
    expect(server.received[2]?.body).toEqual(server.received[1]?.body)
  })

  it('fails without throwing when the server is away', async () => {
    const mac = device()
    await server.close()
    expect(await mac.poll()).toMatchObject({ ended: 'failed', answered: 0 })
    expect(mac.statistics.failures).toBe(1)
    server = await startFakeServer()
  })

  it('is the last one after a 401: the management profile is gone', async () => {
    server.status = 401
    const mac = device({ state: 'enrolled' })
    expect(await mac.poll()).toMatchObject({ ended: 'unmanaged' })
    server.status = undefined
    expect(await mac.poll()).toMatchObject({ ended: 'unmanaged' })
    expect(messages()).toHaveLength(1)
    await mac.enroll()
    expect(mac.state()).toBe('enrolled')
  })
})

describe('a simulated device’s answers', () => {
  it('to DeviceInformation hold exactly the queries that the platform knows', async () => {
    const Queries = ['UDID', 'OSVersion', 'IMEI', 'Nonsense']
    await answerTo('DeviceInformation', { Queries })
    expect(queryResponses()).toEqual({ UDID: device().udid, OSVersion: '26.4' })
    await answerTo('DeviceInformation', { Queries }, device({ platform: 'iOS' }))
    expect(Object.keys(queryResponses()).sort()).toEqual(['IMEI', 'OSVersion', 'UDID'])
  })

  it('are Error where the platform or the channel lacks the request type', async () => {
    const iPhone = device({ platform: 'iOS' })
    const user = device().userChannel({ userId: 'GUID', shortName: 'a' })
    for (const [requestType, sender] of [
      ['SetRecoveryLock', iPhone],
      ['EnableLostMode', device()],
      ['EraseDevice', user],
      ['InviteToProgram', device()],
      ['NoSuchCommand', device()],
    ] as const) {
      server.replies.push(command('c', requestType))
      await sender.poll()
      expect(messages().at(-1)).toMatchObject({
        Status: 'Error',
        ErrorChain: [{ ErrorDomain: 'MCMDMErrorDomain', ErrorCode: 12021 }],
      })
    }
  })

  it('are CommandFormatError where a key has the wrong type', async () => {
    expect(await answerTo('DeviceInformation', { Queries: 'UDID' })).toMatchObject({
      Status: 'CommandFormatError',
      CommandUUID: 'c',
    })
  })

  it('exist for every request type on some platform, channel and OS', async () => {
    const replies: Uint8Array[] = []
    // In memory: hundreds of requests over sockets would test only the machine.
    const answering = {
      fetch: () => {
        const body = new Uint8Array(replies.shift() ?? [])
        const headers = { get: () => null }
        return Promise.resolve({ status: 200, headers, arrayBuffer: async () => body.buffer })
      },
      observe: ({ requestType }, report) => {
        if (report !== 'silence' && report['Status'] === 'Acknowledged') {
          acknowledged.add(requestType)
        }
      },
    } satisfies Partial<DeviceOptions>
    const acknowledged = new Set<string>()
    const sharedIPad = device({ ...answering, platform: 'iPadOS', sharedIPad: true })
    const mac = device({ ...answering, setup: AWAITING })
    const Payload = writePlist({ PayloadIdentifier: 'p' })
    const fields = { Payload, Identifier: 'p', Manifest: {} }
    for (const channel of [
      mac,
      mac.userChannel({ userId: 'GUID', shortName: 'a' }),
      device({ ...answering, platform: 'iOS' }),
      device({ ...answering, platform: 'iOS', osVersion: '27.0' }),
      sharedIPad,
      sharedIPad.userChannel({ userId: '', shortName: 'a' }),
    ]) {
      replies.push(...REQUEST_TYPES.map((name) => command(name, name, fields)))
      expect(await channel.poll()).toMatchObject({ answered: REQUEST_TYPES.length })
    }
    expect(REQUEST_TYPES.filter((name) => !acknowledged.has(name))).toEqual([])
  })

  it('of ProfileList follow InstallProfile and RemoveProfile', async () => {
    const mac = device()
    const profile = {
      PayloadIdentifier: 'com.example.wifi',
      PayloadUUID: 'U',
      PayloadVersion: 1,
      Secret: 'x',
    }
    await answerTo('InstallProfile', { Payload: writePlist(profile) }, mac)
    expect(await answerTo('ProfileList', {}, mac)).toMatchObject({
      ProfileList: [
        { PayloadIdentifier: 'com.example.wifi', PayloadVersion: 1, IsEncrypted: false },
      ],
    })
    expect(JSON.stringify(messages().at(-1))).not.toMatch(/Secret|IsManaged/)
    await answerTo('RemoveProfile', { Identifier: 'com.example.wifi' }, mac)
    expect(await answerTo('ProfileList', {}, mac)).toMatchObject({ ProfileList: [] })
    expect(await answerTo('RemoveProfile', { Identifier: 'gone' }, mac)).toMatchObject({
      Status: 'Error',
    })
    expect(await answerTo('InstallProfile', { Payload: bytes(9) }, mac)).toMatchObject({
      Status: 'Error',
      ErrorChain: [{ ErrorDomain: 'MCProfileErrorDomain' }],
    })
  })

  it('of app lists follow InstallApplication and RemoveApplication', async () => {
    const phone = device({ platform: 'iOS' })
    const Identifier = 'com.example.tool'
    await answerTo('InstallApplication', { Identifier }, phone)
    expect(await answerTo('ManagedApplicationList', {}, phone)).toMatchObject({
      ManagedApplicationList: { [Identifier]: { Status: 'Managed' } },
    })
    expect(
      await answerTo('InstalledApplicationList', { Identifiers: [Identifier] }, phone),
    ).toMatchObject({ InstalledApplicationList: [{ Identifier }] })
    const managed = await answerTo('InstalledApplicationList', { ManagedAppsOnly: true }, phone)
    expect(managed['InstalledApplicationList']).toHaveLength(1)
    await answerTo('RemoveApplication', { Identifier }, phone)
    expect(await answerTo('ManagedApplicationList', {}, phone)).toMatchObject({
      ManagedApplicationList: {},
    })
  })

  it('of CertificateList hold the device’s identity', async () => {
    expect(await answerTo('CertificateList')).toMatchObject({
      CertificateList: [
        { CommonName: 'Test device', IsIdentity: true, Data: identity.certificate },
      ],
    })
  })
})
