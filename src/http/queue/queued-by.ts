import type { Context } from 'hono'
import type { QueuedBy } from '../../device/store/commands/queued-by.ts'
import type { AppEnv } from '../app-env.ts'
import { RequestError } from '../request-error.ts'

export const ACTOR = 'x-actor'
const MAX_ACTOR = 100
/** All but control, format and unassigned characters. */
const PRINTABLE = /^\P{C}*$/u

/** The origin of a command of this request. @throws RequestError for a name that a list cannot show */
export function queuedBy(c: Context<AppEnv>, face: 'micromdm' | 'api'): QueuedBy {
  const actor = c.req.header(ACTOR)?.trim() ?? ''
  if (actor.length > MAX_ACTOR || !PRINTABLE.test(actor)) {
    throw new RequestError(`X-Actor has to be at most ${MAX_ACTOR} printable characters`, 400)
  }
  const { id: key, session } = c.var.caller
  // In a session the server knows the person.
  const known = session?.who ?? actor
  return { face, key, ...(known !== '' && { actor: known }) }
}
