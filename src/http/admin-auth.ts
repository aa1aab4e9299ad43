import type { MiddlewareHandler } from 'hono'
import type { AppEnv } from './app-env.ts'
import { errorJson } from './error-json.ts'
import { sameSecret } from './same-secret.ts'
import { problem, speaksProblems } from './problem.ts'

const CHALLENGE = { 'www-authenticate': 'Basic realm="micromdm"' }

/**
 * HTTP Basic, user `micromdm`, password the API key (micromdm-contract §1.1), before the body is read.
 */
export const adminAuth: MiddlewareHandler<AppEnv> = async (c, next) => {
  const sent = /^basic +(\S+)$/i.exec(c.req.header('authorization') ?? '')?.[1] ?? ''
  const expected = Buffer.from(`micromdm:${c.var.config.apiKey}`).toString('base64')
  if (!sameSecret(sent, expected)) {
    return speaksProblems(c.req.path)
      ? problem(401, 'HTTP Basic: user micromdm, password the API key', { headers: CHALLENGE })
      : errorJson('Unauthorized', 401, CHALLENGE)
  }
  return next()
}
