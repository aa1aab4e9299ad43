import type { ErrorHandler, NotFoundHandler } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { GoFieldError } from '../commands/go-fields.ts'
import { reasonOf, warn } from '../log.ts'
import { PATHS as DEVICE_PATHS } from './device/face.ts'
import type { AppEnv } from './app-env.ts'
import { AdminError } from './at-device.ts'
import { errorJson } from './error-json.ts'
import { problem, speaksProblems } from './problem.ts'

/** Devices read no error bodies and try again after a 5xx; admins get MicroMDM's JSON, or a problem document. */
export const onError: ErrorHandler<AppEnv> = (error, c) => {
  const { path } = c.req
  const own = speaksProblems(path)
  if (error instanceof AdminError) {
    return refuse(path, own ? error.problemStatus : error.status, error.message)
  }
  if (error instanceof GoFieldError) {
    return refuse(path, own ? 400 : 500, error.message)
  }
  if (error instanceof HTTPException && own) {
    return problem(error.status, error.message)
  }
  warn('http:error', { path, reason: reasonOf(error) })
  return DEVICE_PATHS.includes(path) ? c.body(null, 503) : refuse(path, 500, explain(error))
}

export const notFound: NotFoundHandler<AppEnv> = (c) =>
  refuse(c.req.path, 404, `no such route: ${c.req.method} ${c.req.path}`)

/** An error in the words of the path's face. */
export function refuse(path: string, status: number, message: string): Response {
  return speaksProblems(path) ? problem(status, message) : errorJson(message, status)
}

function explain(error: Error): string {
  return /no such table/.test(error.message)
    ? 'the directory is not migrated: run `wrangler d1 migrations apply DB --remote`'
    : error.message
}
