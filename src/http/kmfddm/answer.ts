/** The answers of KMFDDM's API, as its clients know them. */

const PLAIN = { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' }

/** A text with Go's line end. */
export function plainAnswer(
  status: number,
  text: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return new Response(`${text}\n`, { status, headers: { ...PLAIN, ...headers } })
}

/** 204 if something has changed, else 304: `syncdir.py` notifies devices of the changed names alone. */
export function changeAnswer(changed: boolean): Response {
  return changed
    ? new Response(null, { status: 204, headers: PLAIN })
    : new Response(null, { status: 304, headers: { 'x-content-type-options': 'nosniff' } })
}

export function jsonAnswer(text: string, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(text, { headers: { 'content-type': 'application/json', ...headers } })
}

/** A list in Go's JSON: an empty one is `null`. */
export function listAnswer(names: readonly string[]): Response {
  return jsonAnswer(`${JSON.stringify(names.length > 0 ? names : null)}\n`)
}
