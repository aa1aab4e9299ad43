import { hash, pbkdf2Sync } from 'node:crypto'
import { expect, it } from 'vitest'
import { asDict, dictsIn, isDict } from '../../../../src/plist/dict.ts'
import { readPlist } from '../../../../src/plist/read.ts'
import type { PlistDict } from '../../../../src/plist/value.ts'
import { writePlist } from '../../../../src/plist/write.ts'
import { answersBySteps } from '../../../../src/simulator/device/answers/script.ts'
import {
  createSimulatedDevice,
  type DeviceOptions,
} from '../../../../src/simulator/device/device.ts'
import {
  desktopOf,
  desktopText,
  isHeld,
  walkThroughSetup,
} from '../../../../src/simulator/device/desktop.ts'
import { createIdentity, createIssuer, newKey } from '../../../../src/simulator/device/identity.ts'
import { AWAITING, NOT_HELD, opensAccount } from '../../../../src/simulator/device/setup.ts'
import { command } from '../server.ts'

const ca = createIssuer({ commonName: 'Test CA', key: newKey('ec') })
const identity = createIdentity({ ca, commonName: 'Test device', kind: 'ec' })

const ERROR_101 = {
  Status: 'Error',
  ErrorChain: [
    {
      ErrorCode: 101,
      ErrorDomain: 'MDMDeviceEnrollment',
      USEnglishDescription: 'Device is not AwaitingConfiguration',
    },
  ],
}

/** A Mac and a server that hands out `commands`, one for each report, and has files. */
function macWith(options: Partial<DeviceOptions> = {}) {
  const commands: Uint8Array[] = []
  const messages: PlistDict[] = []
  const files = new Map<string, Uint8Array>()
  const mac = createSimulatedDevice({
    async fetch(url, { method, body }) {
      if (method === 'GET') {
        const file = files.get(url)
        return answerOf(file ? 200 : 404, file)
      }
      const message = asDict(readPlist(body ?? new Uint8Array()))
      messages.push(message)
      return answerOf(200, message['Status'] === undefined ? undefined : commands.shift())
    },
    serverUrl: 'https://mdm.test/mdm/connect',
    identity,
    platform: 'macOS',
    udid: '6A1B2C3D-4E5F-4A6B-8C7D-9E0F1A2B3C4D',
    serial: 'C02AB0CDEFGH',
    topic: 'com.apple.mgmt.External.test',
    setup: AWAITING,
    ...options,
  })
  const give = (requestType: string, fields: PlistDict = {}): void => {
    commands.push(command(requestType, requestType, fields))
  }
  /** The report on one command. */
  const ask = async (requestType: string, fields: PlistDict = {}): Promise<PlistDict> => {
    give(requestType, fields)
    await mac.poll()
    return messages.findLast(({ CommandUUID: uuid }) => uuid === requestType) ?? {}
  }
  return { mac, commands, messages, files, give, ask }
}

function answerOf(status: number, body: Uint8Array = new Uint8Array()) {
  const arrayBuffer = async () => new Uint8Array(body).buffer
  return { status, headers: { get: () => null }, arrayBuffer }
}

function hashOf(password: string): Uint8Array {
  const salt = new Uint8Array(32).fill(7)
  const entropy = new Uint8Array(pbkdf2Sync(password, salt, 20_000, 128, 'sha512'))
  return writePlist({ 'SALTED-SHA512-PBKDF2': { entropy, salt, iterations: 20_000 } })
}

const ADMIN = { shortName: 'admin', fullName: 'IT', hidden: true, passwordHash: hashOf('secret') }

it('a held device says so in its TokenUpdate until DeviceConfigured releases it, once', async () => {
  const { mac, messages, ask } = macWith()
  await mac.enroll()
  expect(messages.map((message) => message['AwaitingConfiguration'])).toEqual([undefined, true])
  expect(isHeld(mac)).toBe(true)
  expect(await ask('DeviceConfigured')).toMatchObject({ Status: 'Acknowledged' })
  expect([mac.setup().phase, isHeld(mac)]).toEqual(['released', false])
  expect(await ask('DeviceConfigured')).toMatchObject(ERROR_101)
  await mac.enroll()
  expect(messages.at(-1)).not.toHaveProperty('AwaitingConfiguration')
})

