/** Writes the API's document in OpenAPI 3.1. */
import type { RouteConfig } from '@hono/zod-openapi'
import { aboutOf } from '../said.ts'
import { z } from '../zod.ts'
import type { Document } from './kind.ts'
import { accepts, writeSchema, type Json, type Schemas } from './write-schema.ts'

/**
 * The document of operations.
 *
 * @param names schemas that are components although their first use may allow null
 * @param about the other parts of the document, with the components that are no schemas
 */
export function writeDocument(
  operations: readonly RouteConfig[],
  names: Readonly<Record<string, z.ZodType>>,
  about: Omit<Document, 'paths'>,
): Document {
  const schemas: Schemas = {}
  for (const schema of Object.values(names)) {
    writeSchema(schema, schemas)
  }
  const paths: Document['paths'] = {}
  for (const { path, method, ...operation } of operations) {
    paths[path] = { ...paths[path], [method]: writeOperation(operation, schemas) }
  }
  const components = { ...about.components, schemas, parameters: {} }
  return { ...about, components, paths, webhooks: {} }
}

function writeOperation(
  { request = {}, responses, ...about }: Omit<RouteConfig, 'method' | 'path'>,
  schemas: Schemas,
): Json {
  const { params, query, headers, body } = request
  const parameters = Object.entries({ path: params, query, header: headers }).flatMap(
    ([place, all]) =>
      Object.entries(all && 'shape' in all ? all.shape : {}).map(([name, one]) =>
        writeParameter(name, place, one, schemas),
      ),
  )
  const answers = Object.entries(responses).map(
    ([status, response]) => [status, withContent(response, schemas)] as const,
  )
  return {
    ...about,
    ...(parameters.length > 0 && { parameters }),
    ...(body && { requestBody: withContent(body, schemas) }),
    responses: Object.fromEntries(answers),
  }
}

function writeParameter(name: string, place: string, one: z.ZodType, schemas: Schemas): Json {
  const { param, words } = aboutOf(one)
  const { description } = words
  return {
    schema: writeSchema(one, schemas),
    required: !accepts(one, undefined) && !accepts(one, null),
    ...(description !== undefined && { description }),
    ...param,
    name,
    in: place,
  }
}

type Part = RouteConfig['responses'][string] | NonNullable<RouteConfig['request']>['body']

/** A body or an answer with its schemas written. */
function withContent(part: Part, schemas: Schemas): Json {
  const { content = {}, ...rest } = { content: undefined, ...part }
  const written = Object.entries(content).map(([type, media]) => {
    const { schema, ...about } = { schema: undefined, ...media }
    const own = schema instanceof z.ZodType ? writeSchema(schema, schemas) : schema
    return [type, { ...about, schema: own }] as const
  })
  return { ...rest, ...(written.length > 0 && { content: Object.fromEntries(written) }) }
}
