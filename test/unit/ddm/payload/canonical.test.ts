import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalJson, contentToken } from '../../../../src/ddm/payload/canonical.ts'

describe('canonical JSON', () => {
  it.each([
    [' { "b" : [ 1 , true ] , "a" : { } } ', '{"a":{},"b":[1,true]}'],
    ['{"10":1,"9":2,"B":3,"a":4}', '{"10":1,"9":2,"B":3,"a":4}'],
    ['[12345678901234567890, 1.10, 1E5, -0]', '[12345678901234567890,1.10,1E5,-0]'],
    [String.raw`{"\u0061\/":"\u00e9\n\ud800"}`, String.raw`{"a/":"é\n\ud800"}`],
    ['{"__proto__":{"x":1},"a":2}', '{"__proto__":{"x":1},"a":2}'],
    [String.raw`{"a":"}\",\\","b":[]}`, String.raw`{"a":"}\",\\","b":[]}`],
    ['null', 'null'],
  ])('of %s is %s', (text, canonical) => {
    expect(canonicalJson(text)).toBe(canonical)
  })

  it.each([
    ['not_json', ''],
    ['not_json', '{"a":1,}'],
    ['not_json', '\uFEFF{}'],
    ['not_json', '{"a":01}'],
    ['duplicate_key', '{"a":1,"b":{"c":1,"c":1}}'],
    ['duplicate_key', String.raw`{"a":1,"\u0061":2}`],
    ['duplicate_key', '{"__proto__":1,"__proto__":1}'],
    ['too_deep', '['.repeat(33) + ']'.repeat(33)],
    ['too_deep', '{"a":'.repeat(100_000) + '1' + '}'.repeat(100_000)],
  ])('fails with %s', (code, text) => {
    expect(() => canonicalJson(text)).toThrow(expect.objectContaining({ code }))
  })

  it('nests 32 levels, and holds long texts', () => {
    const deep = '['.repeat(32) + ']'.repeat(32)
    expect(canonicalJson(deep)).toBe(deep)
    const long = JSON.stringify('\n"x'.repeat(1_000_000))
    expect(canonicalJson(long)).toBe(long)
  })

  it('keeps the value, does not depend on order and white space, and is its own canonical form', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), fc.constantFrom(0, 1, '\t'), (value, space) => {
        const canonical = canonicalJson(JSON.stringify(value, undefined, space))
        expect(JSON.parse(canonical)).toEqual(JSON.parse(JSON.stringify(value)))
        expect(canonicalJson(JSON.stringify(reversed(value)))).toBe(canonical)
        expect(canonicalJson(canonical)).toBe(canonical)
      }),
    )
  })
})

/** The same value, the keys of its objects in the reverse order. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([key, one]) => [key, reversed(one)] as const)
  return Object.fromEntries(entries.toReversed())
}

describe('a content token', () => {
  it.each([
    [
      'com.apple.activation.simple',
      `{"StandardConfigurations": ["ex.cfg.passcode", "ex.cfg.subs"],
        "Predicate": "(@status(device.model.family) == 'Mac') AND (@property(ring) <= 2)"}`,
      '538ebcfa56fbc64ab7b2d54a155850b0',
    ],
    [
      'com.apple.configuration.passcode.settings',
      '{"RequirePasscode":true,"MinimumLength":8}',
      'e519efb06585b8219a806aade0585f8a',
    ],
    [
      'com.apple.configuration.management.status-subscriptions',
      `{"StatusItems":[{"Name":"device.operating-system.version"},
        {"Name":"softwareupdate.install-state"}]}`,
      '9ff70018f027ad2e8276f99ae156e959',
    ],
    ['com.apple.management.properties', '{"ring":1}', '3b11ac7f601cc7ce392acd56363a0a17'],
  ])('of %s does not depend on how the payload is written', (type, payload, token) => {
    expect(contentToken(type, payload)).toBe(token)
  })

  it('differs by type and by number', () => {
    const tokens = [
      contentToken('com.apple.management.properties', '{"a":1}'),
      contentToken('com.apple.management.other', '{"a":1}'),
      contentToken('com.apple.management.properties', '{"a":"1"}'),
      contentToken('com.apple.management.properties', '{"a":12345678901234567890}'),
      contentToken('com.apple.management.properties', '{"a":12345678901234567891}'),
    ]
    expect(new Set(tokens).size).toBe(tokens.length)
  })
})
