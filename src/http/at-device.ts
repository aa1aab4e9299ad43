import type { Address, Elsewhere } from '../device/address.ts'
import type { DeviceStub } from '../device/object.ts'
import { reach } from '../directory/reach.ts'
import type { Env } from '../env.ts'
import { OwnError } from '../reason.ts'
import type { Fault } from './problem.ts'

/**
 * Something an admin asked for that cannot be done; the text says what to do instead. `status` is MicroMDM's,
 * who answers 500 to whatever an admin got wrong; our own API says what kind of wrong it is.
 */
export class AdminError extends OwnError {
  readonly status: number
  readonly problemStatus: number
  /** The places in the request that are at fault, for problem documents. */
  readonly errors: readonly Fault[] | undefined

  constructor(
    message: string,
    status = 500,
    problemStatus = status === 500 ? 400 : status,
    errors?: readonly Fault[],
  ) {
    super(message)
    this.name = 'AdminError'
    this.status = status
    this.problemStatus = problemStatus
    this.errors = errors
  }
}

/** MicroMDM's status, and that of our own API. */
const STATUSES = { malformed: [500, 400], ambiguous: [500, 409] } as const

/** {@link reach} for an admin who waits for the answer. @throws AdminError when the id leads nowhere. */
export async function atDevice<Answer extends { readonly kind: string }>(
  env: Env,
  id: string,
  call: (device: DeviceStub, address: Address) => Promise<Answer>,
  how?: Parameters<typeof reach>[3],
): Promise<Exclude<Answer, Elsewhere>> {
  const reached = await reach(env, id, call, how)
  if (reached.kind !== 'reached') {
    throw new AdminError(reached.error, ...STATUSES[reached.kind])
  }
  return reached.answer
}
