/** Apple's refusals, in MicroMDM's words. */
import type { DepRefusal, DepRefused } from '../../dep/client.ts'
import type { DepProfileFault } from '../../dep/profile.ts'
import { rfc3339 } from '../../events/event.ts'
import { RequestError } from '../request-error.ts'

/** What an admin can do about Apple's word. */
const ADVICE: Readonly<Record<string, string>> = {
  T_C_NOT_SIGNED:
    'Apple has new terms: an administrator of the organisation has to accept them at business.apple.com or ' +
    'school.apple.com',
  ACCESS_DENIED: 'Apple refuses the account: look at the server entry at business.apple.com',
}
const NEW_TOKEN = 'Apple refuses the token: download a new one at business.apple.com and import it'

function adviceOn({ at, status, code, retryAt }: DepRefused): string | undefined {
  if (retryAt !== undefined) {
    return `Apple wants no call before ${rfc3339(retryAt)}`
  }
  return ADVICE[code] ?? (at === 'session' && [401, 403].includes(status) ? NEW_TOKEN : undefined)
}

/** The error for a call that Apple did not carry out, in MicroMDM's words. `what` was to be done. */
export function depError(what: string, answer: DepRefusal): RequestError {
  if (answer.kind === 'unreachable') {
    const text = `${what}: perform dep request: ${answer.reason}`
    return new RequestError(text, 'dep_unavailable', { micromdm: 500 })
  }
  const { at, status, code } = answer
  const session = at === 'session' ? 'establishing DEP session: ' : ''
  const advice = adviceOn(answer)
  return new RequestError(
    `${what}: ${session}unexpected dep response. status=${status} DEP API Error: ${code}` +
      (advice === undefined ? '' : ` (${advice})`),
    'dep_refused',
    { micromdm: 500, ...(code !== '' && { word: code }) },
  )
}

/** The error for a profile that Apple would refuse, in the words of a refusal. */
export function depProfileError(what: string, { code, text }: DepProfileFault): RequestError {
  const said = `${what}: unexpected dep response. status=400 DEP API Error: ${code} (${text})`
  return new RequestError(said, 'invalid_request', { micromdm: 500, word: code })
}
