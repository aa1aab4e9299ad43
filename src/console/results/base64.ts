/** `String.fromCharCode` takes no more arguments than a stack holds. */
const CHUNK = 8192

/** Bytes of a file, for JSON. */
export function base64Of(bytes: Uint8Array): string {
  let text = ''
  for (let at = 0; at < bytes.length; at += CHUNK) {
    text += String.fromCharCode(...bytes.subarray(at, at + CHUNK))
  }
  return btoa(text)
}
