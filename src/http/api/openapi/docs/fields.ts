/** Schemas as tables: one row for each field, the fields of inner objects and of `$ref` included. */
import { html } from 'hono/html'
import type { Document, Schema } from '../kind.ts'

export type Html = ReturnType<typeof html>
type Schemas = NonNullable<NonNullable<Document['components']>['schemas']>
type Plain = Exclude<Schema, { $ref: string }>

interface Row {
  readonly name: string
  /** The place of a parameter: path, query or header. */
  readonly place?: string
  readonly type: string
  readonly isRequired: boolean
  readonly isNullable: boolean
  readonly values: readonly unknown[]
  readonly initial: unknown
  readonly description: string | undefined
}

/** Ends a schema that refers to itself. */
const MAX_DEPTH = 8

/** The tables mark the required fields of a request, and the optional fields of an answer. */
type Direction = 'sent' | 'answered'

export function fieldTable(
  schema: Schema | undefined,
  schemas: Schemas,
  direction: Direction,
): Html {
  const rows = schema ? inside(schema, '', schemas) : []
  return rows.length > 0 ? table(rows, direction) : html``
}

export function parameterTable(
  parameters: readonly {
    readonly name: string
    readonly in: string
    readonly schema?: Schema
    readonly description?: string
    readonly required?: boolean
  }[],
  schemas: Schemas,
): Html {
  const rows = parameters.map(({ name, in: place, schema = {}, description, required = false }) => {
    const row = rowOf(name, schema, required, schemas)
    return { ...row, place, description: description ?? row.description }
  })
  return table(rows, 'sent')
}

function table(rows: readonly Row[], direction: Direction): Html {
  const mark = direction === 'sent' ? 'required' : 'optional'
  return html`<table>
    ${rows.map(
      ({ name, place, type, isRequired, isNullable, values, initial, description }) =>
        html`<tr>
          <th><code>${name}</code>${place ? html`<small>${place}</small>` : ''}</th>
          <td>
            ${type}${isNullable ? ' or null' : ''}
            ${isRequired === (direction === 'sent') ? html` <b>${mark}</b>` : ''}
          </td>
          <td>
            ${prose(description)}
            ${values.length > 0 ? html`<small>one of ${values.map(code)}</small>` : ''}
            ${initial === undefined ? '' : html`<small>default ${code(JSON.stringify(initial))}</small>`}
          </td>
        </tr>`,
    )}
  </table>`
}

function code(text: unknown): Html {
  return html`<code>${text}</code> `
}

function inside(schema: Schema, path: string, schemas: Schemas, depth = 0): Row[] {
  const { properties = {}, required = [], items } = resolved(schema, schemas)
  if (depth > MAX_DEPTH) {
    return []
  }
  const own = Object.entries(properties).flatMap(([name, field]) => [
    rowOf(path + name, field, required.includes(name), schemas),
    ...inside(field, `${path}${name}.`, schemas, depth + 1),
  ])
  const under = path === '' ? '[].' : `${path.slice(0, -1)}[].`
  return [...own, ...(items ? inside(items, under, schemas, depth + 1) : [])]
}

function rowOf(name: string, schema: Schema, isRequired: boolean, schemas: Schemas): Row {
  const plain = resolved(schema, schemas)
  const { description, enum: listed, const: only } = plain
  const items = plain.items && resolved(plain.items, schemas)
  const values: readonly unknown[] = only === undefined ? (listed ?? items?.enum ?? []) : [only]
  return {
    name,
    type: typeText(plain, schemas),
    isRequired,
    isNullable: typesOf(plain).includes('null'),
    values: values.filter((value) => value !== null).map(String),
    initial: plain.default,
    description: description ?? items?.description,
  }
}

function typeText(plain: Plain, schemas: Schemas): string {
  const types = typesOf(plain).filter((type) => type !== 'null')
  if (plain.items) {
    return `list of ${typeText(resolved(plain.items, schemas), schemas)}`
  }
  const { minimum, maximum, format, additionalProperties: other } = plain
  if (typeof other === 'object' && !plain.properties) {
    return `object of ${typeText(resolved(other, schemas), schemas)}`
  }
  const range = [minimum ?? '', maximum ?? ''].join(' to ').trim()
  const more = [format, minimum === undefined && maximum === undefined ? undefined : range]
  return [types.join(' or ') || 'any', ...more.filter((one) => one !== undefined)].join(', ')
}

function typesOf({ type = [] }: Plain): readonly string[] {
  return typeof type === 'string' ? [type] : type
}

/** The schema with the parts of `allOf` in one, and `null` among the alternatives as a type. */
export function resolved(schema: Schema, schemas: Schemas): Plain {
  if ('$ref' in schema) {
    const { $ref, ...beside } = schema
    const found = schemas[$ref.slice('#/components/schemas/'.length)]
    return found ? { ...resolved(found, schemas), ...beside } : beside
  }
  const { allOf, anyOf, oneOf, ...own } = schema
  const parts = (allOf ?? []).map((part) => resolved(part, schemas))
  const choices = (anyOf ?? oneOf ?? []).map((part) => resolved(part, schemas))
  if (parts.length + choices.length === 0) {
    return own
  }
  const all = [...parts, ...choices, own]
  return {
    ...Object.assign({}, ...all),
    properties: Object.assign({}, ...all.map(({ properties }) => properties)),
    required: [...parts, own].flatMap(({ required = [] }) => required),
    ...(choices.length > 0 ? { type: [...new Set(choices.flatMap(typesOf))] } : {}),
  }
}

/** Descriptions have code between backticks, as in Markdown, and no other Markdown. */
export function prose(text = ''): Html {
  return html`${text.split('`').map((part, n) => (n % 2 === 1 ? html`<code>${part}</code>` : part))}`
}

export function json(value: unknown): Html {
  return html`<pre>${JSON.stringify(value, null, 2)}</pre>`
}
