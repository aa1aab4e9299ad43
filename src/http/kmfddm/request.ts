import { enrollmentId, faultOfId } from '../../mdm/enrollment.ts'
import { meaningOf } from '../../device/reach.ts'
import type { Env } from '../../env.ts'
import type { AppContext } from '../app-env.ts'
import { RequestError } from '../request-error.ts'

/** The resource that the path names. */
export function idIn(c: AppContext): string {
  return c.req.param('id') ?? ''
}

/** Whether devices hear of a change at once: without a parameter that begins to mean "yes", they do. */
export function notifies(c: AppContext): boolean {
  return /^(0|false|no|off)?$/i.test(c.req.query('nonotify') ?? '')
}

/**
 * The enrolment id of a channel that an admin names. A bare UserID means the one channel that has it, as in
 * MicroMDM's API. An id that is not known may come later. @throws RequestError
 */
export async function namedChannel(env: Env, id: string): Promise<string> {
  const fault = faultOfId(id)
  if (fault !== undefined) {
    throw new RequestError(`${id.slice(0, 100)}: ${fault}`, 400)
  }
  const meant = id.includes(':') ? undefined : await meaningOf(env, id)
  if (meant?.kind === 'ambiguous') {
    throw new RequestError(
      `${id} may mean several channels: name one of ${meant.ids.join(', ')}`,
      409,
    )
  }
  return meant?.kind === 'channel' ? enrollmentId(meant.claim.device, meant.claim.id) : id
}
