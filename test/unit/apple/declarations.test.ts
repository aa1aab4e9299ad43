import { describe, expect, it } from 'vitest'
import {
  DECLARATION_TYPES,
  declarationSchema,
  describedIn,
  STATUS_ITEMS,
  type DeclarationSchema,
} from '../../../src/apple/declarations.ts'
import { availability, type KeySchema } from '../../../src/apple/schema.ts'

const OS = ['macOS', 'iOS', 'tvOS', 'watchOS', 'visionOS'] as const

const schemaOf = (name: string): DeclarationSchema => {
  const schema = declarationSchema(`com.apple.${name}`)
  if (!schema) throw new Error(`no ${name}`)
  return schema
}

const keyAt = (name: string, ...path: readonly string[]): KeySchema | undefined =>
  path.reduce<KeySchema | undefined>(
    (schema, step) => (step === '[]' ? schema?.item : schema?.keys?.[step]),
    { type: 'dictionary', ...schemaOf(name) },
  )

describe('the table of declarations', () => {
  it('has every type that Apple documents', () => {
    const kinds = Object.groupBy(DECLARATION_TYPES, (type) => type.split('.')[2] ?? '')
    const counts = Object.entries(kinds).map(([kind, types]) => [kind, types?.length])
    expect(Object.fromEntries(counts)).toEqual({
      activation: 1,
      asset: 7,
      configuration: 49,
      management: 3,
    })
  })

  it('says of every type, key and status item where it exists', () => {
    const parts = DECLARATION_TYPES.flatMap((type) => {
      const schema = declarationSchema(type)
      return schema ? [schema.on, ...onsIn(schema)] : ['']
    })
    for (const on of [...parts, ...Object.values(STATUS_ITEMS)]) {
      const platforms = OS.filter((os) => availability(on, os))
      expect(platforms.length, on).toBe(on.split(' ').length)
    }
    expect(parts.length).toBeGreaterThan(100)
  })

  it('names assets by types that it has', () => {
    const named = DECLARATION_TYPES.flatMap((type) =>
      schemasIn(declarationSchema(type) ?? {}).flatMap(({ assets = [] }) => assets),
    )
    expect([...new Set(named)].toSorted()).toEqual(
      DECLARATION_TYPES.filter((type) => type.startsWith('com.apple.asset.')),
    )
  })

  it('has no entry for a name of JavaScript, or without com.apple', () => {
    expect(declarationSchema('com.apple.constructor')).toBeUndefined()
    expect(declarationSchema('activation.simple')).toBeUndefined()
    expect(declarationSchema('')).toBeUndefined()
  })

  it('describes keys with their limits', () => {
    expect(keyAt('asset.data', 'Reference', 'DataURL')).toMatchObject({ required: true })
    expect(keyAt('configuration.passcode.settings', 'MaximumFailedAttempts')?.range).toEqual([
      2, 11,
    ])
    expect(keyAt('configuration.extensible-sso', 'PlatformSSO', 'LoginFrequency')?.range).toEqual([
      3600,
    ])
    expect(keyAt('configuration.softwareupdate.settings', 'RecommendedCadence')?.enum).toEqual([
      'All',
      'Oldest',
      'Newest',
    ])
    expect(
      keyAt('configuration.network.relay', 'Relays', '[]', 'PublicKeyData', '[]')?.assets,
    ).toEqual(['com.apple.asset.data'])
    expect(
      keyAt('configuration.safari.extensions.settings', 'ManagedExtensions')?.each?.keys,
    ).toHaveProperty('PrivateBrowsing')
    expect(schemaOf('management.properties').keys).toBeUndefined()
  })

  it('describes folders of bookmarks in folders', () => {
    const levels = ['Folder', '[]', 'Folder', '[]', 'Folder', '[]']
    const bookmarks = ['ManagedBookmarks', '[]', 'Bookmarks', '[]']
    const folder = keyAt('configuration.safari.bookmarks', ...bookmarks, ...levels)
    expect(Object.keys(folder?.keys ?? {})).toEqual(['Folder', 'Title', 'URL'])
  })

  it('marks the types of which a device applies one', () => {
    const single = DECLARATION_TYPES.filter((type) => declarationSchema(type)?.single)
    expect(single.map((type) => type.replace('com.apple.configuration.', ''))).toEqual([
      'content-cache.settings',
      'network.dns-proxy',
      'network.vpn.always-on',
      'screensharing.host.settings',
      'watch.enrollment',
    ])
  })

  it('has the status items, without the ones for tests', () => {
    expect(Object.keys(STATUS_ITEMS)).toHaveLength(56)
    const logging = STATUS_ITEMS['enhanced-logging.status'] ?? ''
    expect(availability(logging, 'macOS')).toMatchObject({ channels: 'u', since: '27.0' })
    expect(availability(logging, 'iPadOS')).toMatchObject({ channels: 'ds' })
    expect(availability(logging, 'watchOS')).toBeUndefined()
  })
})

it('the described values of a payload come with their paths', () => {
  const rules = [{ Action: 'Connect', DNSDomainMatch: ['a', 'b'], Own: 1 }]
  const payload = { OnDemandRules: rules, VisibleName: 'x', constructor: 'y' }
  const found = [...describedIn(payload, schemaOf('configuration.network.dns-settings'))]
  expect(found.map(({ path, value }) => [path.join('.'), value])).toEqual([
    ['OnDemandRules', rules],
    ['OnDemandRules.0', rules[0]],
    ['OnDemandRules.0.Action', 'Connect'],
    ['OnDemandRules.0.DNSDomainMatch', ['a', 'b']],
    ['OnDemandRules.0.DNSDomainMatch.0', 'a'],
    ['OnDemandRules.0.DNSDomainMatch.1', 'b'],
    ['VisibleName', 'x'],
  ])
})

/** All key schemas below one; keys that hold themselves come once. */
function schemasIn(
  { keys, each, item }: Pick<KeySchema, 'keys' | 'each' | 'item'>,
  seen = new Set<object>(),
): KeySchema[] {
  if (keys && seen.has(keys)) return []
  if (keys) seen.add(keys)
  return [...Object.values(keys ?? {}), ...(each ? [each] : []), ...(item ? [item] : [])].flatMap(
    (schema) => [schema, ...schemasIn(schema, seen)],
  )
}

function onsIn(schema: DeclarationSchema): string[] {
  return schemasIn(schema).flatMap(({ on }) => on ?? [])
}
