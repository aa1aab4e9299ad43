import type { Elsewhere } from '../device/admin.ts'
import type { DeviceStub } from '../device/object.ts'
import { reach } from '../device/reach.ts'
import type { Env } from '../env.ts'

/**
 * Something an admin asked for that cannot be done; the text says what to do instead. `status` is MicroMDM's,
 * who answers 500 to whatever an admin got wrong; our own API says what kind of wrong it is.
 */
export class AdminError extends Error {
  readonly status: number
  readonly problemStatus: number

  constructor(message: string, status = 500, problemStatus = status === 500 ? 400 : status) {
    super(message)
    this.name = 'AdminError'
    this.status = status
    this.problemStatus = problemStatus
  }
}

/** MicroMDM's status, and that of our own API. */
const STATUSES = { malformed: [500, 400], moving: [503, 503], ambiguous: [500, 409] } as const

/** {@link reach} for an admin who waits for the answer. @throws AdminError when the id leads nowhere. */
export async function atDevice<Answer extends { readonly kind: string }>(
  env: Env,
  id: string,
  call: (device: DeviceStub, user: string) => Promise<Answer>,
): Promise<Exclude<Answer, Elsewhere>> {
  const reached = await reach(env.DEVICE, id, call)
  if (reached.kind !== 'reached') {
    throw new AdminError(reached.error, ...STATUSES[reached.kind])
  }
  return reached.answer
}
