/** The console's only clock. It follows the server's, because a browser's may be wrong by a day. */

let ahead = 0

/** @param time the server's, in milliseconds since 1970 */
export function setServerTime(time: number): void {
  if (Number.isFinite(time)) {
    ahead = time - Date.now()
  }
}

/** The server's time, in milliseconds since 1970. */
export function serverNow(): number {
  return Date.now() + ahead
}

/** Calls once, later. @returns ends the wait */
export function after(milliseconds: number, call: () => void): () => void {
  const timer = setTimeout(call, milliseconds)
  return () => {
    clearTimeout(timer)
  }
}

/** Calls again and again. @returns ends it */
export function every(milliseconds: number, call: () => void): () => void {
  const timer = setInterval(call, milliseconds)
  return () => {
    clearInterval(timer)
  }
}
