import { describe, expect, it } from 'vitest'
import { declarationSchema, describedIn } from '../../../../src/apple/declarations.ts'
import { checkDeclaration } from '../../../../src/ddm/payload/check.ts'
import { PAYLOADS } from './payloads.ts'

function details(type: string, payload: object): string {
  const { faults } = checkDeclaration(`com.apple.${type}`, { ...payload })
  return faults.map(({ path, detail }) => `${path.join('.')}: ${detail}`).join('; ')
}

const faultsAt = (type: string, payload: object, path: readonly (string | number)[]) =>
  checkDeclaration(type, { ...payload }).faults.filter(
    (fault) => fault.path.join('.') === ['Payload', ...path].join('.'),
  )

describe('a payload of each type', () => {
  it.each(PAYLOADS)(
    'is valid with the keys it needs, and with all: $type',
    ({ type, least, most }) => {
      expect(checkDeclaration(type, least).faults).toEqual([])
      expect(checkDeclaration(type, most).faults).toEqual([])
    },
  )

  it.each(PAYLOADS)('is at fault where a key is misspelt or missing: $type', ({ type, most }) => {
    const schema = declarationSchema(type)
    const places = [...describedIn(most, schema ?? {})].filter(
      ({ path }) => typeof path.at(-1) === 'string' && path.at(-1) !== 'com.example.own',
    )
    for (const { path, schema: key } of places) {
      const misspelt = structuredClone(most)
      const name = rename(misspelt, path)
      const [fault] = faultsAt(type, misspelt, [...path.slice(0, -1), name])
      expect(fault?.detail, path.join('.')).toContain('has no such key')
      const missing = faultsAt(type, misspelt, path)
      expect(
        missing.map(({ detail }) => detail.slice(0, 10)),
        path.join('.'),
      ).toEqual(key.required ? ['is missing'] : [])
    }
    expect(places.length > 0 || schema?.keys === undefined).toBe(true)
  })

  it.each(PAYLOADS)('is at fault where a value has another type: $type', ({ type, most }) => {
    for (const { path, schema: key } of describedIn(most, declarationSchema(type) ?? {})) {
      if (key.type === 'any') continue
      const wrong = structuredClone(most)
      const last = path.at(-1) ?? ''
      parentOf(wrong, path)[last] = key.type === 'integer' ? 1.5 : 5
      expect(faultsAt(type, wrong, path)[0]?.detail, path.join('.')).toContain('has to be')
    }
  })
})

