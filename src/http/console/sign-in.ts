import type { AppContext } from '../app-env.ts'
import { readBody } from '../body.ts'
import { RequestError } from '../request-error.ts'

const MAX_BYTES = 4096
const MAX_WHO = 100
/** All but control, format and unassigned characters. */
const PERSON = /^\P{C}+$/u

/** A page of another site can send neither this header nor this word of the browser. @throws RequestError */
export function refuseOtherSite({ req }: AppContext): void {
  const site = req.header('sec-fetch-site') ?? 'same-origin'
  if (req.header('x-edgemdm') !== 'console' || site !== 'same-origin') {
    throw new RequestError(
      'signing in needs the header X-EdgeMDM: console, from a page of this server',
      'cross_site',
    )
  }
}

/** The key and the name of the person. @throws RequestError */
export async function readSignIn(request: Request): Promise<{ key: string; who: string }> {
  const bytes = await readBody(request, MAX_BYTES).catch(() => undefined)
  const { key, who } = fieldsOf(new TextDecoder().decode(bytes))
  const name = typeof who === 'string' ? who.trim().normalize() : ''
  if (typeof key !== 'string' || name.length > MAX_WHO || !PERSON.test(name)) {
    throw new RequestError(
      `the body has to be {"key": …, "who": …}: an API key, and your name in 1 to ${MAX_WHO} printable ` +
        'characters',
      'invalid_request',
    )
  }
  return { key, who: name }
}

function fieldsOf(text: string): { readonly key?: unknown; readonly who?: unknown } {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : {}
  } catch {
    return {}
  }
}
