const DIGITS = 6
/** The largest multiple of ten that fits a byte: above it, small digits would be likelier. */
const FAIR = 250

/**
 * Six random digits.
 *
 * @param random fills an array with random bytes, as `crypto.getRandomValues` does
 */
export function newPin(random: (bytes: Uint8Array<ArrayBuffer>) => unknown): string {
  let pin = ''
  while (pin.length < DIGITS) {
    const bytes = new Uint8Array(16)
    random(bytes)
    pin += [...bytes]
      .filter((byte) => byte < FAIR)
      .map((byte) => byte % 10)
      .join('')
  }
  return pin.slice(0, DIGITS)
}