describe('the fault', () => {
  it.each<[string, object, string]>([
    [
      'configuration.passcode.setings',
      {},
      'Type: Apple documents no declaration of that type: did you mean com.apple.configuration.passcode.settings?',
    ],
    ['config.passcode.settings', {}, 'did you mean com.apple.configuration.passcode.settings?'],
    ['configuration.zzz', { a: null }, 'of that type; Payload.a: is null: leave the key out'],
    [
      'configuration.passcode.settings',
      { RequirePascode: true },
      'Payload.RequirePascode: com.apple.configuration.passcode.settings has no such key: did you mean RequirePasscode?',
    ],
    [
      'configuration.passcode.settings',
      { MinimumLength: 17 },
      'Payload.MinimumLength: has to be 0 at least, and 16 at most',
    ],
    [
      'configuration.extensible-sso',
      { PlatformSSO: { LoginFrequency: 60 } },
      'Payload.PlatformSSO.LoginFrequency: has to be 3600 at least',
    ],
    ['configuration.passcode.settings', { MinimumLength: '8' }, 'has to be a whole number'],
    ['configuration.passcode.settings', { MinimumLength: null }, 'Payload.MinimumLength: is null'],
    ['configuration.passcode.settings', { constructor: 1 }, 'Payload.constructor: com.apple'],
    [
      'configuration.passcode.settings',
      JSON.parse('{"__proto__":1}'),
      'Payload.__proto__: com.apple',
    ],
    [
      'configuration.app.managed',
      { BundleID: 'a.b', InstallBehavior: { Install: 'required' } },
      'Payload.InstallBehavior.Install: has to be one of Optional, Required',
    ],
    [
      'configuration.app.managed',
      {},
      'Payload: needs one of AppStoreID, BundleID, ManifestURL, AppComposedIdentifier',
    ],
    [
      'configuration.app.managed',
      { AppStoreID: '1', BundleID: 'a.b' },
      'Payload.BundleID: is one too many beside AppStoreID',
    ],
    ['configuration.legacy', {}, 'Payload: needs one of ProfileURL, ProfileAssetReference'],
    [
      'configuration.legacy.interactive',
      { VisibleName: 'x', ProfileURL: 'https://a.b', ProfileAssetReference: 'a' },
      'Payload.ProfileAssetReference: is one too many beside ProfileURL',
    ],
    [
      'configuration.legacy',
      { ProfileURL: 'http://a.b' },
      'Payload.ProfileURL: has to be an https URL',
    ],
    [
      'configuration.legacy',
      { ProfileURL: 'https://' },
      'Payload.ProfileURL: has to be an https URL',
    ],
    [
      'configuration.safari.extensions.settings',
      { ManagedExtensions: { 'a (B)': { State: 'On' } } },
      'Payload.ManagedExtensions.a (B).State: has to be one of Allowed, AlwaysOn, AlwaysOff',
    ],
    [
      'activation.simple',
      { StandardConfigurations: ['a', ''] },
      'Payload.StandardConfigurations.1: has to be the Identifier of a declaration',
    ],
    [
      'configuration.security.identity',
      { CredentialAssetReference: 'ex.${udid}' },
      'Payload.CredentialAssetReference: has to be the Identifier of a declaration',
    ],
    [
      'activation.simple',
      { StandardConfigurations: ['a'], Predicate: "@status(device.model.family) == 'Mac" },
      "Payload.Predicate: does not close its quotation mark '",
    ],
    [
      'management.properties',
      { name: ['${serial_numbr}'] },
      'Payload.name.0: has ${serial_numbr}, which is no variable: did you mean serial_number?; $${ writes',
    ],
    [
      'management.properties',
      { name: '$${a} ${serial_number' },
      'Payload.name: has a ${ without the } of a variable; $${ writes a literal ${',
    ],
  ])('of %s %j has its place and a reason', (type, payload, text) => {
    expect(details(type, payload)).toContain(text)
  })

  it.each([
    '2026-12-10T19:00:00Z',
    '2026-12-10T19:00:00+01:00',
    '2026-12-10T19:00:00.000',
    '2026-12-10 19:00:00',
    '2026-02-30T00:00:00',
    '2026-12-10T24:00:00',
    '2026-12-10',
  ])('of the deadline %s is its form', (TargetLocalDateTime) => {
    const payload = { TargetOSVersion: '26.2', TargetLocalDateTime }
    expect(details('configuration.softwareupdate.enforcement.specific', payload)).toBe(
      'Payload.TargetLocalDateTime: has to be a time as 2026-12-10T19:00:00, ' +
        'without time zone and fraction: it is the local time of each device',
    )
  })

  it.each(['macOS 26.2', '26.2 or later', 'latest'])(
    'of the version %s is its form',
    (TargetOSVersion) => {
      const payload = { TargetOSVersion, TargetLocalDateTime: '2026-12-10T19:00:00' }
      expect(details('configuration.softwareupdate.enforcement.specific', payload)).toBe(
        'Payload.TargetOSVersion: has to be a version, such as 26.2, without the name of the OS',
      )
    },
  )

  it.each(['26', '26.2', '26.2.1 (a)'])('is not in the version %s', (TargetOSVersion) => {
    const payload = { TargetOSVersion, TargetLocalDateTime: '2026-12-10T19:00:00' }
    expect(details('configuration.softwareupdate.enforcement.specific', payload)).toBe('')
  })

  it('of a payload that nests too deeply is found, and no other is looked for', () => {
    let deep: object = {}
    for (let level = 2; level <= 32; level++) deep = { a: deep }
    expect(details('management.properties', deep)).toBe('')
    expect(details('management.properties', { a: deep })).toContain('nests more than 32 levels')
    expect(details('configuration.passcode.settings', { a: deep })).not.toContain('no such key')
  })

  it('is reported ten times, of thousands', () => {
    const payload = Object.fromEntries(Array.from({ length: 5000 }, (_, n) => [`k${n}`, null]))
    for (const type of ['management.properties', 'configuration.zzz']) {
      expect(checkDeclaration(`com.apple.${type}`, payload).faults).toHaveLength(10)
    }
  })
})

