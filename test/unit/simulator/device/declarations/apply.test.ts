import { createHash } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import { decodeSignatureHeader, verifyDetached } from '../../../../../src/pki/cms/cms.ts'
import { writePlist } from '../../../../../src/plist/write.ts'
import {
  ACTIVATION,
  type DeclarativeServer,
  declarativeServer,
  deviceAt,
  type File,
  SUBSCRIPTIONS,
  TEST,
} from './server.ts'

const LEGACY = 'com.apple.configuration.legacy'
const URL = 'https://files.example.com/a'

let server: DeclarativeServer

beforeEach(() => {
  server = declarativeServer()
})

/** What a device says of its declarations, by identifier: active, valid, codes of reasons. */
async function states(device = deviceAt(server)) {
  server.notify()
  expect(await device.poll()).toMatchObject({ ended: 'empty' })
  return Object.fromEntries(
    device.declarative.states.map(({ identifier, active, valid, reasons }) => [
      identifier,
      [active ? 'active' : 'inactive', valid, ...reasons.map(({ code }) => code)].join(' '),
    ]),
  )
}

function details(identifier: string) {
  const text = JSON.stringify(server.reports.at(-1))
  const { management } = (JSON.parse(text) as { StatusItems: { management: object } }).StatusItems
  const { declarations } = management as { declarations: Record<string, object[]> }
  return Object.values(declarations)
    .flat()
    .find((each) => (each as { identifier: string }).identifier === identifier)
}

describe('a declaration', () => {
  it('is applied when an activation names it; management declarations are never active', async () => {
    server.putActive('cfg', TEST, { Echo: 'a' })
    server.put('props', 'com.apple.management.properties', { ring: 1 })
    server.put('alone', TEST, { Echo: 'b' })
    server.put('asset', 'com.apple.asset.useridentity', { FullName: 'A' })
    expect(await states()).toEqual({
      'cfg.on': 'active valid',
      cfg: 'active valid',
      props: 'inactive valid',
      alone: 'inactive valid Info.NotReferencedByActivation',
      asset: 'inactive valid Info.NotReferencedByConfiguration',
    })
    expect(details('alone')).toMatchObject({
      reasons: [{ details: { Identifier: 'alone', ServerToken: 'v4' } }],
    })
  })

  it('is inactive when an activation names another one that is missing', async () => {
    server.put('cfg', TEST, { Echo: 'a' })
    server.put('on', ACTIVATION, { StandardConfigurations: ['cfg', 'gone'] })
    expect(await states()).toEqual({
      on: 'inactive invalid Error.MissingConfigurations',
      cfg: 'inactive valid',
    })
    expect(details('on')).toMatchObject({
      reasons: [{ details: { ConfigurationIdentifiers: ['gone'], Identifier: 'on' } }],
    })
  })

  it('is invalid when its asset is missing', async () => {
    server.putActive('cfg', TEST, { Echo: 'a', EchoDataAssetReference: 'gone' })
    expect(await states()).toMatchObject({ cfg: 'active invalid Error.MissingAssets' })
    expect(details('cfg')).toMatchObject({ reasons: [{ details: { AssetIdentifiers: ['gone'] } }] })
  })

  it('of a type that the OS or the channel lacks is refused, and others are applied', async () => {
    server.putActive('new', 'com.apple.configuration.from-the-future', {})
    server.putActive('files', 'com.apple.configuration.services.configuration-files', {})
    server.putActive('cfg', TEST, { Echo: 'a' })
    const onMac = await states()
    expect(onMac).toMatchObject({
      new: 'active invalid Error.UnknownDeclarationType',
      files: 'active valid',
      cfg: 'active valid',
    })
    expect(details('new')).toMatchObject({
      reasons: [{ details: { UnknownDeclarationType: 'com.apple.configuration.from-the-future' } }],
    })
    const mac = deviceAt(server)
    expect(await states(mac)).toMatchObject({ files: 'active valid' })
    const iPhone = deviceAt(server, { platform: 'iOS', udid: '00008110-1' })
    expect(await states(iPhone)).toMatchObject({
      files: 'active invalid Error.UnknownDeclarationType',
      cfg: 'active valid',
    })
    server.notify()
    const user = mac.userChannel({ userId: 'GUID', shortName: 'a' })
    await user.poll()
    expect(user.declarative.states.find(({ identifier }) => identifier === 'files')).toMatchObject({
      valid: 'invalid',
      reasons: [{ code: 'Error.ConfigurationNotSupported' }],
    })
  })

  it('for tests fails on demand', async () => {
    server.putActive('cfg', TEST, { Echo: 'a', ReturnStatus: 'Failed' })
    expect(await states()).toMatchObject({
      'cfg.on': 'active valid',
      cfg: 'active invalid Error.ConfigurationCannotBeApplied',
    })
  })
})

