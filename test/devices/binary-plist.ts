/** A binary plist of the given objects, one-byte offsets and references, object 0 on top. */
export function binary(...objects: readonly (readonly number[])[]): Uint8Array {
  const offsets: number[] = []
  let at = 8
  for (const object of objects) {
    offsets.push(at)
    at += object.length
  }
  const trailer = new DataView(new ArrayBuffer(32))
  trailer.setUint8(6, 1)
  trailer.setUint8(7, 1)
  trailer.setBigUint64(8, BigInt(objects.length))
  trailer.setBigUint64(24, BigInt(at))
  return new Uint8Array([
    ...Buffer.from('bplist00'),
    ...objects.flat(),
    ...offsets,
    ...new Uint8Array(trailer.buffer),
  ])
}

/** The object of a string of ASCII, and of one of UTF-16; both short. */
export const string = (text: string): number[] => [0x50 + text.length, ...Buffer.from(text)]

export const wide = (text: string): number[] => [
  0x60 + text.length,
  ...Buffer.from(text, 'utf16le').swap16(),
]
