/** Messages and encodings that cost a careless reader much. */
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)
export const doc = (content: string, doctype = ''): Uint8Array =>
  utf8(`<?xml version="1.0"?>${doctype}<plist version="1.0"><dict>${content}</dict></plist>`)
const ids = (udid: string): string => `<key>UDID</key><string>${udid}</string>`
const idle = (udid: string): string => `${ids(udid)}<key>Status</key><string>Idle</string>`

/** Each of `levels` arrays holds the next one twice: 2^levels strings for one that unfolds it. */
function binaryBomb(levels: number): Uint8Array {
  const objects = [
    [0xd1, 1, 2],
    [0x54, ...Buffer.from('UDID')],
    ...Array.from({ length: levels }, (_, n) => [0xa2, n + 3, n + 3]),
    [0x51, 0x41],
  ]
  const offsets: number[] = []
  let at = 8
  for (const object of objects) {
    offsets.push(at >> 8, at & 0xff)
    at += object.length
  }
  const trailer = new DataView(new ArrayBuffer(32))
  trailer.setUint8(6, 2)
  trailer.setUint8(7, 1)
  trailer.setBigUint64(8, BigInt(objects.length))
  trailer.setBigUint64(24, BigInt(at))
  const bytes = [...Buffer.from('bplist00'), ...objects.flat(), ...offsets]
  return new Uint8Array([...bytes, ...new Uint8Array(trailer.buffer)])
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
    (udid) => doc(`${idle(udid)}<key>A</key>${'<array>'.repeat(100_000)}`),
  ],
  [
    'as many that end',
    (udid) =>
      doc(`${idle(udid)}<key>A</key>${'<array>'.repeat(100_000)}${'</array>'.repeat(100_000)}`),
  ],
  ['a hundred thousand keys', (udid) => doc(idle(udid) + '<key>A</key><true/>'.repeat(100_000))],
  [
    'a hundred thousand different keys',
    (udid) =>
      doc(
        idle(udid) + Array.from({ length: 100_000 }, (_, n) => `<key>${n}</key><true/>`).join(''),
      ),
  ],
  [
    'entities of entities',
    (udid) =>
      doc(`${idle(udid)}<key>A</key><string>&j;</string>`, `<!DOCTYPE plist [${entities()}]>`),
  ],
  [
    'a file as entity',
    (udid) =>
      doc(
        `${idle(udid)}<key>A</key><string>&a;</string>`,
        '<!DOCTYPE plist [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
      ),
  ],
  [
    'an integer of a megabyte',
    (udid) => doc(`${idle(udid)}<key>A</key><integer>${'9'.repeat(1e6)}</integer>`),
  ],
  [
    'a status of a megabyte',
    (udid) => doc(`${ids(udid)}<key>Status</key><string>${'A'.repeat(1e6)}</string>`),
  ],
  [
    'a message type of a megabyte',
    (udid) => doc(`${ids(udid)}<key>MessageType</key><string>${'A'.repeat(1e6)}</string>`),
  ],
  [
    'a command id of a megabyte',
    (udid) =>
      doc(
        `${ids(udid)}<key>Status</key><string>Acknowledged</string><key>CommandUUID</key><string>${'A'.repeat(1e6)}</string>`,
      ),
  ],
  [
    'data of 19 MB that is no base64',
    (udid) => doc(`${idle(udid)}<key>A</key><data>${'!'.repeat(19_000_000)}</data>`),
  ],
  ['a binary property list that unfolds', () => binaryBomb(60)],
  ['a binary property list of nothing but its magic', () => utf8('bplist00'.repeat(1000))],
]
