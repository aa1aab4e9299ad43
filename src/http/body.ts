/** Apple's devices report megabytes of inventory; nothing legitimate is longer. */
export const MAX_BODY_BYTES = 20_000_000

/** A body that is read once, and in steps if need be. */
export interface Reading {
  /** Its length, as the sender says; a body in chunks says nothing. */
  readonly declared: number | undefined
  /** The whole of it, or `undefined` when it is longer: a further call reads on. */
  upTo(max: number): Promise<Uint8Array | undefined>
}

export function beginReading(request: Request): Reading {
  const header = request.headers.get('content-length')
  const declared = header === null ? undefined : Number(header)
  const reader = declared === undefined ? request.body?.getReader() : undefined
  const chunks: Uint8Array[] = []
  let length = 0
  return {
    declared,
    async upTo(max) {
      if (declared !== undefined) {
        return declared > max ? undefined : new Uint8Array(await request.arrayBuffer())
      }
      while (length <= max) {
        const chunk = await reader?.read()
        if (chunk === undefined || chunk.done) {
          return joined(chunks, length)
        }
        chunks.push(chunk.value)
        length += chunk.value.length
      }
      return undefined
    },
  }
}

/** Reads a request's body once, as bytes; `undefined` when it is longer than `max`. */
export async function readBody(
  request: Request,
  max = MAX_BODY_BYTES,
): Promise<Uint8Array | undefined> {
  return beginReading(request).upTo(max)
}

function joined(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const body = new Uint8Array(length)
  let offset = 0
  for (const chunk of chunks) {
    body.set(chunk, offset)
    offset += chunk.length
  }
  return body
}
