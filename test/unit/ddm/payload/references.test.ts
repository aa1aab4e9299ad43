import { describe, expect, it } from 'vitest'
import { expectedAssetTypes, referencesOf } from '../../../../src/ddm/payload/references.ts'

const IDENTITIES = ['acme', 'identity', 'scep'].map((name) => `com.apple.asset.credential.${name}`)

describe('the references of a declaration', () => {
  it('are the configurations of an activation', () => {
    const payload = { StandardConfigurations: ['a', 'b', 'a'], Predicate: 'TRUEPREDICATE' }
    expect(referencesOf('com.apple.activation.simple', payload)).toEqual({
      assets: [],
      configurations: ['a', 'b'],
    })
  })

  it('are assets, also in lists, dictionaries and under free keys', () => {
    const config = {
      DataAssetReference: 'data',
      Identities: [{ Identifier: 'x', AssetReference: 'identity' }],
      Certificates: [{ Identifier: 'y', AssetReference: 'certificate' }],
    }
    const payload = {
      AppStoreID: '1',
      AppConfig: config,
      ExtensionConfigs: { 'com.ex.app.one': { ...config, DataAssetReference: 'other' } },
    }
    expect(referencesOf('com.apple.configuration.app.managed', payload).assets).toEqual([
      'data',
      'identity',
      'certificate',
      'other',
    ])
  })

  it('of an asset come with the types that it may have there', () => {
    const type = 'com.apple.configuration.watch.enrollment'
    const payload = { EnrollmentProfileURL: 'https://a.b', AnchorCertificateAssetReferences: ['c'] }
    expect(expectedAssetTypes(type, payload)).toEqual([
      {
        path: ['AnchorCertificateAssetReferences', 0],
        identifier: 'c',
        types: ['com.apple.asset.credential.certificate'],
      },
    ])
    const identity = { CredentialAssetReference: 'i' }
    expect(expectedAssetTypes('com.apple.configuration.security.identity', identity)).toEqual([
      { path: ['CredentialAssetReference'], identifier: 'i', types: IDENTITIES },
    ])
    const activation = { StandardConfigurations: ['a'] }
    expect(expectedAssetTypes('com.apple.activation.simple', activation)).toEqual([])
  })

  it('are none where values have the wrong type, and for types that Apple does not document', () => {
    const wrong = { CredentialAssetReference: 5 }
    expect(referencesOf('com.apple.configuration.security.identity', wrong).assets).toEqual([])
    const payload = { CredentialAssetReference: 'i', StandardConfigurations: ['a'] }
    expect(referencesOf('com.apple.configuration.brand-new', payload)).toEqual({
      assets: [],
      configurations: [],
    })
  })
})
