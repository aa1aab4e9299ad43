/**
 * The text of an answer from elsewhere, as UTF-8. It is read in steps, so that a long one costs no memory.
 * @returns `undefined` for more than `max` bytes: the rest is not read
 */
export async function boundedText(
  { body }: Pick<Response, 'body'>,
  max: number,
): Promise<string | undefined> {
  const decoder = new TextDecoder()
  let text = ''
  let length = 0
  const reader = body?.getReader()
  for (;;) {
    const chunk = await reader?.read()
    if (!chunk || chunk.done) {
      return text + decoder.decode()
    }
    length += chunk.value.length
    if (length > max) {
      await reader?.cancel()
      return undefined
    }
    text += decoder.decode(chunk.value, { stream: true })
  }
}
