import { describe, expect, it } from 'vitest'
import { DECLARATION_TYPES } from '../../../../src/apple/declarations.ts'
import type { PlatformNeed } from '../../../../src/ddm/facts.ts'
import { declarationNeeds } from '../../../../src/ddm/payload/needs.ts'

const CONFIGURATION = 'com.apple.configuration.'

const needsOf = (name: string, payload = {}) => declarationNeeds(CONFIGURATION + name, payload)

/** The configurations for which a platform's needs are so. */
function those(
  os: keyof ReturnType<typeof declarationNeeds>,
  are: (need: PlatformNeed) => boolean,
): string[] {
  return DECLARATION_TYPES.filter((type) => {
    const need = declarationNeeds(type, {})[os]
    return need && are(need)
  }).map((type) => type.replace(CONFIGURATION, ''))
}

describe('a declaration needs', () => {
  it('the versions that have its type', () => {
    expect(declarationNeeds('com.apple.activation.simple', {})).toEqual({
      macOS: { from: '13.0' },
      iOS: { from: '15.0' },
      tvOS: { from: '16.0' },
      watchOS: { from: '10.0' },
      visionOS: { from: '1.1' },
    })
    expect(needsOf('package')).toEqual({
      macOS: { from: '26.0', enrollments: ['supervised'], scopes: ['system'] },
    })
    expect(needsOf('softwareupdate.enforcement.specific').iOS).toEqual({
      from: '17.0',
      enrollments: ['supervised', 'device'],
      shared: ['system'],
    })
    expect(needsOf('account.settings').macOS?.from).toBe('27.2')
  })

  it('on macOS the user channel, for accounts, Safari and mathematics', () => {
    expect(those('macOS', ({ scopes }) => scopes?.join() === 'user')).toEqual([
      ...['caldav', 'carddav', 'exchange', 'google', 'ldap', 'mail', 'subscribed-calendar'].map(
        (name) => `account.${name}`,
      ),
      'math.settings',
      'safari.bookmarks',
      'safari.extensions.settings',
      'safari.settings',
      'security.passkey.attestation',
    ])
  })

  it('on macOS the device channel, for updates, packages, disks and services', () => {
    expect(those('macOS', ({ scopes }) => scopes?.join() === 'system')).toEqual(
      expect.arrayContaining([
        'content-cache.settings',
        'diskmanagement.settings',
        'migration-assistant.settings',
        'network.dns-proxy',
        'package',
        'screensharing.host.settings',
        'services.background-tasks',
        'services.configuration-files',
        'softwareupdate.enforcement.specific',
        'softwareupdate.settings',
        'webcontent-filter.plugin',
      ]),
    )
  })

  it('no Shared iPad, for some settings', () => {
    expect(those('iOS', ({ shared }) => shared?.length === 0)).toEqual([
      'accessibility.settings',
      'external-intelligence.settings',
      'intelligence.settings',
      'legacy.interactive',
      'passcode.settings',
      'security.passkey.attestation',
      'watch.enrollment',
    ])
  })

  it('what its keys need, and names the key that needs the version', () => {
    const { macOS } = needsOf('softwareupdate.settings', { Beta: { ProgramEnrollment: 'Allowed' } })
    expect(macOS).toMatchObject({ from: '15.4', by: 'Beta' })
    const sso = { PlatformSSO: { Policies: { AlwaysUseLoginUI: true }, AdditionalHTTPHeaders: {} } }
    expect(needsOf('extensible-sso', sso).macOS).toMatchObject({
      from: '27.2',
      by: 'PlatformSSO.Policies.AlwaysUseLoginUI',
    })
    expect(needsOf('legacy', { ProfileURL: 'https://a.b' }).macOS).toEqual(needsOf('legacy').macOS)
    expect(needsOf('legacy', { ProfileAssetReference: 'a' })).toMatchObject({
      macOS: { from: '27.0', by: 'ProfileAssetReference' },
      tvOS: { from: '27.0', by: 'ProfileAssetReference' },
    })
  })

  it('supervision, a channel or no Shared iPad because of its keys', () => {
    const settings = { AutomaticActions: { Download: 'AlwaysOn' } }
    expect(needsOf('softwareupdate.settings').iOS?.enrollments).toEqual(['supervised', 'device'])
    expect(needsOf('softwareupdate.settings', settings).iOS).toMatchObject({
      from: '18.0',
      enrollments: ['supervised'],
    })
    const apps = { Allowed: { AllowedBinaries: [] } }
    expect(needsOf('app.settings').macOS?.scopes).toBeUndefined()
    expect(needsOf('app.settings', apps).macOS?.scopes).toEqual(['system'])
    expect(needsOf('app.settings', { ...apps, Privacy: {} }).macOS?.scopes).toEqual([])
    expect(needsOf('siri.settings', { AllowSiriAI: true }).iOS?.shared).toEqual([])
  })

  it('no platform that lacks the key that it consists of', () => {
    const platforms = (payload: object) => Object.keys(needsOf('app.managed', payload))
    expect(platforms({ AppStoreID: '1' })).toEqual(['macOS', 'iOS', 'visionOS'])
    expect(platforms({ ManifestURL: 'https://a.b' })).toEqual(['iOS', 'visionOS'])
    expect(platforms({ AppComposedIdentifier: 'a.b (C)' })).toEqual(['macOS'])
  })

  it('nothing because of keys for other platforms', () => {
    const deferrals = { Deferrals: { CombinedPeriodInDays: 5, MajorPeriodInDays: 30 } }
    expect(Object.keys(needsOf('softwareupdate.settings', deferrals))).toEqual(
      Object.keys(needsOf('softwareupdate.settings')),
    )
  })

  it('nothing if Apple does not document its type', () => {
    expect(needsOf('brand-new', { ProfileAssetReference: 'a' })).toEqual({
      macOS: { from: '0' },
      iOS: { from: '0' },
      tvOS: { from: '0' },
      watchOS: { from: '0' },
      visionOS: { from: '0' },
    })
  })
})
