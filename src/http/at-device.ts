import type { Address, Elsewhere } from '../device/store/address.ts'
import type { DeviceStub } from '../device/object.ts'
import { reach } from '../device/reach.ts'
import type { Env } from '../env.ts'
import { OwnError } from '../reason.ts'
import { problemStatus, type Fault, type ProblemKind } from './problem.ts'

/**
 * Something an admin asked for that cannot be done; the text says what to do instead. `kind` is what our own API says of it.
 * MicroMDM answers 500 to every mistake of an admin, and so do its routes where no kind is named.
 */
export class AdminError extends OwnError {
  override name = 'AdminError'
  readonly kind: ProblemKind
  /** MicroMDM's. */
  readonly status: number
  /** The places in the request that are at fault, for problem documents. */
  readonly errors: readonly Fault[] | undefined

  constructor(
    message: string,
    kind?: ProblemKind,
    more: { readonly errors?: readonly Fault[]; readonly micromdm?: number } = {},
  ) {
    super(message)
    this.kind = kind ?? 'invalid_request'
    this.status = more.micromdm ?? (kind === undefined ? 500 : problemStatus(kind))
    this.errors = more.errors
  }
}

/** One place in a request that is not valid: `query.cursor`, `json.url`. */
export function faultAt(
  at: string,
  detail: string,
  kind: ProblemKind = 'invalid_request',
): AdminError {
  return new AdminError(`${at}: ${detail}`, kind, { errors: [{ at, detail }] })
}

/** {@link reach} for an admin who waits for the answer. @throws AdminError when the id leads nowhere. */
export async function atDevice<Answer extends { readonly kind: string }>(
  env: Env,
  id: string,
  call: (device: DeviceStub, address: Address) => Promise<Answer>,
  how?: Parameters<typeof reach>[3],
): Promise<Exclude<Answer, Elsewhere>> {
  const reached = await reach(env, id, call, how)
  if (reached.kind !== 'reached') {
    const kind = reached.kind === 'ambiguous' ? 'ambiguous_id' : 'invalid_id'
    throw new AdminError(reached.error, kind, { micromdm: 500 })
  }
  return reached.answer
}
