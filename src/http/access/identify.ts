import { readKey } from '../../keys/key.ts'
import type { Caller } from '../../keys/caller.ts'
import { SCOPES } from '../../keys/scopes.ts'
import { callerOfKey, callerOfSession, type KeyView } from '../../keys/view.ts'
import { sameSecret } from '../../same-secret.ts'
import { clock } from '../../clock.ts'
import type { AppContext } from '../app-env.ts'
import { RequestError } from '../request-error.ts'
import { keyView } from './view.ts'

/** `fresh`: a key that was revoked a moment ago must not pass. */
interface Asked {
  readonly fresh: boolean
}

const EXAMPLE =
  'API_KEY is an example of some documentation, so the server does not accept it: set a random one with ' +
  '`wrangler secret put API_KEY`'

/** The name of a scheme is case-insensitive (RFC 9110 §11.1). */
const CREDENTIALS = /^(basic|bearer) +(\S+)$/i

/**
 * The key that a request sends: the password of one of these users, or a Bearer token.
 * @returns empty for the password of another user, `undefined` for a request without credentials
 */
export function sentKey(c: AppContext, users: readonly string[]): string | undefined {
  const [, scheme = '', sent] = CREDENTIALS.exec(c.req.header('authorization') ?? '') ?? []
  if (sent === undefined) {
    return undefined
  }
  if (scheme.toLowerCase() === 'bearer') {
    return sent
  }
  const [user = '', ...password] = Buffer.from(sent, 'base64').toString().split(':')
  return users.includes(user) ? password.join(':') : ''
}

/**
 * The sender of a key. `API_KEY` and the key before it need no call, so they are good while the list of keys
 * cannot be read. @throws RequestError if the key may be good, and the list cannot be read
 */
export async function callerOfSentKey(
  c: AppContext,
  sent: string,
  asked: Asked,
): Promise<Caller | undefined> {
  // All are compared, so that the time does not show which one fits.
  const { bootstrapKeys, exampleKeys } = c.var.config
  const same = bootstrapKeys.map(({ key }) => sameSecret(sent, key))
  const bootstrap = bootstrapKeys[same.indexOf(true)]
  if (bootstrap) {
    return { id: bootstrap.id, name: bootstrap.name, scopes: SCOPES }
  }
  if (exampleKeys.some(({ key }) => sameSecret(sent, key))) {
    throw new RequestError(EXAMPLE, 'not_configured')
  }
  // A typing error is found without a call.
  return readKey(sent) && find(c, asked, (view) => callerOfKey(view, sent, clock.now()))
}

/** The sender of the cookie of a session. @throws RequestError if the sessions cannot be read */
export function callerOfCookie(
  c: AppContext,
  cookie: string,
  asked: Asked,
): Promise<Caller | undefined> {
  return find(c, asked, (view) =>
    callerOfSession(view, cookie, clock.now(), c.var.config.bootstrapKeys),
  )
}

/** What this isolate does not know may be new. */
async function find(
  { env }: AppContext,
  asked: Asked,
  look: (view: KeyView) => Caller | undefined,
): Promise<Caller | undefined> {
  const copy = await keyView(env)
  const known = copy && !look(copy) ? await keyView(env, { mayKnowMore: true }) : copy
  // A read of its own is for a key that the copy knows: a stranger could make many.
  const newer = asked.fresh && known && look(known) ? await keyView(env, asked) : known
  if (!newer) {
    throw new RequestError(
      'the server cannot read its list of keys just now: try again; API_KEY is good meanwhile',
      'unavailable',
    )
  }
  return look(newer)
}
