import { describe, expect, it } from 'vitest'
import type { ChannelFacts } from '../../../../src/ddm/facts.ts'
import { declarationNeeds } from '../../../../src/ddm/payload/needs.ts'
import { withheldBecause } from '../../../../src/ddm/manifest/withhold.ts'

const MAC: ChannelFacts = {
  platform: 'macOS',
  osVersion: '26.1',
  enrollment: 'supervised',
  scope: 'system',
  sharedIPad: false,
  models: ['Mac15,6'],
  serialNumber: 'C02',
  supported: undefined,
}
const IPAD: ChannelFacts = {
  ...MAC,
  platform: 'iPadOS',
  enrollment: 'device',
  models: ['iPad14,3'],
}

function reason(name: string, facts: ChannelFacts, payload = {}): string | undefined {
  const type = `com.apple.${name}`
  return withheldBecause({ type, needs: declarationNeeds(type, payload) }, facts)
}

describe('a declaration is withheld', () => {
  it.each<[string, ChannelFacts, object, string]>([
    [
      'configuration.package',
      { ...MAC, osVersion: '15.7.1' },
      {},
      'came with macOS 26.0, and the device has 15.7.1',
    ],
    [
      'configuration.legacy',
      MAC,
      { ProfileAssetReference: 'a' },
      'its key ProfileAssetReference came with macOS 27.0, and the device has 26.1',
    ],
    ['configuration.package', IPAD, {}, 'iPadOS does not have it'],
    ['configuration.keyboard.settings', { ...IPAD, osVersion: '26.4' }, {}, 'needs supervision'],
    ['configuration.package', { ...MAC, enrollment: 'user' }, {}, 'needs supervision'],
    [
      'configuration.softwareupdate.enforcement.specific',
      { ...IPAD, enrollment: 'user' },
      {},
      'User Enrollment does not allow it',
    ],
    ['configuration.account.mail', MAC, {}, 'the device channel does not take it'],
    [
      'configuration.softwareupdate.settings',
      { ...MAC, scope: 'user' },
      {},
      'the user channel does not take it',
    ],
    [
      'configuration.softwareupdate.settings',
      { ...IPAD, scope: 'user' },
      {},
      'the user channel of a Shared iPad does not take it',
    ],
    [
      'configuration.passcode.settings',
      { ...IPAD, sharedIPad: true },
      {},
      'the device channel of a Shared iPad does not take it',
    ],
    [
      'configuration.package',
      { ...MAC, supported: ['com.apple.activation.simple'] },
      {},
      'the device does not list com.apple.configuration.package as supported',
    ],
    [
      'configuration.account.mail',
      { ...MAC, supported: ['com.apple.activation.simple'] },
      {},
      'the device channel does not take it',
    ],
    [
      'configuration.brand-new',
      { ...MAC, supported: [] },
      {},
      'the device does not list com.apple.configuration.brand-new as supported',
    ],
  ])('%s', (name, facts, payload, text) => {
    expect(reason(name, facts, payload)).toBe(text)
  })

  it('by a version that has removed its type', () => {
    const item = { type: 'x', needs: { macOS: { from: '13.0', until: '26.0' } } }
    expect(withheldBecause(item, MAC)).toBe('macOS 26.0 has removed it')
    expect(withheldBecause(item, { ...MAC, osVersion: '15.9' })).toBeUndefined()
  })
})

describe('a declaration is offered', () => {
  it.each<[string, ChannelFacts]>([
    ['configuration.package', MAC],
    ['configuration.package', { ...MAC, osVersion: '26' }],
    ['configuration.account.mail', { ...MAC, scope: 'user' }],
    ['configuration.account.mail', { ...IPAD, sharedIPad: true, scope: 'user' }],
    ['configuration.legacy', { ...IPAD, enrollment: 'user' }],
    ['configuration.brand-new', { ...IPAD, osVersion: '15.0' }],
    ['configuration.package', { ...MAC, supported: ['com.apple.configuration.package'] }],
  ])('where it works: %s', (name, facts) => {
    expect(reason(name, facts)).toBeUndefined()
  })

  it.each<[string, Partial<ChannelFacts>]>([
    ['version', { osVersion: '' }],
    ['version', { osVersion: '15.0 (a)' }],
    ['enrolment', { enrollment: undefined }],
    ['platform', { platform: undefined, osVersion: '', enrollment: undefined }],
  ])('while the %s is unknown: %j', (_, facts) => {
    expect(reason('configuration.package', { ...MAC, ...facts })).toBeUndefined()
  })
})
