import { basicCredentials, sentenceIn } from '../../api-client.ts'
import { type Asked, askServer } from '../ask.ts'
import type { DoctorContext, DoctorVerdict } from '../check.ts'
import { foreignIn } from './front.ts'

const PATH = '/api/whoami'
/** No server has it: API keys are random. */
const WRONG = 'edgemdm-doctor-has-no-key'

/** Check 8: the admin API is closed to all but keys, and open to the key that is given. */
export async function checkAdminAuth(context: DoctorContext): Promise<DoctorVerdict> {
  const without = await askServer(context, PATH)
  const wrong = await askServer(context, PATH, sending(`Bearer ${WRONG}`))
  const fault = accessFault(without, 'without a key') ?? accessFault(wrong, 'with a wrong key')
  if (fault) {
    return fault
  }
  if (without.headers.get('www-authenticate') === null) {
    return {
      level: 'warn',
      seen: 'the 401 of the admin API has no WWW-Authenticate',
      fix: 'a proxy removes it: let it pass, because some clients send their key only then',
    }
  }
  if (context.key === undefined) {
    return { level: 'ok', seen: 'without a key and with a wrong one: 401' }
  }
  const right = await askServer(context, PATH, sending(basicCredentials(context.key)))
  if (right.status === 401) {
    return { level: 'fail', seen: 'the server does not know this key', fix: keyRemedy(context) }
  }
  if (right.status !== 200) {
    const { seen, fix } = foreignIn(right) ?? {
      seen: `${right.status}: ${sentenceIn(right.text)}`,
      fix: 'correct what the sentence names (docs/settings.md)',
    }
    return { level: 'fail', seen: `GET ${PATH} with the key: ${seen}`, want: '200', fix }
  }
  const { name = '' }: { name?: string } = JSON.parse(right.text)
  return { level: 'ok', seen: `the key is ${name}` }
}

function sending(authorization: string): RequestInit {
  return { headers: { authorization } }
}

/** 429 is an answer to many wrong keys from this address. */
function accessFault(answer: Asked, how: string): DoctorVerdict | undefined {
  const foreign = foreignIn(answer)
  if (foreign) {
    return { level: 'fail', seen: `GET ${PATH} ${how}: ${foreign.seen}`, fix: foreign.fix }
  }
  return answer.status === 401 || answer.status === 429
    ? undefined
    : {
        level: 'fail',
        seen: `GET ${PATH} ${how} answered ${answer.status}`,
        want: '401',
        fix: 'a proxy in front adds a key of its own: let it pass on what the client sends',
      }
}

function keyRemedy({ isLocal }: DoctorContext): string {
  return isLocal
    ? 'take the key of .edgemdm/api-key'
    : 'take API_KEY of .edgemdm/deployments/NAME/secrets.json, or set another one with ' +
        '`npx wrangler secret put API_KEY --name NAME`'
}
