import type { ErrorHandler, NotFoundHandler } from 'hono'
import { GoFieldError } from '../commands/go-fields.ts'
import { reasonOf, warn } from '../log.ts'
import { PATHS as ENROLL_PATHS } from './device/enroll.ts'
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
  if (DEVICE_PATHS.includes(c.req.path) || c.req.path === SCEP_PATH) {
    return c.body(null, 503)
  }
  return ENROLL_PATHS.includes(c.req.path)
    ? c.text('Enrolment is not possible just now. The log of the server says why.\n', 503)
    : explained(error)
}

export const notFound: NotFoundHandler<AppEnv> = (c) =>
  errorJson(`no such route: ${c.req.method} ${c.req.path}`, 404)

/** D1's own words are in a cause; the query that holds them together is nobody's business. */
function explained(error: Error): Response {
  const causes = [...causesOf(error)]
  if (causes.some((cause) => /no such (table|column)/.test(cause))) {
    return errorJson(
      'the directory is not migrated: run `wrangler d1 migrations apply DB --remote`',
      503,
    )
  }
  return causes.some((cause) => /^(Failed query|D1_)/.test(cause))
    ? errorJson('the directory (D1) does not answer just now: try again', 503)
    : errorJson(error.message, 500)
}

function* causesOf(error: unknown): Generator<string> {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    yield cause.message
  }
}
