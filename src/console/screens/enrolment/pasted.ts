/** Serial numbers that are pasted: pure. */

/** So many the API takes with one call. */
const MOST = 5000

/** Serial numbers of a text: one a line, or between commas. Blanks and small letters make no difference. */
export function serialsIn(text: string): readonly string[] {
  const all = text
    .split(/[\n,;\t]/)
    .map((one) => one.replaceAll(/\s/g, '').toUpperCase())
    .filter((one) => one !== '')
  return [...new Set(all)]
}

/** The serial numbers of each call. */
export function callsFor(serials: readonly string[]): readonly string[][] {
  return Array.from({ length: Math.ceil(serials.length / MOST) }, (_, n) =>
    serials.slice(n * MOST, (n + 1) * MOST),
  )
}
