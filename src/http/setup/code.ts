import { configOf } from '../../config/config.ts'
import { readSetupCode, SET_CODE } from '../../config/setup-code.ts'
import { warn } from '../../log.ts'
import { isForeign } from '../access/foreign.ts'
import { slowingAfter } from '../access/wrong-keys.ts'
import type { AppContext } from '../app-env.ts'
import { readBody } from '../body.ts'
import { addressOf, siteOf } from '../caller.ts'
import { notReady } from '../not-ready.ts'
import { problem } from '../problem.ts'
import { RequestError } from '../request-error.ts'

const MAX_BYTES = 1024
/** A person types the code; a script guesses it. */
const AT_ONCE = 5
const NOT_STORED = { 'cache-control': 'no-store' }

const slowWrongCodes = slowingAfter(AT_ONCE, (from, before) => {
  warn('claim:wrong-code', { from, before })
})

/**
 * The right setup code of a request to an unclaimed server, or the answer to any other request. The right
 * code is accepted at once, however many wrong ones came before: only these are slowed, by their network.
 *
 * @throws RequestError
 */
export async function rightCode(c: AppContext): Promise<string | Response> {
  const result = configOf(c.env)
  refuseOtherPages(c, result.ok ? result.config.publicUrl : result.publicUrl)
  if (result.ok) {
    throw alreadyClaimed()
  }
  if (result.why !== 'unclaimed') {
    return notReady(c, result)
  }
  const code = readSetupCode({ ...c.env })
  if (code.kind === 'missing') {
    throw new RequestError(`the server has no setup code: run \`${SET_CODE}\``, 'no_setup_code')
  }
  const sent = await readSent(c.req.raw)
  const outcome = code.kind === 'weak' ? code : code.check(sent)
  if (outcome === 'right') {
    return sent
  }
  if (outcome !== 'wrong') {
    throw new RequestError(outcome.text, 'no_setup_code')
  }
  const isSlow = await slowWrongCodes(siteOf(addressOf(c)))
  return isSlow
    ? problem('wrong_setup_code', 'the setup code is wrong', { headers: NOT_STORED })
    : problem(
        'too_many_wrong_keys',
        'the setup code is wrong, and too many wrong codes came from this address: the right code is ' +
          'accepted at once',
        { headers: { ...NOT_STORED, 'retry-after': '60' } },
      )
}

export function alreadyClaimed(): RequestError {
  return new RequestError(
    'this server is claimed. The owner of its account gets a key with all rights by ' +
      '`npx wrangler secret put API_KEY`',
    'already_claimed',
  )
}

/** A page of another site can send neither this header nor JSON without asking first. */
function refuseOtherPages(c: AppContext, publicUrl: string): void {
  const { req } = c
  const isJson = /^application\/json\b/i.test(req.header('content-type') ?? '')
  if (req.header('x-edgemdm') !== 'setup' || !isJson || isForeign(c, publicUrl)) {
    throw new RequestError(
      'a claim needs the headers X-EdgeMDM: setup and Content-Type: application/json, from a page of this ' +
        'server',
      'cross_site',
    )
  }
}

async function readSent(request: Request): Promise<string> {
  const bytes = await readBody(request, MAX_BYTES).catch(() => undefined)
  const code = codeIn(new TextDecoder().decode(bytes))
  if (code === undefined) {
    throw new RequestError('the body has to be {"code": "…"}: the setup code', 'invalid_request')
  }
  return code.trim()
}

function codeIn(text: string): string | undefined {
  try {
    const value: unknown = JSON.parse(text)
    const code: unknown = typeof value === 'object' && value !== null && Reflect.get(value, 'code')
    return typeof code === 'string' ? code : undefined
  } catch {
    return undefined
  }
}
