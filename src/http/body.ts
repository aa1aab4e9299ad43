/** Devices report megabytes of inventory. No legitimate body is longer. */
export const MAX_BODY_BYTES = 20_000_000

/** A body of at most this length is read in one step. */
export const WHOLE = 1_000_000

/** The reading of a body: once, and in steps if it is long. */
export interface BodyReading {
  /** Content-Length. A body in chunks has none. */
  readonly declared: number | undefined
  /** The whole body, or `undefined` if it is longer than `max`: a further call reads on. */
  upTo(max: number): Promise<Uint8Array | undefined>
  /** How many bytes have arrived, while it is read in steps. */
  arrived(): number
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
    arrived: () => length,
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

/** Reads a request's body once, as bytes; `undefined` if it is longer than `max`. */
export async function readBody(
  request: Request,
  max = MAX_BODY_BYTES,
): Promise<Uint8Array | undefined> {
  return beginReading(request).upTo(max)
}

/** Empties the chunks, to free their memory. */
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
