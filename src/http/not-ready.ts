import { clock } from '../clock.ts'
import type { NotOk } from '../config/config.ts'
import { warn } from '../log.ts'
import type { AppContext } from './app-env.ts'
import { errorResponse } from './errors.ts'
import { ownOrigin } from './host.ts'
import { READYZ } from './paths.ts'

/** Strangers' requests do not fill the log: a fault has one line in this time. */
const SAY_EVERY = 60_000

let said = { problems: '', until: 0 }

/** The answer to every request while the settings are not complete. Devices call again after a 503. */
export function notReady(c: AppContext, { why, problems }: NotOk): Response {
  const { path } = c.req
  const text = problems.join('; ')
  const isNew = why === 'unclaimed'
  sayOnce(isNew ? 'not claimed' : text)
  if (path === READYZ) {
    return c.json({ ready: false, ...(isNew && { claimed: false }) }, 503)
  }
  if (isNew) {
    return errorResponse(path, 'not_claimed', `not claimed: open ${ownOrigin(c)}/setup`)
  }
  const kind = why === 'unreadable' ? 'unavailable' : 'not_configured'
  return errorResponse(path, kind, `EdgeMDM is not configured: ${text}`)
}

function sayOnce(problems: string): void {
  const now = clock.now()
  if (problems !== said.problems || now >= said.until) {
    said = { problems, until: now + SAY_EVERY }
    warn('config:incomplete', { problems })
  }
}
