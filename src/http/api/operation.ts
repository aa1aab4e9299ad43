import type { RouteConfig } from '@hono/zod-openapi'
import { z } from './zod.ts'
import { CODES } from '../problem.ts'
import { deviceId } from './device-id.ts'

/** An operation of the API: what its request and its answers hold, each with an example that a test sends. */
interface Operation {
  readonly tags: string[]
  readonly summary: string
  readonly description?: string
  /** Path, query and headers by name. Other query parameters are refused. */
  readonly params?: z.ZodRawShape
  readonly query?: z.ZodRawShape
  readonly headers?: z.ZodRawShape
  readonly body?: NonNullable<RouteConfig['request']>['body']
  readonly answers: RouteConfig['responses']
  /** The causes of its errors, by status. The errors of all operations are in openapi/document.ts. */
  readonly problems?: Problems
}

type Problems = Readonly<Partial<Record<400 | 403 | 404 | 409 | 422 | 429, string>>>
type Method = 'get' | 'post' | 'put' | 'patch' | 'delete'
type Part = 'params' | 'query' | 'headers' | 'body'
type PartOf<Given> = Given extends z.ZodRawShape ? z.ZodObject<Given> : Given

/** The route of an operation; its handler is typed by it, and throws the problems. */
type Route<M extends Method, Path extends string, O extends Operation> = {
  method: M
  path: Path
  request: { [Name in keyof O & Part]: Name extends 'body' ? O[Name] : PartOf<O[Name]> }
  responses: O['answers']
}

/** Declares one operation, for `routes.openapi(operation(…), handler)`. */
export function operation<M extends Method, Path extends string, O extends Operation>(
  operationId: string,
  method: M,
  path: Path,
  declared: O,
): Route<M, Path, O>
export function operation(
  operationId: string,
  method: Method,
  path: string,
  { params, query, headers, body: requestBody, answers, problems = {}, ...about }: Operation,
): object {
  const refusals = Object.entries(problems).map(([status, text]) => [status, refusal(text)])
  const route: RouteConfig = {
    method,
    path,
    operationId,
    ...about,
    request: {
      ...(params && { params: z.object(params) }),
      ...(query && { query: z.strictObject(query) }),
      ...(headers && { headers: z.object(headers) }),
      ...(requestBody && { body: requestBody }),
    },
    responses: { ...Object.fromEntries(refusals), ...answers },
  }
  return route
}

const problemSchema = z
  .object({
    type: z.string().openapi({ description: 'always `about:blank`: see `code`' }),
    title: z.string().openapi({ description: 'HTTP’s words for the status' }),
    status: z.int(),
    detail: z.string().openapi({ description: 'what is wrong, and what to do; for people' }),
    code: z.enum(CODES).openapi({ description: 'what is wrong; for programs, and stable' }),
    request_id: z
      .string()
      .openapi({ description: 'also in `X-Request-Id`, in the log, and in events' }),
    errors: z
      .array(z.object({ at: z.string(), detail: z.string() }))
      .openapi({ description: 'the places in the request that are at fault' }),
  })
  .openapi('Problem')

/** An error that a route answers on purpose, in its `responses`. */
export function refusal(description: string) {
  return { description, content: { 'application/problem+json': { schema: problemSchema } } }
}

/** A JSON answer; a test compares the example with what the Worker answers. */
export function answer<Schema extends z.ZodType>(
  description: string,
  schema: Schema,
  example: z.input<Schema>,
) {
  return { description, content: { 'application/json': { schema, example } } }
}

/** A JSON body, with one named example or more; a test sends each. */
export function body<Schema extends z.ZodType>(
  schema: Schema,
  examples: Readonly<Record<string, z.input<Schema>>>,
) {
  const named = Object.entries(examples).map(([name, value]) => [name, { value }] as const)
  return {
    required: true as const,
    content: { 'application/json': { schema, examples: Object.fromEntries(named) } },
  }
}

/** The answer where nothing is left to show. */
export const DONE = { description: 'done' }

/** The same response with the address of the thing that was made. */
export function located<Response extends object>(response: Response) {
  return {
    ...response,
    headers: { Location: { description: 'its address', schema: { type: 'string' as const } } },
  }
}

export function pathId<Schema extends z.ZodType>(
  schema: Schema,
  description: string,
  example: string,
): { readonly id: Schema } {
  return { id: schema.openapi({ param: { name: 'id', in: 'path' }, description, example }) }
}

/** The parts of an operation on one device. */
export const DEVICE_PARAMS = { id: deviceId }
export const NO_DEVICE = { 404: 'no device or user channel has this id' }

/** The problem of a PUT with `if_version`; values.ts has its query. */
export const OTHER_VERSION = { 409: 'it has another version than `if_version`' }

/** An empty key is as a rule a variable that is not set: the repeated request would not be recognised. */
export const keyText = z.string().min(1, 'is empty: leave the header out, or send a key').max(255)

/** Names the person or program that queues, where the key alone does not. */
export const actor = z
  .string()
  .optional()
  .openapi({
    description:
      'the name of the person or program that sends the request, up to 100 printable characters; ' +
      '`queued_by` shows it',
  })
