import { z } from '../zod.ts'
import { clock } from '../../../clock.ts'
import { CONTROL_NAME } from '../../../figures/report.ts'
import type { Caller } from '../../../keys/caller.ts'
import { sessionOwner, type SessionEntry } from '../../../keys/view.ts'
import { log } from '../../../log.ts'
import { forgetKeys, keyView } from '../../access/view.ts'
import type { AppContext } from '../../app-env.ts'
import { RequestError } from '../../request-error.ts'
import { DONE, operation, pathId } from '../operation.ts'
import { newRoutes } from '../new-routes.ts'
import { listOf, wholeList } from '../paging.ts'
import { iso, time } from '../values.ts'

/** People who are signed in at the console: docs/keys.md. */
export const sessionRoutes = newRoutes()

const tags = ['Keys']
const ID = '9f86d081884c7d65'

const sessionSchema = z
  .object({
    id: z.string().openapi({ description: 'it opens nothing' }),
    who: z.string().openapi({
      description: 'the name that the person gave, or the e-mail address from Cloudflare Access',
    }),
    key: z
      .object({
        id: z.string().openapi({ description: 'the id of the key' }),
        name: z.string().openapi({ description: 'the name of the key' }),
      })
      .openapi({ description: 'the key of the sign-in' }),
    current: z.boolean().openapi({ description: 'whether the request came with this session' }),
    created_at: time,
    seen_at: time.openapi({ description: 'the last use, in steps of ten minutes' }),
    expires_at: time.openapi({ description: 'the end, if it is used until then' }),
  })
  .openapi('Session')

sessionRoutes.openapi(
  operation('listSessions', 'get', '/sessions', {
    tags,
    summary: 'Lists the sessions of the console, the newest use first',
    description: 'With `admin` those of all keys, else those of the key of this request.',
    answers: {
      200: listOf('all sessions', sessionSchema, {
        id: ID,
        who: 'Ada',
        key: { id: '3fKq81ZtYw', name: 'helpdesk' },
        current: true,
        created_at: '2026-11-28T09:00:00.000Z',
        seen_at: '2026-11-28T11:20:00.000Z',
        expires_at: '2026-11-28T21:00:00.000Z',
      }),
    },
  }),
  async (c) => c.json(wholeList((await sessionsFor(c)).map(({ json }) => json)), 200),
)

sessionRoutes.openapi(
  operation('closeSession', 'delete', '/sessions/{id}', {
    tags,
    summary: 'Ends a session of the console, everywhere within 30 seconds',
    description: 'With `admin` a session of any key, else one of the key of this request.',
    params: pathId(z.string(), 'the id, as the list shows it', ID),
    answers: { 204: DONE },
    problems: { 404: 'no session that you may see has this id' },
  }),
  async (c) => {
    const { id } = c.req.valid('param')
    const found = (await sessionsFor(c)).find(({ json }) => json.id === id)
    if (!found) {
      throw new RequestError('no session has this id: it may have ended', 'session_not_found')
    }
    await c.env.CONTROL.getByName(CONTROL_NAME).closeSession(found.hash)
    forgetKeys()
    log('session:closed', { key: found.json.key.id, everywhere: false, by: c.var.caller.id })
    return c.body(null, 204)
  },
)

/** The sessions that the caller may see. @throws RequestError if they cannot be read */
async function sessionsFor(c: AppContext) {
  const view = await keyView(c.env, { fresh: true })
  if (!view) {
    throw new RequestError('the server cannot read its sessions just now: try again', 'unavailable')
  }
  const { caller, config } = c.var
  return view.sessions.toReversed().flatMap((session) => {
    const owner = sessionOwner(view, session, clock.now(), config.bootstrapKeys)
    const isSeen = owner && (owner.id === caller.id || caller.scopes.includes('admin'))
    return isSeen ? [{ hash: session.hash, json: jsonOf(session, owner, caller) }] : []
  })
}

function jsonOf(
  { hash, who, madeAt, seenAt, expiresAt }: SessionEntry,
  { id, name, expiresAt: keyEnds = Infinity }: Caller,
  { session }: Caller,
): z.infer<typeof sessionSchema> {
  return {
    id: hash.slice(0, ID.length),
    who,
    key: { id, name },
    current: session?.hash === hash,
    created_at: iso(madeAt),
    seen_at: iso(seenAt),
    expires_at: iso(Math.min(expiresAt, keyEnds)),
  }
}
