import { OpenAPIHono, z } from '@hono/zod-openapi'
import type { AppEnv } from '../app-env.ts'
import { problem } from '../problem.ts'
import { faultOf } from './faults.ts'
import { BODILESS, emptyBody } from './request.ts'

/** Unknown query parameters are refused: a DELETE with a filter must not clear everything. */
const NO_QUERY = z.strictObject({})

/** A problem names at most this many places: each item of a long list can be wrong. */
const MAX_FAULTS = 10

z.config({ customError: faultOf })

/** A set of routes; `face.ts` mounts it under `/api` and documents it. */
export function newRoutes(): OpenAPIHono<AppEnv> {
  const routes = new OpenAPIHono<AppEnv>({
    defaultHook: (result) => {
      if (result.success) {
        return undefined
      }
      const errors = result.error.issues.map(({ path, message }) => ({
        at: [result.target, ...path].join('.'),
        detail: message,
      }))
      const shown = errors.slice(0, MAX_FAULTS)
      const more = errors.length > MAX_FAULTS ? `; and ${errors.length - MAX_FAULTS} more` : ''
      const detail = shown.map((fault) => `${fault.at}: ${fault.detail}`).join('; ') + more
      const kind = shown.some(({ at }) => at === 'param.id') ? 'invalid_id' : 'invalid_request'
      return problem(kind, detail, { errors: shown })
    },
  })
  const { openapi } = routes
  routes.openapi = (route, handler, hook) => {
    Object.assign(route, { request: { query: NO_QUERY, ...route.request } })
    if (!route.request?.body && !BODILESS.has(route.method.toUpperCase())) {
      Object.assign(route, { middleware: emptyBody })
    }
    return openapi(route, handler, hook)
  }
  return routes
}
