import { clock } from '../../clock.ts'
import {
  checkAccessToken,
  readAccessToken,
  type AccessApplication,
  type AccessTokenCheck,
} from '../../keys/access-token.ts'
import { callerOfPerson } from '../../keys/view.ts'
import { warn } from '../../log.ts'
import { reasonOf } from '../../reason.ts'
import { keyView } from '../access/view.ts'
import type { AppContext } from '../app-env.ts'
import { RequestError } from '../request-error.ts'
import { newAccessKeySource } from './access-keys.ts'
import type { SignIn } from './sign-in.ts'

const HOW = 'send {"key": …, "who": …}'
const NO_TOKEN =
  'no token of Cloudflare Access came with the request: its application has to be in front of /console. Or ' +
  HOW
const NOT_SET = `${HOW}: ACCESS_TEAM and ACCESS_AUD are not set, so Cloudflare Access is no sign-in`

/** Cloudflare adds it to each request of an application. Its cookie is not sure to come ("Validate JWTs"). */
const TOKEN = 'cf-access-jwt-assertion'

const source = newAccessKeySource((address, init) => fetch(address, init), clock)

/**
 * The person whom Cloudflare Access names, with the scopes that an admin gave.
 * @throws RequestError if Access is not set or sent no token, cannot be asked, or the person has no scope
 */
export async function personOfAccess(c: AppContext): Promise<SignIn> {
  const { access } = c.var.config
  const sent = c.req.header(TOKEN)
  if (!access || sent === undefined) {
    throw new RequestError(access ? NO_TOKEN : NOT_SET, 'invalid_request')
  }
  const checked = await checkSent(sent, access)
  if (checked.kind === 'refused') {
    return {
      kind: 'refused',
      reason: `the token of Cloudflare Access is refused: ${checked.reason}`,
    }
  }
  const view = await keyView(c.env, { fresh: true })
  if (!view) {
    throw new RequestError(
      'the server cannot read its list of keys just now: try again',
      'unavailable',
    )
  }
  const { email, until } = checked
  const caller = callerOfPerson(view, email, clock.now())
  if (!caller) {
    throw new RequestError(
      `${email} has no scope here yet: a person whose key has the scope admin adds it under Settings, Keys`,
      'no_grant',
    )
  }
  return { kind: 'person', caller, who: email, until }
}

/** @throws RequestError if the keys of the team cannot be read */
async function checkSent(sent: string, access: AccessApplication): Promise<AccessTokenCheck> {
  const token = readAccessToken(sent)
  if (!token) {
    return { kind: 'refused', reason: 'it is no token signed by RS256' }
  }
  try {
    const key = (await source.keysWith(access.issuer, token.keyId)).get(token.keyId)
    return key
      ? checkAccessToken(token, key, access, clock.now())
      : { kind: 'refused', reason: 'no key of the team ACCESS_TEAM has signed it' }
  } catch (error) {
    warn('access:keys-unreadable', { reason: reasonOf(error) })
    throw new RequestError(
      'the server cannot read the keys of Cloudflare Access just now: try again, or sign in with an API key',
      'unavailable',
    )
  }
}
