/** Apple's devices report megabytes of inventory; nothing legitimate is longer (design.md 16). */
export const MAX_BODY_BYTES = 20_000_000

/** Reads a request's body once, as bytes; `undefined` when it is longer than `max`. */
export async function readBody(
  request: Request,
  max = MAX_BODY_BYTES,
): Promise<Uint8Array | undefined> {
  const declared = request.headers.get('content-length')
  if (declared !== null) {
    return Number(declared) > max ? undefined : new Uint8Array(await request.arrayBuffer())
  }
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of request.body ?? []) {
    length += chunk.length
    if (length > max) {
      return undefined
    }
    chunks.push(chunk)
  }
  const body = new Uint8Array(length)
  let offset = 0
  for (const chunk of chunks) {
    body.set(chunk, offset)
    offset += chunk.length
  }
  return body
}