describe('a predicate', () => {
  it.each([
    ["@status(device.model.family) == 'Mac'", 'active valid', 'active valid'],
    ["@status(device.model.family) == 'iPad'", 'inactive valid Info.Predicate', 'inactive valid'],
    ['@property(ring) == 1', 'active valid', 'active valid'],
    [
      '@property(missing) == 1',
      'inactive invalid Error.UnableToEvaluatePredicate',
      'inactive valid',
    ],
    ['SUBQUERY(a, b, c)', 'inactive invalid Error.UnableToParsePredicate', 'inactive valid'],
  ])('%s makes the activation %s', async (predicate, activation, configuration) => {
    server.put('props', 'com.apple.management.properties', { ring: 1 })
    server.putActive('cfg', TEST, { Echo: 'a' }, predicate)
    expect(await states()).toMatchObject({ 'cfg.on': activation, cfg: configuration })
  })

  it('follows the properties', async () => {
    server.put('props', 'com.apple.management.properties', { ring: 1 })
    server.putActive('cfg', TEST, { Echo: 'a' }, '@property(ring) == 2')
    const device = deviceAt(server)
    expect(await states(device)).toMatchObject({ cfg: 'inactive valid' })
    server.put('props', 'com.apple.management.properties', { ring: 2 })
    expect(await states(device)).toMatchObject({ cfg: 'active valid' })
  })
})

describe('the data of an asset', () => {
  const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

  it.each<[string, object, File, string]>([
    ['fits', { Size: 3, 'Hash-SHA-256': sha256('foo') }, {}, 'active valid'],
    ['has another type', { ContentType: 'application/json' }, {}, 'Error.AssetCannotBeVerified'],
    ['has the type', { ContentType: 'text/Plain' }, {}, 'active valid'],
    ['has another size', { Size: 4 }, {}, 'Error.AssetCannotBeVerified'],
    ['has another hash', { 'Hash-SHA-256': sha256('fox') }, {}, 'Error.AssetCannotBeVerified'],
    ['is missing', {}, { status: 404 }, 'Error.AssetCannotBeDownloaded'],
    ['is empty', { Size: 0 }, { body: '' }, 'active valid'],
  ])('that %s', async (_, reference, file, state) => {
    server.files.set(URL, { type: 'text/plain; charset=utf-8', body: 'foo', ...file })
    server.put('asset', 'com.apple.asset.data', { Reference: { DataURL: URL, ...reference } })
    server.putActive('cfg', TEST, { Echo: 'a', EchoDataAssetReference: 'asset' })
    const found = await states()
    expect(found['asset']).toContain(state)
    expect(found['cfg']).toBe(
      state === 'active valid' ? state : 'active invalid Error.ConfigurationCannotBeApplied',
    )
  })

  it('is fetched once, with a signature over nothing, and again after a failure', async () => {
    server.put('asset', 'com.apple.asset.data', { Reference: { DataURL: URL } })
    server.putActive('cfg', TEST, { Echo: 'a', EchoDataAssetReference: 'asset' })
    const device = deviceAt(server)
    expect(await states(device)).toMatchObject({
      asset: 'active invalid Error.AssetCannotBeDownloaded',
    })
    server.files.set(URL, { body: 'foo' })
    expect(await states(device)).toMatchObject({ asset: 'active valid' })
    const at = server.took().lastIndexOf(`GET ${URL}`)
    expect(at).toBeGreaterThan(0)
    const header = server.headers.findLast((each) => each['Content-Type'] === undefined)
    const der = decodeSignatureHeader(String(header?.['Mdm-Signature'])) ?? new Uint8Array()
    expect(verifyDetached(der, new Uint8Array())).toMatchObject({ ok: true })
    server.put('other', TEST, { Echo: 'b' })
    await states(device)
    expect(server.took()).not.toContain(`GET ${URL}`)
  })

  it('is fetched without a signature when Authentication is None, and only when it is needed', async () => {
    server.files.set(URL, { body: 'foo' })
    const Authentication = { Type: 'None' }
    server.put('asset', 'com.apple.asset.data', { Reference: { DataURL: URL }, Authentication })
    const device = deviceAt(server)
    await states(device)
    expect(server.took()).not.toContain(`GET ${URL}`)
    server.putActive('cfg', TEST, { Echo: 'a', EchoDataAssetReference: 'asset' })
    await states(device)
    expect(server.took()).toContain(`GET ${URL}`)
    const header = server.headers.findLast((each) => each['Content-Type'] === undefined)
    expect(header).not.toHaveProperty('Mdm-Signature')
  })
})

