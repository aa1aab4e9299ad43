import { OwnError } from '../reason.ts'
import { problemStatus, type Fault, type ProblemKind } from './problem.ts'

/**
 * A request of an admin that cannot be carried out; the text says what to do instead. `kind` is its code in
 * our own API. MicroMDM answers 500 to each mistake of an admin, and so do its routes if no kind is given.
 */
export class RequestError extends OwnError {
  override name = 'RequestError'
  readonly kind: ProblemKind
  /** The status of MicroMDM's routes. */
  readonly status: number
  /** The places in the request that are at fault, for problem documents. */
  readonly errors: readonly Fault[] | undefined
  /** Apple's word for it, which MicroMDM's routes answer as `code`. */
  readonly word: string | undefined

  constructor(
    message: string,
    kind?: ProblemKind,
    more: {
      readonly errors?: readonly Fault[]
      readonly micromdm?: number
      readonly word?: string
    } = {},
  ) {
    super(message)
    this.kind = kind ?? 'invalid_request'
    this.status = more.micromdm ?? (kind === undefined ? 500 : problemStatus(kind))
    this.errors = more.errors
    this.word = more.word
  }
}

/** One place in a request that is not valid: `query.cursor`, `json.url`. */
export function faultAt(
  at: string,
  detail: string,
  kind: ProblemKind = 'invalid_request',
): RequestError {
  return new RequestError(`${at}: ${detail}`, kind, { errors: [{ at, detail }] })
}

/** @param version the present one of a thing with another `if_version`; 0: there is no such thing */
export function movedOn(name: string, version: number): RequestError {
  const present = version === 0 ? 'does not exist' : `has version ${version} by now`
  return new RequestError(
    `${name} ${present}: read it again, and make your change there`,
    'conflict',
  )
}
