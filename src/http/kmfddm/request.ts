import { faultOfId } from '../../mdm/enrollment.ts'
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

/** The id of an enrolment, which need not exist yet. @throws RequestError 400 if none can have it */
export function enrollmentNamed(id: string): string {
  const fault = faultOfId(id)
  if (fault !== undefined) {
    throw new RequestError(`${id.slice(0, 100)}: ${fault}`, 400)
  }
  return id
}
