import type { Address, Elsewhere } from '../device/store/address.ts'
import type { DeviceStub } from '../device/stub.ts'
import { reachDevice } from '../device/reach.ts'
import type { Env } from '../env.ts'
import { RequestError } from './request-error.ts'

/** Calls {@link reachDevice} for an admin. @throws RequestError if the id leads to no device */
export async function atDevice<Answer extends { readonly kind: string }>(
  env: Env,
  id: string,
  call: (device: DeviceStub, address: Address) => Promise<Answer>,
  how?: Parameters<typeof reachDevice>[3],
): Promise<Exclude<Answer, Elsewhere>> {
  const reached = await reachDevice(env, id, call, how)
  if (reached.kind !== 'reached') {
    const kind = reached.kind === 'ambiguous' ? 'ambiguous_id' : 'invalid_id'
    throw new RequestError(reached.error, kind, { micromdm: 500 })
  }
  return reached.answer
}
