import type { OpenAPIHono } from '@hono/zod-openapi'

/** The parts of the document that the routes do not declare. */

type Document = ReturnType<OpenAPIHono['getOpenAPI31Document']>
type Operation = NonNullable<NonNullable<Document['paths']>[string]['get']>
type Content = NonNullable<Extract<Operation['requestBody'], { content: unknown }>>['content']
export const METHODS = ['get', 'post', 'put', 'patch', 'delete'] as const

const TEXT = { type: 'string' as const }
const RETRY_AFTER = {
  'Retry-After': { description: 'seconds to wait; absent if a queue is full', schema: TEXT },
}

/** The errors of all operations. */
export const ERRORS: Readonly<Record<number, string>> = {
  400: 'the request is not valid: `errors` names the places',
  401: 'no API key, or a wrong one',
  403: 'the key lacks the scope of the call, or a page of another site sent the request',
  404: 'the thing that the path names does not exist',
  413: 'the body is longer than 20 MB',
  429: 'too many wrong keys came from this address; the right key is accepted at once',
  500: 'an unforeseen error: the log of the server has its place',
  503: 'a part of the server is not set up, or does not answer just now: `detail` names it',
}

/** Adds the errors of all operations. A client branches by status, so each status has its own response. */
export function withErrors(document: Document): Document {
  const content = {
    'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
  }
  const named = Object.entries(ERRORS).map(([status, description]) => {
    const headers = status === '429' ? RETRY_AFTER : {}
    return [status, `Error${status}`, { description, headers, content }] as const
  })
  const refs = Object.fromEntries(
    named.map(([status, name]) => [status, { $ref: `#/components/responses/${name}` }]),
  )
  for (const [path, item] of Object.entries(document.paths ?? {})) {
    const { 404: absent, ...others } = refs
    for (const method of METHODS) {
      const operation = item[method]
      if (operation) {
        const may = path.includes('{') ? { 404: absent, ...others } : others
        operation.responses = { ...may, ...operation.responses }
      }
    }
  }
  const responses = Object.fromEntries(named.map(([, name, response]) => [name, response]))
  document.components = { ...document.components, responses }
  return document
}

/**
 * Names the schema of each body and answer. Generated clients name their types by it, and some generators
 * need a name to write an open schema.
 */
export function withNames(document: Document): Document {
  const schemas = { ...document.components?.schemas }
  const named = (content: Content | undefined, name: string): Content => {
    const media = content?.['application/json']
    if (!content || !media?.schema || '$ref' in media.schema) {
      return content ?? {}
    }
    schemas[name] = media.schema
    const schema = { $ref: `#/components/schemas/${name}` }
    return { ...content, 'application/json': { ...media, schema } }
  }
  for (const operation of Object.values(document.paths ?? {}).flatMap((item) =>
    METHODS.map((method) => item[method]),
  )) {
    const { operationId = '', requestBody, responses = {} } = operation ?? {}
    const name = operationId.slice(0, 1).toUpperCase() + operationId.slice(1)
    if (operation && requestBody && 'content' in requestBody) {
      const content = named(requestBody.content, `${name}Request`)
      operation.requestBody = { ...requestBody, content }
    }
    for (const response of Object.values<{ content?: Content }>(responses)) {
      if (response.content) {
        response.content = named(response.content, `${name}Answer`)
      }
    }
  }
  document.components = { ...document.components, schemas }
  return document
}
