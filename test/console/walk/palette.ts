/** Pictures of screens have few colours: as a palette of 256 they take a third (PNG, RFC 2083). */
import { Buffer } from 'node:buffer'
import { crc32, deflateSync, inflateSync } from 'node:zlib'

const SIGNATURE = 8
const COLOURS = 256
const RGB = 2
const RGBA = 6
const INDEXED = 3

/**
 * The same picture with the 256 colours that it has most; each other becomes the nearest of them.
 *
 * @param png 8 bits a channel, RGB or RGBA and opaque, not interlaced, as Chromium writes it
 * @throws Error for another form
 */
export function withPalette(png: Uint8Array): Buffer {
  const { width, height, bytes, pixels } = read(Buffer.from(png))
  const colours = Array.from({ length: width * height }, (_, n) => pixels.readUIntBE(n * bytes, 3))
  const counts = new Map<number, number>()
  for (const colour of colours) {
    counts.set(colour, (counts.get(colour) ?? 0) + 1)
  }
  const palette = [...counts]
    .toSorted(([, a], [, b]) => b - a)
    .slice(0, COLOURS)
    .map(([colour]) => colour)
  const places = new Map([...counts.keys()].map((colour) => [colour, nearest(palette, colour)]))
  const rows = Buffer.alloc(height * (width + 1))
  colours.forEach((colour, n) => {
    rows[n + Math.floor(n / width) + 1] = places.get(colour) ?? 0
  })
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([8, INDEXED], 8)
  const table = Buffer.from(palette.flatMap(channels))
  return Buffer.concat([
    png.subarray(0, SIGNATURE),
    chunk('IHDR', header),
    chunk('PLTE', table),
    chunk('IDAT', deflateSync(rows, { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

const channels = (colour: number) => [colour >> 16, (colour >> 8) & 255, colour & 255] as const

function nearest(palette: readonly number[], colour: number): number {
  const [red, green, blue] = channels(colour)
  const distances = palette.map((other) => {
    const [r, g, b] = channels(other)
    return (r - red) ** 2 + (g - green) ** 2 + (b - blue) ** 2
  })
  return distances.indexOf(Math.min(...distances))
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const ends = Buffer.alloc(8)
  ends.writeUInt32BE(data.length, 0)
  ends.writeUInt32BE(crc32(body), 4)
  return Buffer.concat([ends.subarray(0, 4), body, ends.subarray(4)])
}

function read(png: Buffer) {
  const parts: Buffer[] = []
  for (let at = SIGNATURE; at < png.length; at += png.readUInt32BE(at) + 12) {
    if (png.toString('latin1', at + 4, at + 8) === 'IDAT') {
      parts.push(png.subarray(at + 8, at + 8 + png.readUInt32BE(at)))
    }
  }
  const width = png.readUInt32BE(16)
  const height = png.readUInt32BE(20)
  const [depth, kind, , , interlaced] = png.subarray(24, 29)
  if (depth !== 8 || (kind !== RGB && kind !== RGBA) || interlaced !== 0) {
    throw new Error(`a picture of depth ${depth} and kind ${kind} is not read`)
  }
  const bytes = kind === RGB ? 3 : 4
  const pixels = unfilter(inflateSync(Buffer.concat(parts)), width * bytes, height, bytes)
  return { width, height, bytes, pixels }
}

/** Each row is stored as differences to its neighbours, by a filter of its own (RFC 2083 §6). */
function unfilter(data: Buffer, stride: number, height: number, bytes: number): Buffer {
  const out = Buffer.alloc(stride * height)
  for (let y = 0; y < height; y++) {
    const filter = data[y * (stride + 1)] ?? 0
    for (let x = 0; x < stride; x++) {
      const at = y * stride + x
      const left = x < bytes ? 0 : (out[at - bytes] ?? 0)
      const up = y === 0 ? 0 : (out[at - stride] ?? 0)
      const corner = x < bytes || y === 0 ? 0 : (out[at - stride - bytes] ?? 0)
      const guess = [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter] ?? 0
      out[at] = (data[y * (stride + 1) + 1 + x] ?? 0) + guess
    }
  }
  return out
}

function paeth(left: number, up: number, corner: number): number {
  const guess = left + up - corner
  const [toLeft, toUp, toCorner] = [left, up, corner].map((one) => Math.abs(guess - one))
  if (toLeft === undefined || toUp === undefined || toCorner === undefined) {
    return corner
  }
  return toLeft <= toUp && toLeft <= toCorner ? left : toUp <= toCorner ? up : corner
}
