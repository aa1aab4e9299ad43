import { writeAudit } from '../../audit/write.ts'
import { clock } from '../../clock.ts'
import { warn } from '../../log.ts'
import type { AuditEntry } from '../../keys/audit-row.ts'
import { reasonOf } from '../../reason.ts'
import { requestId } from '../../request-id.ts'
import type { AppContext } from '../app-env.ts'
import { coarseNetworkOf } from '../caller.ts'
import { RequestError } from '../request-error.ts'
import type { Deed } from './deed.ts'
import { ACTOR } from '../queue/queued-by.ts'

/** Adds facts to the row of this request. Never a secret. */
export function noteAudit(
  c: AppContext,
  detail: Deed['detail'],
  more: Partial<Pick<Deed, 'scope' | 'target' | 'isTrial'>> = {},
): void {
  const { deed } = c.var
  if (deed) {
    c.set('deed', { ...deed, ...more, detail: { ...deed.detail, ...detail } })
  }
}

/**
 * Writes the row before the deed: for secrets, and for what cannot be undone. @throws RequestError if it
 * cannot be written: then the deed does not happen
 */
export async function auditFirst(c: AppContext): Promise<void> {
  const { deed } = c.var
  if (!deed || deed.isWritten) {
    return
  }
  try {
    await writeAudit(c.env, entryOf(c, deed, 'asked'), clock.now())
  } catch (error) {
    warn('audit:failed', { action: deed.action, reason: reasonOf(error) })
    throw new RequestError(
      'the audit cannot be written just now, so the server did nothing: try again',
      'unavailable',
    )
  }
  c.set('deed', { ...deed, isWritten: true, isAsked: true })
}

/**
 * Writes the row of a deed that is done, while its request goes on: the sender may leave before the answer,
 * and the runtime then ends the request. A deed with a row before it gets a second one, with what it made.
 */
export async function auditDone(c: AppContext): Promise<void> {
  const { deed } = c.var
  if (deed && (!deed.isWritten || deed.isAsked)) {
    await writeOrLog(c, deed, 'done')
    c.set('deed', { ...deed, isWritten: true, isAsked: false })
  }
}

/** Writes the row of a deed that is done, or that was announced and did not happen. */
export async function auditAfter(c: AppContext): Promise<void> {
  const { deed } = c.var
  const { status } = c.res
  const isDone = status < 400
  // A refused request has changed nothing. A server error may come after the change.
  const isTrial = deed?.isTrial || c.req.query('dry_run') === 'true'
  if (!deed || isTrial || (deed.isWritten ? isDone : !isDone && status < 500)) {
    return
  }
  await writeOrLog(c, deed, isDone ? 'done' : `answered ${status}`)
}

async function writeOrLog(c: AppContext, deed: Deed, outcome: string): Promise<void> {
  const entry = entryOf(c, deed, outcome)
  try {
    await writeAudit(c.env, entry, clock.now())
  } catch (error) {
    // The log is the last place for it.
    warn('audit:failed', {
      action: deed.action,
      row: JSON.stringify(entry),
      reason: reasonOf(error),
    })
  }
}

/** What the request was about: its path or its body says so, or the address of what it made. */
function targetOf({ res }: AppContext, { target }: Deed): Deed['target'] {
  const [, type, id] = /^\/api\/([\w-]+)s\/([^/]+)$/.exec(res.headers.get('location') ?? '') ?? []
  return target ?? (type !== undefined && id !== undefined ? { type, id } : undefined)
}

function entryOf(c: AppContext, deed: Deed, outcome: string): AuditEntry {
  const { id, name, session } = c.var.caller
  const claimed = c.req.header(ACTOR)?.trim()
  const request = requestId()
  const network = coarseNetworkOf(c)
  const target = targetOf(c, deed)
  return {
    actor: { type: 'key', id, name, ...(session && { who: session.who }) },
    via: deed.via,
    action: deed.action,
    scope: deed.scope,
    ...(target && { target }),
    outcome,
    ...(request !== undefined && { requestId: request }),
    ...(network !== '' && { network }),
    detail: {
      ...deed.detail,
      ...(claimed && !session && { claimed_actor: claimed.slice(0, 100) }),
    },
  }
}
