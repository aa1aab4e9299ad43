/** What becomes of a good request. */
import type { PlistDict, PlistValue } from '../../../src/plist/value.ts'
import type { Chance } from './random.ts'

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

/** Strings that something, somewhere, does not expect. */
const STRINGS: readonly string[] = [
  '',
  ' ',
  '0',
  '-1',
  'null',
  'true',
  '[object Object]',
  '__proto__',
  'constructor',
  '..',
  '../../etc/passwd',
  '%00',
  '%zz',
  '%2e%2e%2f',
  '\u{0}',
  'A\u{0}B',
  '\n\r\n',
  '\u{1b}[2J',
  '\u{7f}',
  '\u{feff}',
  '\u{202e}',
  '\u{fffe}',
  '\u{d800}',
  'e\u{301}'.repeat(20),
  '💥',
  'ß',
  'İ',
  'FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF',
  "'; DROP TABLE devices; --",
  '" OR 1=1',
  '*',
  '%',
  '_',
  '<script>',
  '&amp;',
  '${x}',
  '9'.repeat(400),
  'A'.repeat(257),
  'A'.repeat(5000),
  '2026-13-45T99:99:99Z',
  '+275760-09-13T00:00:00.001Z',
  '-000001-01-01T00:00:00Z',
  'AA==',
  'A===',
]

const NUMBERS: readonly number[] = [
  0,
  -0,
  -1,
  1,
  0.5,
  255,
  256,
  65_536,
  -(2 ** 31),
  2 ** 31,
  2 ** 32,
  2 ** 53,
  -(2 ** 53),
  2 ** 63,
  1e21,
  1e308,
  -1e308,
  5e-324,
]

export const oddString = (chance: Chance): string => chance.pick(STRINGS)

/** Where a webhook may point: nothing that a fuzz run makes may leave this machine. */
const URLS: readonly string[] = [
  'http://127.0.0.1:9/',
  'http://127.0.0.1:9',
  'http://user:pass@127.0.0.1:9/x?y#z',
  'http://user:%zz@127.0.0.1:9/',
  'http://[::1]:9/',
  'http://localhost:9/',
  'https://127.0.0.1:99999/',
  'ftp://127.0.0.1/',
  'file:///etc/passwd',
  'javascript:alert(1)',
  'http:/127.0.0.1:9',
  'http://',
  '//127.0.0.1:9/',
  'http://127.0.0.1:9/\u{0}',
  'http://127.0.0.1:9/ü?\u{d800}',
]

function oddJson(chance: Chance, depth = 0): Json {
  switch (chance.int(depth > 3 ? 5 : 8)) {
    case 0:
      return null
    case 1:
      return chance.often(0.5)
    case 2:
      return chance.pick(NUMBERS)
    case 3:
    case 4:
      return oddString(chance)
    case 5:
      return Array.from({ length: chance.int(4) }, () => oddJson(chance, depth + 1))
    case 6:
      return { [oddString(chance)]: oddJson(chance, depth + 1) }
    default:
      return deep(chance.pick([10, 150, 400]))
  }
}

function deep(levels: number): Json {
  let value: Json = {}
  for (let level = 0; level < levels; level++) {
    value = level % 2 === 0 ? [value] : { a: value }
  }
  return value
}

/** One change somewhere in a value. */
export function mutateJson(value: Json, chance: Chance): Json {
  if (Array.isArray(value)) {
    return value.length === 0 || chance.often(0.2)
      ? chance.pick<() => Json>([
          () => oddJson(chance),
          () => [...value, oddJson(chance)],
          () => Array.from({ length: 200 }, () => value).flat(),
        ])()
      : value.with(chance.int(value.length), mutateJson(chance.pick(value), chance))
  }
  if (typeof value === 'object' && value !== null) {
    return mutateObject(value, chance)
  }
  return typeof value === 'string' && chance.often(0.3)
    ? value + oddString(chance)
    : oddJson(chance)
}

