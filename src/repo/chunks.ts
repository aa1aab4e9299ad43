/** A read of the runtime is 4 KB by itself. */
const READ_BYTES = 256 * 1024

/**
 * The bytes of a request or of an object in the bucket while they arrive. All chunks share one buffer: a
 * chunk is good until the next one is asked for.
 */
export async function* chunksOf(
  body: ReadableStream<Uint8Array> | null,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (!body) {
    return
  }
  const reader = body.getReader({ mode: 'byob' })
  let buffer = new ArrayBuffer(READ_BYTES)
  try {
    for (;;) {
      const { value, done } = await reader.readAtLeast(READ_BYTES, new Uint8Array(buffer))
      if (value && value.length > 0) {
        yield value
        buffer = value.buffer
      }
      if (done) {
        return
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined)
  }
}
