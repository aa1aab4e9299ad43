import { CONTROL_NAME } from '../../figures/report.ts'
import { randomBytes } from 'node:crypto'
import { hashSecret, isKeyId, readKey } from '../../keys/key.ts'
import { hashCookie, SESSION_LIFE } from '../../keys/view.ts'
import { clock } from '../../clock.ts'
import type { Caller } from '../../keys/caller.ts'
import { log } from '../../log.ts'
import { auditDone } from '../access/audited.ts'
import type { Deed } from '../access/deed.ts'
import { noteFailure } from '../access/failures.ts'
import { callerOfSentKey } from '../access/identify.ts'
import { consoleAuth } from '../access/gate.ts'
import { mayHaveSession, sessionCookie } from '../access/session-cookie.ts'
import { forgetKeys } from '../access/view.ts'
import { slowDown } from '../access/wrong-keys.ts'
import { newApp, type AppContext } from '../app-env.ts'
import { fullVersion } from '../version.ts'
import { addressOf, networkOf } from '../caller.ts'
import { problem } from '../problem.ts'
import { RequestError } from '../request-error.ts'
import { personOfAccess } from './by-access.ts'
import { readSignIn, refuseOtherSite, type SignIn } from './sign-in.ts'

/** Sign-in of the console: a key for a cookie (docs/keys.md). */
export const sessionFace = newApp()

const PATH = '/console/session'
const NOT_STORED = { 'cache-control': 'no-store' }
/** The route has no gate that would audit it. */
const OPENED: Deed = {
  action: 'session.open',
  scope: 'admin',
  via: 'console',
  target: undefined,
  detail: {},
  isWritten: false,
  isTrial: false,
}
const WRONG_KEY = 'the key is wrong, revoked or expired'

sessionFace.post(PATH, async (c) => {
  refuseOtherSite(c)
  if (!mayHaveSession(c)) {
    throw new RequestError(
      'a session needs https: over plain http anyone on the way could take its cookie. Open this page by ' +
        'https, or on the machine of the server',
      400,
    )
  }
  const given = await readSignIn(c.req.raw)
  const proven = given ? await personOfKey(c, given) : await personOfAccess(c)
  if (proven.kind === 'refused') {
    return refused(c, proven.reason)
  }
  const { caller, who, until, secretHash } = proven
  const cookie = randomBytes(32).toString('base64url')
  const session = { hash: hashCookie(cookie), who }
  const opened = await c.env.CONTROL.getByName(CONTROL_NAME).beginSession({
    ...session,
    key: { id: caller.id, ...(secretHash && { secretHash }) },
    ...(until !== undefined && { until }),
  })
  if (opened.kind === 'key_ended') {
    return problem('unauthorized', WRONG_KEY, { headers: NOT_STORED })
  }
  if (opened.kind === 'full') {
    throw new RequestError('too many sessions are open: sign out elsewhere first', 'limit_reached')
  }
  forgetKeys()
  log('session:opened', { key: caller.id })
  c.set('caller', { ...caller, session })
  c.set('deed', given ? OPENED : { ...OPENED, detail: { by: 'Cloudflare Access' } })
  await auditDone(c)
  c.header('set-cookie', sessionCookie(c, cookie, SESSION_LIFE / 1000))
  const expiresAt = Math.min(opened.expiresAt, caller.expiresAt ?? Infinity)
  return c.json(sessionJson(c, { ...caller, expiresAt, session }), 201, NOT_STORED)
})

/** The person who sent an API key, by the name that is given. */
async function personOfKey(
  c: AppContext,
  { key, who }: { readonly key: string; readonly who: string },
): Promise<SignIn> {
  const caller = await callerOfSentKey(c, key, { fresh: true })
  if (!caller) {
    noteFailure(c, networkOf(addressOf(c)))
    return { kind: 'refused', reason: WRONG_KEY }
  }
  const secret = isKeyId(caller.id) ? readKey(key)?.secret : undefined
  return {
    kind: 'person',
    caller,
    who,
    ...(secret !== undefined && { secretHash: hashSecret(secret) }),
  }
}

async function refused(c: AppContext, reason: string): Promise<Response> {
  const isSlow = await slowDown(networkOf(addressOf(c)))
  return problem(isSlow ? 'unauthorized' : 'too_many_wrong_keys', reason, {
    headers: isSlow ? NOT_STORED : { ...NOT_STORED, 'retry-after': '60' },
  })
}

sessionFace.use(PATH, consoleAuth)

sessionFace.get(PATH, (c) => c.json(sessionJson(c, c.var.caller), 200))

sessionFace.delete(PATH, async (c) => {
  const { id, session } = c.var.caller
  const everywhere = c.req.query('everywhere') === 'true'
  const control = c.env.CONTROL.getByName(CONTROL_NAME)
  if (everywhere) {
    await control.closeSessions(id)
  } else {
    await control.closeSession((session ?? noSession()).hash)
  }
  forgetKeys()
  log('session:closed', { key: id, everywhere })
  c.header('set-cookie', sessionCookie(c, '', 0))
  return c.body(null, 204)
})

function sessionJson(
  c: AppContext,
  { id, name, scopes, expiresAt, session = noSession() }: Caller,
) {
  return {
    key: { id, name },
    who: session.who,
    scopes,
    expires_at: expiresAt === undefined ? null : new Date(expiresAt).toISOString(),
    now: new Date(clock.now()).toISOString(),
    version: fullVersion,
    access: c.var.config.access !== undefined,
  }
}

function noSession(): never {
  throw new RequestError(
    'this request has no session: it came with an API key. POST /console/session opens one',
    'session_not_found',
  )
}
