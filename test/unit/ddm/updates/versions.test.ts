import * as fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import type { OsRelease } from '../../../../src/ddm/updates/version.ts'
import { readVersions } from '../../../../src/ddm/updates/versions.ts'

const apples = (
  ProductVersion: string,
  SupportedDevices: readonly string[],
  more: object = {},
) => ({
  ProductVersion,
  Build: '23C55',
  PostingDate: '2026-11-01',
  ExpirationDate: '2027-04-30',
  SupportedDevices,
  ...more,
})

/** The shape of the service's answer, with values of our own. */
const ANSWER = {
  PublicAssetSets: {
    iOS: [apples('26.2', ['iPhone17,1', 'iPad16,3']), apples('26.1', ['Watch7,1'])],
    macOS: [apples('26.2', ['J413AP'], { Build: '25C56' })],
    visionOS: [apples('26.2', ['RealityDevice14,1'])],
  },
  AssetSets: {
    iOS: [apples('26.2', ['iPhone17,1', 'iPad16,3']), apples('18.7', ['AppleTV14,1'])],
    macOS: [apples('15.7', [], { Build: undefined, ExpirationDate: undefined })],
  },
  PublicBackgroundSecurityImprovements: {
    macOS: [apples('26.2', ['J413AP'], { Build: '25C770560a', ProductVersionExtra: '(a)' })],
  },
}

const read = (json: unknown): readonly OsRelease[] => {
  const reading = readVersions(JSON.stringify(json))
  return reading.kind === 'versions' ? reading.releases : []
}
const faultOf = (json: unknown): string => {
  const reading = readVersions(typeof json === 'string' ? json : JSON.stringify(json))
  return reading.kind === 'fault' ? reading.reason : ''
}

describe('an answer of Apple’s service', () => {
  it('has each version once, with the platforms of its models', () => {
    const all = read(ANSWER)
    expect(all.map(({ version, platforms }) => [version, ...platforms])).toEqual([
      ['26.2', 'iOS', 'iPadOS'],
      ['26.1', 'watchOS'],
      ['26.2', 'macOS'],
      ['26.2', 'visionOS'],
      ['18.7', 'tvOS'],
      ['15.7', 'macOS'],
      ['26.2', 'macOS'],
    ])
    expect(all.map(({ supplemental }) => supplemental)).toEqual([
      ...Array.from({ length: 6 }, () => false),
      true,
    ])
    expect(all[2]).toEqual({
      platforms: ['macOS'],
      version: '26.2',
      build: '25C56',
      released: Date.UTC(2026, 10, 1),
      expires: Date.UTC(2027, 3, 30),
      devices: ['J413AP'],
      supplemental: false,
    })
    expect(all[5]).not.toHaveProperty('expires')
  })

  it('of iOS without models is for iPhone and iPad', () => {
    const [one] = read({ AssetSets: { iOS: [apples('26.2', [])] } })
    expect(one?.platforms).toEqual(['iOS', 'iPadOS'])
  })

  it('is read without the entries that have no version or date', () => {
    const odd = [null, 7, {}, apples('26.2', [], { PostingDate: 'soon' }), apples('x', [])]
    expect(read({ AssetSets: { iOS: [...odd, apples('26.2', [])], tvOS: 1 } })).toHaveLength(1)
    expect(faultOf({ AssetSets: { iOS: odd } })).toBe(
      'no entry of the list has a ProductVersion and a PostingDate',
    )
  })
})

describe('a list of an admin', () => {
  const entry = { platform: 'macOS', version: '26.2', released: '2026-11-01' }

  it('has what is written', () => {
    const full = { ...entry, build: '25C56', expires: '2027-05-01', devices: ['Mac16,1'] }
    expect(read({ versions: [full, entry] })).toEqual([
      {
        platforms: ['macOS'],
        version: '26.2',
        build: '25C56',
        released: Date.UTC(2026, 10, 1),
        expires: Date.UTC(2027, 4, 1),
        devices: ['Mac16,1'],
        supplemental: false,
      },
      {
        platforms: ['macOS'],
        version: '26.2',
        build: '',
        released: Date.UTC(2026, 10, 1),
        devices: [],
        supplemental: false,
      },
    ])
    expect(readVersions('{"versions":[]}')).toEqual({ kind: 'versions', releases: [] })
  })

  test.each<[unknown, RegExp]>([
    [7, /^versions\[1\]: write/],
    [
      { ...entry, device: 'x' },
      /unknown: use platform, version, build, released, expires, devices/,
    ],
    [{ ...entry, platform: 'macos' }, /"platform" is one of macOS, iOS/],
    [{ ...entry, version: 26 }, /"version" is a text/],
    [{ ...entry, version: '26.2 (a)' }, /"version" is a text/],
    [{ ...entry, released: undefined }, /"released" and "expires" are days/],
    [{ ...entry, released: '2026-13-01' }, /"released" and "expires" are days/],
    [{ ...entry, expires: 1 }, /"released" and "expires" are days/],
    [{ ...entry, build: 7 }, /"build" is a text/],
    [{ ...entry, devices: 'Mac16,1' }, /"devices" is a list/],
  ])('says what is wrong: %j', (bad, message) => {
    expect(faultOf({ versions: [entry, bad] })).toMatch(message)
  })
})

describe('bounds', () => {
  it('refuse other JSON, more than 2 MB and more than 5,000 entries', () => {
    for (const other of ['', '[]', 'null', '{}', '{"versions":{}}', '{"AssetSets":[]}']) {
      expect(faultOf(other)).toMatch(/^the list is neither/)
    }
    expect(faultOf(' '.repeat(2_000_001))).toMatch(/more than 2 MB/)
    const many = Array.from({ length: 5001 }, () => apples('26.2', []))
    expect(faultOf({ AssetSets: { macOS: many } })).toMatch(/5001 versions, and at most 5000/)
    const own = { platform: 'macOS', version: '1', released: '2026-01-01' }
    expect(faultOf({ versions: many.map(() => own) })).toMatch(/5001 versions/)
  })

  it('hold for any JSON', () => {
    const key = fc.constantFrom('iOS', 'versions', 'ProductVersion', 'PostingDate', '__proto__')
    const lists = fc.dictionary(key, fc.array(fc.dictionary(key, fc.jsonValue())))
    const root = fc.record({ AssetSets: lists, versions: fc.jsonValue() }, { requiredKeys: [] })
    fc.assert(
      fc.property(root, (json) => {
        expect(['versions', 'fault']).toContain(readVersions(JSON.stringify(json)).kind)
      }),
    )
  })
})
