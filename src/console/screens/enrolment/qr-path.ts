import { encode } from 'uqr'

/** Light modules around a code, as ISO/IEC 18004 wants. */
const QUIET = 4

/** A QR code as one path in a square of so many modules. */
export interface QrPath {
  readonly size: number
  readonly path: string
}

/** @throws for a text that no code holds: about 2,900 bytes */
export function qrPath(text: string): QrPath {
  const { data, size } = encode(text, { border: QUIET })
  const path = data.flatMap((row, y) =>
    runsOf(row).map(([x, length]) => `M${x} ${y}h${length}v1h-${length}z`),
  )
  return { size, path: path.join('') }
}

/** Where dark modules begin in a row, and how many stand side by side. */
function runsOf(row: readonly boolean[]): [x: number, length: number][] {
  const runs: [number, number][] = []
  for (const [x, isDark] of row.entries()) {
    const last = runs.at(-1)
    if (isDark && last && last[0] + last[1] === x) {
      last[1]++
    } else if (isDark) {
      runs.push([x, 1])
    }
  }
  return runs
}