it('accounts are made while the device is held, and not before or after', async () => {
  const desktop = macWith({ setup: NOT_HELD })
  expect(await desktop.ask('AccountConfiguration')).toMatchObject(ERROR_101)
  const { mac, ask } = macWith()
  const second = { ...ADMIN, shortName: 'second' }
  await ask('AccountConfiguration', { AutoSetupAdminAccounts: [ADMIN, second] })
  const report = await ask('AccountConfiguration', {
    AutoSetupAdminAccounts: [ADMIN, second],
    SetPrimarySetupAccountAsRegularUser: true,
    PrimaryAccountUserName: 'jane',
    PrimaryAccountFullName: 'Jane Doe',
  })
  expect(report).toMatchObject({ Status: 'Acknowledged' })
  const { accounts } = mac.setup()
  expect(accounts).toMatchObject([
    { shortName: 'admin', fullName: 'IT', isAdmin: true, isHidden: true },
    { shortName: 'jane', fullName: 'Jane Doe', isAdmin: false, isHidden: false },
  ])
  const [admin] = accounts
  expect(admin && [opensAccount(admin, 'secret'), opensAccount(admin, 'Secret')]).toEqual([
    true,
    false,
  ])
  await ask('DeviceConfigured')
  expect(await ask('AccountConfiguration', { AutoSetupAdminAccounts: [ADMIN] })).toMatchObject(
    ERROR_101,
  )
  expect(mac.setup().accounts).toEqual(accounts)
})

it('a released Mac reports its administrator account, and changes the password of no other one', async () => {
  const { mac, ask } = macWith()
  await ask('AccountConfiguration', { AutoSetupAdminAccounts: [ADMIN] })
  const reported = async () =>
    (await ask('DeviceInformation', { Queries: ['AutoSetupAdminAccounts'] }))['QueryResponses']
  expect(await reported()).toEqual({ AutoSetupAdminAccounts: [] })
  await ask('DeviceConfigured')
  const account = { GUID: expect.any(String), shortName: 'admin' }
  const responses = await reported()
  expect(responses).toEqual({ AutoSetupAdminAccounts: [account] })
  const [found] = dictsIn(isDict(responses) && responses['AutoSetupAdminAccounts'])
  const passwordHash = hashOf('other')
  const refused = await ask('SetAutoAdminPassword', { GUID: 'MISTYPED', passwordHash })
  expect(refused).toMatchObject({ Status: 'Error' })
  const GUID = found?.['GUID'] ?? ''
  expect(await ask('SetAutoAdminPassword', { GUID, passwordHash })).toMatchObject({
    Status: 'Acknowledged',
  })
  const [admin] = mac.setup().accounts
  expect(admin && [opensAccount(admin, 'other'), opensAccount(admin, 'secret')]).toEqual([
    true,
    false,
  ])
})

it.each([
  [{ SkipPrimarySetupAccountCreation: true }],
  [{ AutoSetupAdminAccounts: [{ ...ADMIN, passwordHash: 'secret' }] }],
  [{ AutoSetupAdminAccounts: [{ ...ADMIN, shortName: '' }] }],
])('AccountConfiguration that makes no sense is an Error: %o', async (fields) => {
  const { mac, ask } = macWith()
  expect(await ask('AccountConfiguration', fields)).toMatchObject({ Status: 'Error' })
  expect(mac.setup().accounts).toEqual([])
})

