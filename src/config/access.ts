import type { AccessApplication } from '../keys/access-token.ts'
import { OwnError } from '../reason.ts'
import type { ReadSetting, TextOf } from './enrollment.ts'

/** A label of a host name (RFC 1123 §2.1): the server fetches the keys of the team from this host. */
const TEAM = /^[a-z\d]([a-z\d-]{0,61}[a-z\d])?$/
const AUDIENCE = /^[\da-f]{64}$/

/** The application of Cloudflare Access whose people may sign in; `undefined` if there is none. */
export function readAccess(text: TextOf, attempt: ReadSetting): AccessApplication | undefined {
  const read = (form: RegExp, fault: string, other: string) => (given: string) => {
    if (!form.test(given)) {
      throw new OwnError(fault)
    }
    if (text(other) === '') {
      throw new OwnError(`needs ${other} beside it`)
    }
    return given
  }
  const teamFault = 'not a team name: give acme for https://acme.cloudflareaccess.com'
  const team = attempt('ACCESS_TEAM', read(TEAM, teamFault, 'ACCESS_AUD'), '')
  const tagFault = 'not an AUD tag: Zero Trust shows the 64 hex digits of an application'
  const audience = attempt('ACCESS_AUD', read(AUDIENCE, tagFault, 'ACCESS_TEAM'), '')
  return team === '' || audience === ''
    ? undefined
    : { issuer: `https://${team}.cloudflareaccess.com`, audience }
}