function mutateObject(value: { [key: string]: Json }, chance: Chance): Json {
  const keys = Object.keys(value)
  const key = chance.pick(keys) ?? 'a'
  if (keys.length === 0 || chance.often(0.1)) {
    return oddJson(chance)
  }
  // A URL becomes another URL, so that none leads to somebody else's machine.
  if (/url/i.test(key)) {
    return { ...value, [key]: chance.pick<Json>([...URLS, null, 1, '', {}]) }
  }
  switch (chance.int(6)) {
    case 0:
      return Object.fromEntries(Object.entries(value).filter(([name]) => name !== key))
    case 1:
      return { ...value, [oddString(chance)]: oddJson(chance) }
    case 2: {
      const other = chance.pick(keys.filter((name) => !/url/i.test(name)))
      return { ...value, [key]: value[other] ?? null, [other]: value[key] ?? null }
    }
    case 3:
      return { ...value, [key]: oddJson(chance) }
    default:
      return { ...value, [key]: mutateJson(value[key] ?? null, chance) }
  }
}

function oddPlist(chance: Chance): PlistValue {
  switch (chance.int(9)) {
    case 0:
      return chance.often(0.5)
    case 1:
      return chance.pick(NUMBERS.filter(Number.isSafeInteger))
    case 2:
      return chance.pick([2n ** 64n - 1n, -(2n ** 63n)])
    case 3:
      return chance.pick([1.5, -1e300, 5e-324])
    case 4:
      return chance.bytes(chance.pick([0, 1, 16, 32, 3000]))
    case 5:
      return new Date(chance.pick([0, -62_135_596_800_000, 253_402_300_799_000]))
    case 6:
      return [oddString(chance)]
    case 7:
      return { [oddString(chance)]: true }
    default:
      return oddString(chance)
  }
}

/** One change in a message: a key gone, new, renamed, swapped, of another type or with another value. */
export function mutatePlist(dict: PlistDict, names: readonly string[], chance: Chance): PlistDict {
  const keys = Object.keys(dict)
  const key = chance.pick(keys) ?? 'UDID'
  const value = (): PlistValue => (chance.often(0.3) ? chance.pick(names) : oddPlist(chance))
  switch (chance.int(5)) {
    case 0:
      return Object.fromEntries(Object.entries(dict).filter(([name]) => name !== key))
    case 1: {
      const other = chance.pick(keys) ?? key
      return { ...dict, [key]: dict[other] ?? '', [other]: dict[key] ?? '' }
    }
    case 2:
      return { ...dict, [chance.often(0.6) ? chance.pick(KEYS) : oddString(chance)]: value() }
    default:
      return { ...dict, [key]: value() }
  }
}

/** Keys that mean something in a message. */
const KEYS: readonly string[] = [
  'UDID',
  'UserID',
  'UserShortName',
  'UserLongName',
  'EnrollmentID',
  'EnrollmentUserID',
  'MessageType',
  'Status',
  'CommandUUID',
  'Topic',
  'Token',
  'PushMagic',
  'UnlockToken',
  'AwaitingConfiguration',
  'BootstrapToken',
  'Endpoint',
  'Data',
  'ErrorChain',
  'QueryResponses',
  'SerialNumber',
  'NotOnConsole',
]

/** Bits turned, bytes lost, doubled or put in. */
export function mutateBytes(bytes: Uint8Array, chance: Chance): Uint8Array {
  const at = chance.int(bytes.length + 1)
  const length = chance.int(Math.min(64, bytes.length - at) + 1)
  switch (chance.int(6)) {
    case 0:
      return bytes.slice(0, at)
    case 1:
      return joined(bytes.subarray(0, at), bytes.subarray(at + length))
    case 2:
      return joined(bytes.subarray(0, at + length), bytes.subarray(at))
    case 3:
      return joined(bytes.subarray(0, at), chance.bytes(chance.int(40)), bytes.subarray(at))
    default: {
      const copy = new Uint8Array(bytes)
      for (let flips = 1 + chance.int(8); flips > 0 && copy.length > 0; flips--) {
        const where = chance.int(copy.length)
        copy[where] = (copy[where] ?? 0) ^ (1 << chance.int(8))
      }
      return copy
    }
  }
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts))
}
