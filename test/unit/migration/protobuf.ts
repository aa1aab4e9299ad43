/** Writes protobuf messages of proto3: a field with its default value is left out. */

export type WireValue = string | Uint8Array | boolean | bigint

export function message(
  ...fields: readonly (readonly [number: number, value: WireValue | undefined])[]
): Buffer {
  return Buffer.concat(fields.flatMap(([number, value]) => field(number, value ?? '')))
}

function field(number: number, value: WireValue): Buffer[] {
  if (typeof value === 'boolean' || typeof value === 'bigint') {
    const bits = BigInt.asUintN(64, BigInt(value))
    return bits === 0n ? [] : [varint(BigInt(number * 8)), varint(bits)]
  }
  const bytes = Buffer.from(value)
  return bytes.length === 0 ? [] : [bytesField(number, bytes)]
}

/** A field of a list: it is there even when it is empty. */
export function bytesField(number: number, bytes: Uint8Array): Buffer {
  return Buffer.concat([varint(BigInt(number * 8 + 2)), varint(BigInt(bytes.length)), bytes])
}

export function varint(value: bigint): Buffer {
  const bytes: number[] = []
  let rest = value
  while (rest >= 0x80n) {
    bytes.push(Number(rest & 0x7fn) | 0x80)
    rest >>= 7n
  }
  return Buffer.from([...bytes, Number(rest)])
}
