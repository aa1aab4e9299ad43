/**
 * A document that is not a property list we accept, a value that cannot be written as one, or a field
 * that is missing or of another type. `offset` counts characters of the decoded text (bytes in a binary
 * plist) and is absent where there is no document.
 */
export class PlistError extends Error {
  override readonly name = 'PlistError'
  readonly offset: number | undefined

  constructor(message: string, offset?: number) {
    super(offset === undefined ? message : `plist: ${message} at offset ${offset}`)
    this.offset = offset
  }
}
