import { describe, expect, test } from 'vitest'
import {
  boolField,
  bytesField,
  fieldAt,
  integerField,
  isJsonObject,
  objectsField,
  stringField,
  stringsField,
} from '../../../src/commands/go-fields.ts'
import { writeGoJson } from '../../../src/commands/go-json-write.ts'
import type { JsonObject } from '../../../src/commands/go-json.ts'
import { readGoJson } from '../../../src/commands/go-json.ts'

function object(text: string): JsonObject {
  const reading = readGoJson(text)
  if (!reading.ok || !isJsonObject(reading.value)) throw new Error(`no object: ${text}`)
  return reading.value
}

function refusal(kind: string, field: string): string {
  return `json: cannot unmarshal ${kind} into Go struct field T.${field}`
}

describe('a body is read as Go reads it', () => {
  test.each<[string, string, unknown]>([
    ['bytes after the first value are ignored', '{"a":1} trailing {', { a: 1 }],
    ['a trailing comma in an object', '{"a":1,\n}', { a: 1 }],
    ['a trailing comma in an array', '[1, 2 ,]', [1, 2]],
    ['the last of equal keys', '{"a":1,"a":2}', { a: 2 }],
    ['escapes', String.raw`"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00"`, '"\\/\b\f\n\r\té😀'],
    ['a lone surrogate becomes U+FFFD', String.raw`"\ud800x"`, '\ufffdx'],
    ['an int64 keeps its digits', '9223372036854775807', 9223372036854775807n],
    ['fractions and exponents', '[-1.5,1e3,0]', [-1.5, 1000, 0]],
    ['literals', '[true,false,null]', [true, false, null]],
    ['__proto__ is a key', '{"__proto__":1}', JSON.parse('{"__proto__":1}')],
  ])('%s', (_, text, value) => {
    expect(readGoJson(text)).toEqual({ ok: true, value })
  })

  test.each([
    ['', 'EOF'],
    [' \r\n\t', 'EOF'],
    ['{', 'unexpected EOF'],
    ['{"a":"b', 'unexpected EOF'],
    ['{"a":1,', 'unexpected EOF'],
    ['[1', 'unexpected EOF'],
    ['nul', 'unexpected EOF'],
    ['-', 'unexpected EOF'],
    ['"\\u12', 'unexpected EOF'],
    ['<xml>', "invalid character '<' looking for beginning of value"],
    ["'", "invalid character '\\'' looking for beginning of value"],
    ['{a:1}', "invalid character 'a' looking for beginning of object key string"],
    ['{,}', "invalid character ',' looking for beginning of object key string"],
    ['[,]', "invalid character ',' looking for beginning of value"],
    ['{"a" 1}', "invalid character '1' after object key"],
    ['{"a":1 "b"}', "invalid character '\"' after object key:value pair"],
    ['[1 2]', "invalid character '2' after array element"],
    ['"\n"', "invalid character '\\n' in string literal"],
    ['"\u0001"', "invalid character '\\x01' in string literal"],
    ['"\\x"', "invalid character 'x' in string escape code"],
    ['"\\u00g0"', "invalid character 'g' in \\u hexadecimal character escape"],
    ['trux', "invalid character 'x' in literal true (expecting 'e')"],
    ['-x', "invalid character 'x' in numeric literal"],
  ])('%j is refused', (text, error) => {
    expect(readGoJson(text)).toMatchObject({ ok: false, error })
  })

  test('of 100,000 open brackets is refused', () => {
    const text = '['.repeat(100_000)
    expect(readGoJson(text)).toMatchObject({ ok: false, error: 'exceeded max depth' })
  })
})

describe('a field', () => {
  test('matches in any case, an exact key first, then the last', () => {
    expect(stringField(object('{"Queries":"a"}'), 'queries', 'T')).toBe('a')
    expect(stringField(object('{"udid":"a","UDID":"b"}'), 'udid', 'T')).toBe('a')
    expect(stringField(object('{"Udid":"a","UDID":"b","Udid":"c"}'), 'udid', 'T')).toBe('c')
  })

  test('that is null or absent has no value', () => {
    expect(fieldAt(object('{"a":null}'), 'a')).toBeUndefined()
    expect(fieldAt(object('{}'), 'toString')).toBeUndefined()
  })

  test('of another type is refused in Go’s words', () => {
    const body = object('{"s":1,"b":"yes","i":1.5,"big":9223372036854775808,"l":{},"m":[1]}')
    expect(() => stringField(body, 's', 'T')).toThrow(refusal('number', 's of type string'))
    expect(() => boolField(body, 'b', 'T')).toThrow(refusal('string', 'b of type bool'))
    expect(() => integerField(body, 'i', 'T')).toThrow(refusal('number 1.5', 'i of type int64'))
    expect(() => integerField(body, 'big', 'T')).toThrow('number 9223372036854775808')
    expect(() => stringsField(body, 'l', 'T')).toThrow(refusal('object', 'l of type []string'))
    expect(() => stringsField(body, 'm', 'T')).toThrow(refusal('number', 'm of type string'))
    expect(() => objectsField(body, 'm', 'T')).toThrow(refusal('number', 'm of type object'))
  })

  test('that is a boolean may be a string, as the set_* scripts send it', () => {
    expect(boolField(object('{"a":"true"}'), 'a', 'T')).toBe(true)
    expect(boolField(object('{"a":"false"}'), 'a', 'T')).toBe(false)
  })

  test.each<[string, readonly number[]]>([
    ['"AAEC"', [0, 1, 2]],
    ['"AA\\r\\nE="', [0, 1]],
    ['[0, 255, null]', [0, 255, 0]],
    ['""', []],
  ])('of bytes may be %s', (json, bytes) => {
    expect(bytesField(object(`{"a":${json}}`), 'a', 'T')).toEqual(Uint8Array.from(bytes))
  })

  test.each([
    ['"AAE"', 'illegal base64 data'],
    ['"A-_="', 'illegal base64 data at input byte 1'],
    ['"AA E="', 'illegal base64 data at input byte 2'],
    ['[256]', 'cannot unmarshal number 256 into Go struct field T.a of type uint8'],
    ['true', 'cannot unmarshal bool into Go struct field T.a of type []uint8'],
  ])('of bytes is not %s', (json, message) => {
    expect(() => bytesField(object(`{"a":${json}}`), 'a', 'T')).toThrow(message)
  })
})

describe('an answer is written as Go writes it', () => {
  test('indented, HTML escaped, bytes as base64, undefined left out, newline at the end', () => {
    const value = {
      text: '<a> & "\u2028',
      bytes: new Uint8Array([1, 2]),
      list: [1, null, []],
      big: 2n ** 63n,
      none: undefined,
      empty: {},
    }
    expect(writeGoJson(value)).toBe(
      '{\n  "text": "\\u003ca\\u003e \\u0026 \\"\\u2028",\n  "bytes": "AQI=",\n' +
        '  "list": [\n    1,\n    null,\n    []\n  ],\n  "big": 9223372036854775808,\n  "empty": {}\n}\n',
    )
    expect(writeGoJson({}, false)).toBe('{}')
  })
})
