/** Longer than the serial numbers of Apple and of makers of virtual machines. */
const MAX_CHARS = 64

/**
 * A serial number as Apple prints it: capital letters, no blanks. People type, scan and paste other forms,
 * so compare only results of this function. `undefined` for a text that cannot be one.
 */
export function readSerial(text: string): string | undefined {
  const serial = text.replaceAll(/\s/g, '').toUpperCase()
  return /^[!-~]+$/.test(serial) && serial.length <= MAX_CHARS ? serial : undefined
}
