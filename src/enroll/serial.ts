/** Longer than any that Apple or a maker of virtual machines gives. */
const MAX_CHARS = 64

/**
 * A serial number as Apple prints it: capital letters, no blanks. People type, scan and paste them otherwise. Compare
 * only what went through here. `undefined` for what is none.
 */
export function readSerial(text: string): string | undefined {
  const serial = text.replaceAll(/\s/g, '').toUpperCase()
  return /^[!-~]+$/.test(serial) && serial.length <= MAX_CHARS ? serial : undefined
}
