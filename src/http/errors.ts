import type { ErrorHandler, NotFoundHandler } from 'hono'
import { GoFieldError } from '../commands/go-fields.ts'
import { reasonOf, warn } from '../log.ts'
import { PATHS as DEVICE_PATHS } from './device/face.ts'
import { SCEP_PATH } from './device/scep.ts'
import type { AppEnv } from './app-env.ts'
import { AdminError } from './at-device.ts'
import { errorJson } from './error-json.ts'

/** Devices read no error bodies and try again after a 5xx; admins get MicroMDM's JSON. */
export const onError: ErrorHandler<AppEnv> = (error, c) => {
  if (error instanceof AdminError) {
    return errorJson(error.message, error.status)
  }
  if (error instanceof GoFieldError) {
    return errorJson(error.message, 500)
  }
  warn('http:error', { path: c.req.path, reason: reasonOf(error) })
  return DEVICE_PATHS.includes(c.req.path) || c.req.path === SCEP_PATH
    ? c.body(null, 503)
    : errorJson(explain(error), 500)
}

export const notFound: NotFoundHandler<AppEnv> = (c) =>
  errorJson(`no such route: ${c.req.method} ${c.req.path}`, 404)

function explain(error: Error): string {
  return /no such table/.test(error.message)
    ? 'the directory is not migrated: run `wrangler d1 migrations apply DB --remote`'
    : error.message
}
