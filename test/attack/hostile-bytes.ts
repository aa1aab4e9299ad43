/** Messages and encodings that are expensive for a careless reader. */
import { binary, string } from '../devices/binary-plist.ts'
import { entry, xmlOf } from '../devices/xml.ts'

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)
const ids = (udid: string): string => entry('UDID', udid)
const idle = (udid: string): string => ids(udid) + entry('Status', 'Idle')

/** Each of `levels` arrays holds the next one twice: 2^levels strings for a reader that unfolds it. */
function binaryBomb(levels: number): Uint8Array {
  return binary(
    [0xd1, 1, 2],
    string('UDID'),
    ...Array.from({ length: levels }, (_, n) => [0xa2, n + 3, n + 3]),
    [0x51, 0x41],
  )
}

/** SEQUENCEs, each in the one before, as long definite or as indefinite lengths. */
export function deepDer(levels: number): Uint8Array {
  return new Uint8Array([
    ...Array.from({ length: levels }, () => [0x30, 0x80]).flat(),
    ...new Uint8Array(2 * levels),
  ])
}

/** Each but the first is ten of the one before. */
function entities(): string {
  const names = 'abcdefghij'.split('')
  return names
    .map((name, n) => `<!ENTITY ${name} "${n === 0 ? 'a' : `&${names[n - 1]};`.repeat(10)}">`)
    .join('')
}

/** By name, each under a device's id. */
export const MESSAGES: readonly (readonly [string, (udid: string) => Uint8Array])[] = [
  ['nothing', () => new Uint8Array()],
  ['19 MB of zeros', () => new Uint8Array(19_000_000)],
  [
    'a hundred thousand arrays in each other',
    (udid) => xmlOf(`${idle(udid)}<key>A</key>${'<array>'.repeat(100_000)}`),
  ],
  [
    'as many that end',
    (udid) =>
      xmlOf(`${idle(udid)}<key>A</key>${'<array>'.repeat(100_000)}${'</array>'.repeat(100_000)}`),
  ],
  ['a hundred thousand keys', (udid) => xmlOf(idle(udid) + '<key>A</key><true/>'.repeat(100_000))],
  [
    'a hundred thousand different keys',
    (udid) =>
      xmlOf(
        idle(udid) + Array.from({ length: 100_000 }, (_, n) => `<key>${n}</key><true/>`).join(''),
      ),
  ],
  [
    'entities of entities',
    (udid) =>
      xmlOf(`${idle(udid)}<key>A</key><string>&j;</string>`, `<!DOCTYPE plist [${entities()}]>`),
  ],
  [
    'a file as entity',
    (udid) =>
      xmlOf(
        `${idle(udid)}<key>A</key><string>&a;</string>`,
        '<!DOCTYPE plist [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
      ),
  ],
  [
    'an integer of a megabyte',
    (udid) => xmlOf(`${idle(udid)}<key>A</key><integer>${'9'.repeat(1e6)}</integer>`),
  ],
  ['a status of a megabyte', (udid) => xmlOf(ids(udid) + entry('Status', 'A'.repeat(1e6)))],
  [
    'a message type of a megabyte',
    (udid) => xmlOf(ids(udid) + entry('MessageType', 'A'.repeat(1e6))),
  ],
  [
    'a command id of a megabyte',
    (udid) =>
      xmlOf(ids(udid) + entry('Status', 'Acknowledged') + entry('CommandUUID', 'A'.repeat(1e6))),
  ],
  [
    'data of 19 MB that is no base64',
    (udid) => xmlOf(`${idle(udid)}<key>A</key><data>${'!'.repeat(19_000_000)}</data>`),
  ],
  ['a binary property list that unfolds', () => binaryBomb(60)],
  ['a binary property list of nothing but its magic', () => utf8('bplist00'.repeat(1000))],
]
