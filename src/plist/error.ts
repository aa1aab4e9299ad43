import { OwnError } from '../reason.ts'

const MAX_TEXT = 200

/**
 * A document that is not an acceptable property list, a value that cannot be written as one, or a field
 * that is missing or of another type. `offset` counts characters of the decoded text (bytes in a binary
 * plist). It is absent when there is no document.
 */
export class PlistError extends OwnError {
  override readonly name = 'PlistError'
  readonly offset: number | undefined

  constructor(message: string, offset?: number) {
    // Some messages name a key, and a key may be as long as the document.
    const text = message.slice(0, MAX_TEXT)
    super(offset === undefined ? text : `plist: ${text} at offset ${offset}`)
    this.offset = offset
  }
}

/** The result of a reader; `undefined` where it meets no acceptable property list. */
export function tryToRead<Result>(read: () => Result): Result | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof PlistError) {
      return undefined
    }
    throw error
  }
}