it('a package is listed only after its download, and only if it is what its manifest says', async () => {
  const { mac, files, ask } = macWith()
  const pkg = new TextEncoder().encode('package of more than ten bytes')
  const sha256s = [pkg.subarray(0, 20), pkg.subarray(20)].map((part) => hash('sha256', part))
  const manifest = (asset: PlistDict) =>
    writePlist({
      items: [
        {
          assets: [{ kind: 'software-package', url: 'https://mdm.test/repo/tool.pkg', ...asset }],
          metadata: { 'bundle-identifier': 'com.example.tool', title: 'Tool', kind: 'software' },
        },
      ],
    })
  files.set('https://mdm.test/repo/tool.pkg', pkg)
  files.set('https://mdm.test/repo/tool.plist', manifest({ 'sha256-size': 20, sha256s }))
  files.set('https://mdm.test/repo/bad.plist', manifest({ 'md5-size': 20, md5s: ['0', '0'] }))
  const list = async () => await ask('InstalledApplicationList', { ManagedAppsOnly: true })
  const ManifestURL = 'https://mdm.test/repo/tool.plist'
  expect(await ask('InstallApplication', { ManifestURL })).toMatchObject({
    Status: 'Acknowledged',
    State: 'Installing',
  })
  expect(await list()).toMatchObject({
    InstalledApplicationList: [{ Identifier: 'com.example.tool', Name: 'Tool' }],
  })
  await ask('InstallEnterpriseApplication', { ManifestURL: 'https://mdm.test/repo/bad.plist' })
  await ask('InstallApplication', { ManifestURL: 'https://mdm.test/repo/none.plist' })
  expect((await list())['InstalledApplicationList']).toHaveLength(1)
  expect(desktopOf(mac).failures).toEqual([
    'https://mdm.test/repo/bad.plist: the package has another md5 than its manifest says',
    expect.stringContaining('answers HTTP 404'),
  ])
})

it('a package whose command comes in the same session as the list is not yet in it', async () => {
  const { mac, messages, give } = macWith()
  give('InstallApplication', { ManifestURL: 'https://mdm.test/repo/tool.plist' })
  give('InstalledApplicationList', { ManagedAppsOnly: true })
  await mac.poll()
  expect(messages.at(-1)).toMatchObject({ InstalledApplicationList: [] })
})

it('the way through Setup Assistant polls until the release, and steps answer as a test chooses', async () => {
  const { mac, messages, give } = macWith({
    answer: answersBySteps([
      { requestType: 'InstallProfile', answer: 'NotNow', times: 1 },
      { requestType: 'DeviceInformation', answer: 'silence', times: 1 },
    ]),
  })
  const Payload = writePlist({ PayloadIdentifier: 'com.example.trust' })
  const steps = [
    () => give('InstallProfile', { Payload }),
    () => give('InstallProfile', { Payload }),
    () => give('DeviceInformation', { Queries: ['OSVersion'] }),
    () => {
      give('AccountConfiguration', {
        AutoSetupAdminAccounts: [ADMIN],
        SkipPrimarySetupAccountCreation: true,
      })
      give('DeviceConfigured')
    },
  ]
  steps.shift()?.()
  const desktop = await walkThroughSetup(mac, { wait: async () => steps.shift()?.() })
  expect(desktop).toMatchObject({ phase: 'released', profiles: ['com.example.trust'] })
  expect(messages.map(({ Status: status }) => status)).toEqual([
    'Idle',
    'NotNow',
    'Idle',
    'Acknowledged',
    'Idle',
    'Idle',
    'Acknowledged',
    'Acknowledged',
  ])
  expect(desktopText(mac)).toBe(
    'MacBook Pro C02AB0CDEFGH was released from Setup Assistant; accounts: admin admin hidden; ' +
      'profiles: com.example.trust; apps: none',
  )
})

it('the way ends after its polls when the server never releases the device', async () => {
  const { mac, messages } = macWith()
  let waits = 0
  const wait = async (): Promise<void> => {
    waits += 1
  }
  expect(await walkThroughSetup(mac, { wait, polls: 3 })).toMatchObject({ phase: 'awaiting' })
  expect([messages.length, waits]).toEqual([3, 2])
})
