import type { Context } from '../store/context.ts'
import { isInDoubt } from './facts.ts'
import { namesFile } from '../store/manifest-row.ts'

/**
 * Whether an identity may fetch a hosted file: it is of the present enrolment, and a channel of the device is
 * offered a declaration that names the file.
 */
export function mayFetch(context: Context, sha256: string, fingerprint: string) {
  const { device, identities } = context.state
  const isPresent = identities.some(
    (identity) => identity.fingerprint === fingerprint && identity.epoch === device.epoch,
  )
  const isServed =
    isPresent &&
    device.state === 'enrolled' &&
    !device.blocked &&
    !device.hidden &&
    !isInDoubt(context)
  return {
    kind: isServed && namesFile(context, sha256) ? 'yes' : 'no',
  } as const
}
