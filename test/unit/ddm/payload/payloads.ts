import { DECLARATION_TYPES, declarationSchema } from '../../../../src/apple/declarations.ts'
import type { Keys, KeySchema } from '../../../../src/apple/schema.ts'

/** Values for keys whose texts have a format. */
const TEXTS: Readonly<Record<string, string>> = {
  DataURL: 'https://example.com/data',
  EnrollmentProfileURL: 'https://example.com/enroll',
  ManifestURL: 'https://example.com/manifest.plist',
  Predicate: '@property(ring) <= 2',
  ProfileURL: 'https://example.com/a.mobileconfig',
  TargetLocalDateTime: '2026-12-10T19:00:00',
  TargetOSVersion: '26.2',
}

/** A payload needs exactly one of some keys: these are given, and the others are not. */
const CHOSEN: ReadonlySet<string> = new Set(['AppStoreID', 'ProfileURL'])
const NOT_CHOSEN: ReadonlySet<string> = new Set([
  'AppComposedIdentifier',
  'BundleID',
  'ManifestURL',
  'ProfileAssetReference',
])

/** Folders of bookmarks hold folders. */
const LEVELS = 16

/** A valid payload of each type: `least` has the keys that it needs, `most` every key. */
export const PAYLOADS = DECLARATION_TYPES.map((type) => {
  const keys = declarationSchema(type)?.keys ?? {}
  return { type, least: dictOf(keys, false, 0), most: dictOf(keys, true, 0) }
})

function dictOf(keys: Keys, all: boolean, level: number): Record<string, unknown> {
  const isGiven = (name: string, { required }: KeySchema) =>
    required === true ||
    CHOSEN.has(name) ||
    (all && level < LEVELS && (level > 0 || !NOT_CHOSEN.has(name)))
  return Object.fromEntries(
    Object.entries(keys)
      .filter(([name, schema]) => isGiven(name, schema))
      .map(([name, schema]) => [name, valueOf(name, schema, all, level + 1)]),
  )
}

function valueOf(name: string, schema: KeySchema, all: boolean, level: number): unknown {
  const { type, item, keys, each } = schema
  if (type === 'dictionary') {
    if (keys) return dictOf(keys, all, level)
    return each && all ? { 'com.example.own': valueOf('own', each, all, level + 1) } : {}
  }
  if (type === 'array') {
    return item ? [valueOf(name, item, all, level + 1)] : []
  }
  const [listed] = schema.enum ?? schema.range ?? []
  return listed ?? { boolean: false, integer: 1, any: 'any' }[type] ?? TEXTS[name] ?? 'dGV4dA=='
}
