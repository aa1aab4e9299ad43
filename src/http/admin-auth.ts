import type { MiddlewareHandler } from 'hono'
import type { AppEnv } from './app-env.ts'
import { errorJson } from './error-json.ts'
import { sameSecret } from './same-secret.ts'

/**
 * HTTP Basic, user `micromdm`, password the API key (micromdm-contract §1.1), before the body is read.
 */
export const adminAuth: MiddlewareHandler<AppEnv> = async (c, next) => {
  const sent = /^basic +(\S+)$/i.exec(c.req.header('authorization') ?? '')?.[1] ?? ''
  const expected = Buffer.from(`micromdm:${c.var.config.apiKey}`).toString('base64')
  if (!sameSecret(sent, expected)) {
    return errorJson('Unauthorized', 401, { 'www-authenticate': 'Basic realm="micromdm"' })
  }
  return next()
}
