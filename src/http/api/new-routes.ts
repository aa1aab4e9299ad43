import type { OpenAPIHono, RouteConfig } from '@hono/zod-openapi'
import type { Handler, HonoRequest, MiddlewareHandler } from 'hono'
import { type App, type AppEnv, newApp } from '../app-env.ts'
import { problem } from '../problem.ts'
import { RequestError } from '../request-error.ts'
import { faultOf } from './faults.ts'
import { BODILESS, emptyBody } from './request.ts'
import { z } from './zod.ts'

/** Unknown query parameters are refused: a DELETE with a filter must not clear everything. */
const NO_QUERY = z.strictObject({})

/** A problem names at most this many places: each item of a long list can be wrong. */
const MAX_FAULTS = 10

z.config({ customError: faultOf })

/** A set of routes; `face.ts` mounts it under `/api` and documents its operations. */
export type Routes = App & {
  readonly operations: readonly RouteConfig[]
  /** Adds an operation. Its handler runs if the request fits the schemas. */
  readonly openapi: OpenAPIHono<AppEnv>['openapi']
}

export function newRoutes(): Routes {
  const routes = newApp()
  const operations: RouteConfig[] = []
  const openapi = (operation: RouteConfig, handler: Handler<AppEnv>) => {
    operations.push(operation)
    const { method, path, request = {} } = operation
    const { query = NO_QUERY, params, headers, body } = request
    const json = body?.content['application/json']
    const checks = [
      ...(body || BODILESS.has(method.toUpperCase()) ? [] : [emptyBody]),
      ...checked('query', query),
      ...checked('param', params),
      ...checked('header', headers),
      ...checked('json', json && 'schema' in json ? json.schema : undefined),
    ]
    routes.on(method, [path.replaceAll(/\{(\w+)\}/g, ':$1')], ...checks, handler)
    return routes
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- operation.ts types the handler
  return Object.assign(routes, { operations, openapi }) as unknown as Routes
}

type Target = 'query' | 'param' | 'header' | 'json'

const READERS: Readonly<Record<Target, (request: HonoRequest) => unknown>> = {
  query: (request) =>
    Object.fromEntries(
      Object.entries(request.queries()).map(([name, all]) => [name, all.length > 1 ? all : all[0]]),
    ),
  param: (request) => request.param(),
  header: (request) => request.header(),
  json: readJson,
}

/** No body, or an empty one, which has no content type here, is an empty object. */
async function readJson(request: HonoRequest): Promise<unknown> {
  if (request.raw.body === null || request.header('content-type') === undefined) {
    return {}
  }
  return request.json().catch(() => {
    throw new RequestError('the body is empty, or no valid JSON', 'invalid_request')
  })
}

/** Checks a part of the request, and gives the handler what its schema makes of it. */
function checked(target: Target, schema: object | undefined): MiddlewareHandler<AppEnv>[] {
  if (!(schema instanceof z.ZodType)) {
    return []
  }
  return [
    async (c, next) => {
      const result = await schema.safeParseAsync(await READERS[target](c.req))
      if (!result.success) {
        return refused(target, result.error.issues)
      }
      c.req.addValidatedData(target, Object(result.data))
      return next()
    },
  ]
}

function refused(target: Target, issues: readonly z.core.$ZodIssue[]): Response {
  const errors = issues.map(({ path, message }) => ({
    at: [target, ...path].join('.'),
    detail: message,
  }))
  const shown = errors.slice(0, MAX_FAULTS)
  const more = errors.length > MAX_FAULTS ? `; and ${errors.length - MAX_FAULTS} more` : ''
  const detail = shown.map((fault) => `${fault.at}: ${fault.detail}`).join('; ') + more
  const kind = shown.some(({ at }) => at === 'param.id') ? 'invalid_id' : 'invalid_request'
  return problem(kind, detail, { errors: shown })
}
