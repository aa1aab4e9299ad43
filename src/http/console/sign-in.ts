import type { Caller } from '../../keys/caller.ts'
import { isForeign } from '../access/foreign.ts'
import type { AppContext } from '../app-env.ts'
import { readBody } from '../body.ts'
import { RequestError } from '../request-error.ts'

/** The person that a key or Cloudflare Access proves, or the reason of a refusal. */
export type SignIn =
  | {
      readonly kind: 'person'
      readonly caller: Caller
      readonly who: string
      /** Of a key that the server made. */
      readonly secretHash?: Uint8Array
      /** When the proof of Access ends (milliseconds). */
      readonly until?: number
    }
  | { readonly kind: 'refused'; readonly reason: string }

const MAX_BYTES = 4096
const MAX_WHO = 100
/** All but control, format and unassigned characters. */
const PERSON = /^\P{C}+$/u

/** A page of another site cannot send the header, nor change what the browser adds. @throws RequestError */
export function refuseOtherSite(c: AppContext): void {
  if (c.req.header('x-edgemdm') !== 'console' || isForeign(c, c.var.config.publicUrl)) {
    throw new RequestError(
      'signing in needs the header X-EdgeMDM: console, from a page of this server (see PUBLIC_URL)',
      'cross_site',
    )
  }
}

/**
 * The key and the name of the person; `undefined` for an empty object, which asks for Cloudflare Access.
 * @throws RequestError
 */
export async function readSignIn(
  request: Request,
): Promise<{ readonly key: string; readonly who: string } | undefined> {
  const bytes = await readBody(request, MAX_BYTES).catch(() => undefined)
  const text = new TextDecoder().decode(bytes)
  if (text === '{}') {
    return undefined
  }
  const { key, who } = fieldsOf(text)
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