describe('a profile in a declaration', () => {
  const profile = (...payloads: string[]) =>
    writePlist({
      PayloadIdentifier: 'com.example.wifi',
      PayloadType: 'Configuration',
      PayloadContent: payloads.map((PayloadType) => ({ PayloadType })),
    })

  it('is installed, is closed to commands, and goes with the declaration', async () => {
    server.files.set(URL, { body: profile('com.apple.wifi.managed') })
    server.putActive('cfg', LEGACY, { ProfileURL: URL })
    const device = deviceAt(server)
    expect(await states(device)).toMatchObject({ cfg: 'active valid' })
    expect([...device.installed.profiles.keys()]).toEqual(['com.example.wifi'])
    server.queue('RemoveProfile', { Identifier: 'com.example.wifi' })
    server.queue('InstallProfile', { Payload: profile() })
    await device.poll()
    expect(device.statistics.reports).toMatchObject({ Error: 2 })
    server.remove('cfg')
    server.remove('cfg.on')
    await states(device)
    expect([...device.installed.profiles.keys()]).toEqual([])
  })

  it('comes from an asset too', async () => {
    server.files.set(URL, { body: profile() })
    server.put('asset', 'com.apple.asset.data', { Reference: { DataURL: URL } })
    server.putActive('cfg', LEGACY, { ProfileAssetReference: 'asset' })
    const device = deviceAt(server, { osVersion: '27.0' })
    expect(await states(device)).toMatchObject({ cfg: 'active valid' })
    expect(device.installed.profiles.size).toBe(1)
  })

  it.each<[string, File, string]>([
    ['is missing', { status: 404 }, 'Error.ConfigurationCannotBeApplied'],
    ['is no profile', { body: 'foo' }, 'Error.ConfigurationIsInvalid'],
    ['manages the device', { body: profile('com.apple.mdm') }, 'Error.ConfigurationIsInvalid'],
  ])('is refused when it %s', async (_, file, code) => {
    server.files.set(URL, file)
    server.putActive('cfg', LEGACY, { ProfileURL: URL })
    const device = deviceAt(server)
    expect(await states(device)).toMatchObject({ cfg: `active invalid ${code}` })
    expect(device.installed.profiles.size).toBe(0)
  })
})

it('a subscription to an item that the device lacks is an error of the report', async () => {
  server.putActive('subs', SUBSCRIPTIONS, { StatusItems: [{ Name: 'device.power.voltage' }] })
  await states()
  expect(server.reports[0]).toMatchObject({
    Errors: [{ StatusItem: 'device.power.voltage', Reasons: [{ Code: 'Error.NotSupported' }] }],
  })
})