describe('a text with a variable', () => {
  it('may hold any value of a list, and any format', () => {
    const legacy = { ProfileURL: '${device_name}' }
    expect(details('configuration.legacy', legacy)).toBe('')
    const update = { TargetOSVersion: '${os_version}', TargetLocalDateTime: '${device_name}' }
    expect(details('configuration.softwareupdate.enforcement.specific', update)).toBe('')
    const app = { AppStoreID: '1', InstallBehavior: { Install: '${model}' } }
    expect(details('configuration.app.managed', app)).toBe('')
  })

  it('is still a text', () => {
    const payload = { MinimumLength: '${model}' }
    expect(details('configuration.passcode.settings', payload)).toContain('whole number')
  })

  it('is none with a second dollar sign', () => {
    const app = { AppStoreID: '1', InstallBehavior: { Install: '$${model}' } }
    expect(details('configuration.app.managed', app)).toContain('has to be one of')
    expect(details('management.properties', { shell: '$${HOME}/bin' })).toBe('')
  })
})

describe('a warning', () => {
  const warnings = (type: string, payload: object) =>
    checkDeclaration(`com.apple.${type}`, { ...payload }).warnings

  it('names status items that Apple does not document', () => {
    const misspelt =
      'Apple documents no status item device.model.famly: did you mean device.model.family?'
    const predicate = "@status(device.model.famly) == 'Mac' AND @status(device.model.famly) != 'x'"
    const activation = { StandardConfigurations: ['a'], Predicate: predicate }
    expect(warnings('activation.simple', activation)).toEqual([misspelt])
    const items = [{ Name: 'device.model.famly' }, { Name: 'device.model.family' }]
    const subscriptions = { StatusItems: items }
    expect(warnings('configuration.management.status-subscriptions', subscriptions)).toEqual([
      misspelt,
    ])
    expect(details('activation.simple', activation)).toBe('')
  })

  it('says that an activation has no effect', () => {
    expect(warnings('activation.simple', { StandardConfigurations: [] })).toEqual([
      'the activation names no configuration: it has no effect',
    ])
    expect(details('activation.simple', { StandardConfigurations: [] })).toBe('')
  })

  it('says that a device applies one declaration of a type', () => {
    const type = 'configuration.screensharing.host.settings'
    expect(warnings(type, {})).toEqual([
      `a device applies one declaration of com.apple.${type} at a time: give it no second one`,
    ])
    expect(warnings('configuration.passcode.settings', {})).toEqual([])
  })
})

/** The object or array that holds the end of a path. */
function parentOf(payload: object, path: readonly (string | number)[]): Record<string, unknown> {
  return Object(path.slice(0, -1).reduce<unknown>((value, step) => Object(value)[step], payload))
}

/** Misspells the last key of a path. @returns its new name */
function rename(payload: object, path: readonly (string | number)[]): string {
  const parent = parentOf(payload, path)
  const key = String(path.at(-1))
  parent[`${key}x`] = parent[key]
  delete parent[key]
  return `${key}x`
}
