/** New servers, whose secrets are in no setting. */
import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test'
import { randomBytes } from 'node:crypto'
import { prepareConfig, type ClaimEnv } from '../../src/config/claim.ts'
import { requireConfig, type Config } from '../../src/config/config.ts'
import { laterIn } from '../../src/guard.ts'
import worker from '../../src/index.ts'
import type { Env } from '../../src/env.ts'
import { env } from './server.ts'

export const CODE = 'the tests know this code: 8341'
export const SETUP = { 'x-edgemdm': 'setup', 'content-type': 'application/json' }
const ORIGIN = 'https://mdm.test'

export interface Shown {
  readonly api_key: string
  readonly seal_keys: string
  readonly url: string
}

export const newRing = (): string => `k1:${randomBytes(32).toString('base64')}`

/** A server with an object Control of its own, and no secret but a setup code. */
export function newServer() {
  const name = crypto.randomUUID()
  // A stub of an object that has ended is of no use.
  const control = () => env.CONTROL.getByName(name)
  return {
    control,
    /** An isolate of the server: it has found out nothing yet. */
    isolate: (vars: object = {}) =>
      isolateOf({
        API_KEY: '',
        SEAL_KEYS: '',
        SETUP_CODE: CODE,
        CONTROL: { getByName: control },
        ...vars,
      }),
  }
}

export function isolateOf(vars: object) {
  const its = { ...env, ...vars } as unknown as Env
  /** Answers once all that the Worker does behind its answer is done. */
  const ask = async (path: string, init: RequestInit = {}): Promise<Response> => {
    const context = createExecutionContext()
    const answer = await worker.fetch(new Request(new URL(path, ORIGIN), init), its, context)
    await waitOnExecutionContext(context)
    return answer as Response
  }
  const post = (path: string, code: string, headers: Record<string, string> = {}) =>
    ask(path, {
      method: 'POST',
      headers: { ...SETUP, ...headers },
      body: JSON.stringify({ code }),
    })
  return {
    ask,
    /** What an object of the isolate knows, once all is found out. */
    config: async (): Promise<Config> => {
      const context = createExecutionContext()
      await prepareConfig(its, laterIn(context))
      await waitOnExecutionContext(context)
      return requireConfig(its)
    },
    claim: (code = CODE, headers?: Record<string, string>) => post('/setup/claim', code, headers),
    confirm: (code = CODE) => post('/setup/confirm', code),
    shown: async (): Promise<Shown> => (await post('/setup/claim', CODE)).json(),
    state: async () => (await ask('/setup/state')).json(),
    /** The status of an admin's request. */
    statusOf: async (key: string) =>
      (await ask('/api/whoami', { headers: { authorization: `Bearer ${key}` } })).status,
  }
}

/** A server that its page has claimed, and the keys that the page showed. */
export async function claimedServer() {
  const server = newServer()
  const page = server.isolate()
  const shown = await page.shown()
  await page.confirm()
  return { ...server, shown }
}

/** Each call of the object Control fails. */
export const unreachable: Required<ClaimEnv> = {
  CONTROL: {
    getByName: () => {
      const fail = async (): Promise<never> => {
        throw new Error('the object is unreachable')
      }
      return { claimView: fail, noteSecrets: fail }
    },
  },
}

export async function codeOf(response: Response): Promise<unknown> {
  const { code } = await response.json<{ code?: string }>()
  return [response.status, code]
}
