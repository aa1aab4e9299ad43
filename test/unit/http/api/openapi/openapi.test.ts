import { createConfig, lintFromString } from '@redocly/openapi-core'
import { Validator } from '@seriousme/openapi-schema-validator'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'

interface Schema {
  readonly $ref?: string
  readonly description?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly items?: Schema
  readonly allOf?: readonly Schema[]
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
}
interface Operation {
  readonly operationId?: string
  readonly summary?: string
  readonly parameters?: readonly { name: string; description?: string; schema: Schema }[]
  readonly requestBody?: { content: Readonly<Record<string, { schema: Schema }>> }
  readonly responses: Readonly<Record<string, { description?: string }>>
}
interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly webhooks: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> }
}

// What the server tells is held to this file by test/e2e/api-docs.test.ts.
const source = readFileSync(join(import.meta.dirname, '../../../../../docs/openapi.json'), 'utf8')
const document: Document = JSON.parse(source)
const operations = [document.paths, document.webhooks].flatMap((items) =>
  Object.entries(items).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({
      name: `${method} ${path}`,
      operation,
    })),
  ),
)

it('is valid OpenAPI', async () => {
  expect(await new Validator().validate(JSON.parse(source))).toMatchObject({ valid: true })
})

it('passes the linter, whose rules hold each example to its schema', async () => {
  const config = await createConfig({
    extends: ['recommended-strict'],
    // It says itself that it is MIT's; each server names itself.
    rules: { 'info-license': 'off', 'no-empty-servers': 'off' },
  })
  const found = await lintFromString({ source, config })
  const told = found.map(
    ({ ruleId, message, location: [at] }) => `${ruleId}: ${at?.pointer}: ${message}`,
  )
  expect(told).toEqual([])
})

it('has a name, a summary and a described success for each operation', () => {
  const lacking = operations.filter(
    ({ operation: { operationId, summary, responses } }) =>
      !operationId ||
      !summary ||
      !Object.entries(responses).some(
        ([status, said]) => status.startsWith('2') && said.description,
      ),
  )
  expect(lacking.map(({ name }) => name)).toEqual([])
})

it('describes each parameter, and each property of a body that is sent', () => {
  const lacking = operations.flatMap(({ name, operation }) => [
    ...(operation.parameters ?? [])
      .filter((one) => !one.description && !one.schema.description)
      .map((one) => `${name}: parameter ${one.name}`),
    ...Object.values(operation.requestBody?.content ?? {})
      .flatMap(({ schema }) => undescribed(schema))
      .map((property) => `${name}: property ${property}`),
  ])
  expect(lacking).toEqual([])
})

/** The properties that say nothing of themselves, at any depth. */
function undescribed(schema: Schema, path = ''): string[] {
  const { properties = {}, items, allOf = [], anyOf = [], oneOf = [] } = schema
  const named = referred(schema)
  return [
    ...(named ? undescribed(named, path) : []),
    ...Object.entries(properties).flatMap(([name, property]) => [
      ...(property.description || referred(property)?.description ? [] : [path + name]),
      ...undescribed(property, `${path}${name}.`),
    ]),
    ...(items ? undescribed(items, path) : []),
    ...[...allOf, ...anyOf, ...oneOf].flatMap((part) => undescribed(part, path)),
  ]
}

function referred({ $ref }: Schema): Schema | undefined {
  return $ref === undefined
    ? undefined
    : document.components.schemas[$ref.replace('#/components/schemas/', '')]
}
