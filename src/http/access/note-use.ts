import { clock } from '../../clock.ts'
import { PREVIOUS_KEY } from '../../config/secrets.ts'
import { DAY } from '../../config/values.ts'
import { inBackground } from '../../guard.ts'
import { CONTROL_NAME } from '../../figures/report.ts'
import { warn } from '../../log.ts'
import type { Caller } from '../../keys/caller.ts'
import { isKeyId } from '../../keys/key.ts'
import type { AppContext } from '../app-env.ts'
import { coarseNetworkOf } from '../caller.ts'

/** How exactly the time without use of a session is measured. */
const SESSION_STEP = 10 * 60_000
const MAX_AGENT = 200
/** Far more than there can be keys and sessions. */
const MAX_NOTED = 1000

/** What this isolate has noted: days of keys, and times of sessions. */
const noted = new Map<string, number>()

/** Notes behind the answer that a key or a session is in use: once a day, or every ten minutes. */
export function noteUse(c: AppContext, { id, session }: Caller): void {
  const now = clock.now()
  const control = c.env.CONTROL.getByName(CONTROL_NAME)
  if (session && isNew(session.hash, Math.floor(now / SESSION_STEP))) {
    inBackground(c.executionCtx, control.noteSessionUse(session.hash))
  }
  const previous = c.var.config.bootstrapKeys.find(({ name }) => name === PREVIOUS_KEY)
  if (id === previous?.id && isNew(id, Math.floor(now / DAY))) {
    warn('auth:previous-key', { key: id, from: coarseNetworkOf(c) })
  }
  if (isKeyId(id) && isNew(id, Math.floor(now / DAY))) {
    const use = {
      day: new Date(now).toISOString().slice(0, 10),
      network: coarseNetworkOf(c),
      agent: c.req.header('user-agent')?.slice(0, MAX_AGENT) ?? '',
    }
    inBackground(c.executionCtx, control.noteKeyUse(id, use))
  }
}

function isNew(of: string, time: number): boolean {
  if (noted.get(of) === time) {
    return false
  }
  if (noted.size >= MAX_NOTED) {
    noted.clear()
  }
  noted.set(of, time)
  return true
}
