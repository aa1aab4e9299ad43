/** Apple's devices report megabytes of inventory; nothing legitimate is longer. */
export const MAX_BODY_BYTES = 20_000_000

/** A body of that length or less is read without steps. */
export const WHOLE = 1_000_000

/** A body that is read once, and in steps if need be. */
export interface BodyReading {
  /** Its length, as the sender says; a body in chunks says nothing. */
  readonly declared: number | undefined
  /** The whole of it, or `undefined` when it is longer: a further call reads on. */
  upTo(max: number): Promise<Uint8Array | undefined>
  /** How much of it has come, while it is read in steps. */
  come(): number
  /** Ends the reading in steps. */
  stop(): void
}

export function beginReading(request: Request): BodyReading {
  const header = request.headers.get('content-length')
  const declared = header === null ? undefined : Number(header)
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined
  const chunks: Uint8Array[] = []
  let length = 0
  return {
    declared,
    come: () => length,
    stop() {
      chunks.length = 0
      void reader?.cancel().catch(() => undefined)
    },
    async upTo(max) {
      if (declared !== undefined && declared > max) {
        return undefined
      }
      if (declared !== undefined && declared <= WHOLE) {
        return new Uint8Array(await request.arrayBuffer())
      }
      reader ??= request.body?.getReader()
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

/** Leaves the chunks empty, so that their memory is free. */
function joined(chunks: Uint8Array[], length: number): Uint8Array {
  const body = new Uint8Array(length)
  let offset = 0
  for (const chunk of chunks) {
    body.set(chunk, offset)
    offset += chunk.length
  }
  chunks.length = 0
  return body
}
