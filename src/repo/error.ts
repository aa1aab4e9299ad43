import { OwnError } from '../reason.ts'

/** A call about the file repository that cannot be carried out. `kind` is its code in our own API. */
export class RepoError extends OwnError {
  override name = 'RepoError'
  readonly kind: 'no_bucket' | 'invalid_request' | 'body_too_large' | 'conflict'

  constructor(kind: RepoError['kind'], message: string) {
    super(message)
    this.kind = kind
  }
}
