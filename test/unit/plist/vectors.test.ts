import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { asDict, stringAt } from '../../../src/plist/dict.ts'
import { PlistError } from '../../../src/plist/error.ts'
import { readPlist, readPlistTop } from '../../../src/plist/read.ts'
import type { PlistValue } from '../../../src/plist/value.ts'

const FOLDER = join(import.meta.dirname, '../../vectors')

interface Vector {
  readonly file: string
  readonly ok: boolean
  readonly expect?: unknown
  readonly reject?: string
}

const VECTORS: readonly Vector[] = JSON.parse(bytesOf('vectors.json').toString())

/** The reader takes them; reading them as a message does not (mdm). */
const MESSAGE_ERRORS = new Set(['bad-root-array.plist', 'bad-messagetype-type.plist'])
/** We refuse what CoreFoundation and Python take. */
const REFUSED_POLICIES = new Set(['policy-duplicate-key.plist'])

function bytesOf(file: string): Buffer {
  return readFileSync(join(FOLDER, file))
}

function decoded(expected: unknown): unknown {
  if (Array.isArray(expected)) return expected.map(decoded)
  if (typeof expected !== 'object' || expected === null) return expected
  const entries = Object.entries(expected)
  const [key, value] = entries[0] ?? []
  if (entries.length === 1 && typeof value === 'string') {
    if (key === '$data') return new Uint8Array(Buffer.from(value, 'base64'))
    if (key === '$date') return new Date(value)
    if (key === '$int') return BigInt(value)
    if (key === '$real') return Number(value)
  }
  return Object.fromEntries(entries.map(([name, item]) => [name, decoded(item)]))
}

/** With prototypes, so that toEqual compares contents only. */
function plain(value: PlistValue): unknown {
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value instanceof Date || value instanceof Uint8Array) {
    return value
  }
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]))
}

const accepted = VECTORS.filter(({ ok, file }) => ok && !REFUSED_POLICIES.has(file))
const refused = VECTORS.filter(
  ({ ok, file }) => REFUSED_POLICIES.has(file) || (!ok && !MESSAGE_ERRORS.has(file)),
)

describe('the shared vectors', () => {
  test.each(accepted)('$file is read as expected', ({ file, expect: expected }) => {
    expect(plain(readPlist(bytesOf(file)))).toStrictEqual(decoded(expected))
  })

  test.each(refused)('$file is refused', ({ file }) => {
    expect(() => readPlist(bytesOf(file))).toThrow(PlistError)
    expect(() => readPlistTop(bytesOf(file), new Set(['a', 'k', 'UDID']))).toThrow(PlistError)
  })

  test('a root that is not a dictionary is refused when a dictionary is required', () => {
    const bytes = bytesOf('bad-root-array.plist')
    expect(() => asDict(readPlist(bytes))).toThrow('the root is not a dictionary')
    expect(() => readPlistTop(bytes, new Set())).toThrow('the root is not a dictionary')
  })

  test('a MessageType that is not a string is refused when it is read', () => {
    const message = asDict(readPlist(bytesOf('bad-messagetype-type.plist')))
    expect(() => stringAt(message, 'MessageType')).toThrow('MessageType is not a string')
  })

  test.each(accepted)('$file read shallowly gives the same entries', ({ file }) => {
    const whole = asDict(readPlist(bytesOf(file)))
    const keys = Object.keys(whole).filter((_, index) => index % 2 === 0)
    const chosen = readPlistTop(bytesOf(file), new Set(keys))
    expect(Object.keys(chosen)).toEqual(keys)
    for (const key of keys) expect(chosen[key]).toEqual(whole[key])
  })
})
