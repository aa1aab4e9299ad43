/** zod's schemas as those of OpenAPI 3.1. */
import { type core, safeParse } from 'zod/v4'
import { aboutOf, type Base, defOf, unwrapped } from '../said.ts'

export type Json = Readonly<Record<string, unknown>>
/** The components that are written so far, by name. */
export type Schemas = Record<string, Json>
type Write = (schema: core.$ZodType) => Json

const NULL = { type: 'null' }

/** OpenAPI's names of zod's formats. */
const FORMATS: Readonly<Record<string, string>> = { url: 'uri', datetime: 'date-time' }

export function accepts(schema: core.$ZodType, value: null | undefined): boolean {
  return safeParse(schema, value).success
}

/** The schema. A named one is a reference to its component, which is written at its first use. */
export function writeSchema(schema: core.$ZodType, schemas: Schemas): Json {
  const { name, words } = aboutOf(schema)
  const write: Write = (part) => writeSchema(part, schemas)
  if (name === undefined) {
    return describe(schema, write)
  }
  const reference = refTo(name)
  const known = schemas[name]
  if (!known) {
    // It takes its place before the components that it refers to.
    schemas[name] = {}
    schemas[name] = describe(schema, write)
    return reference
  }
  const own = unlike(known, words)
  if (accepts(schema, null) && ![known['type']].flat().includes('null')) {
    return { anyOf: [reference, NULL], ...own }
  }
  return Object.keys(own).length > 0 ? { allOf: [reference, own] } : reference
}

function refTo(name: string): Json {
  return { $ref: `#/components/schemas/${name}` }
}

/** The entries of `own` that `base` does not have. */
function unlike(base: Json, own: Json): Json {
  const other = Object.entries(own).filter(
    ([key, value]) => JSON.stringify(value) !== JSON.stringify(base[key]),
  )
  return Object.fromEntries(other)
}

/** The schema, with what is said of it. */
function describe(schema: core.$ZodType, write: Write): Json {
  const { words, base } = aboutOf(schema)
  if (words['type'] !== undefined) {
    return words
  }
  const { inner, initial } = unwrapped(schema)
  const def = defOf(inner)
  const isNullable = accepts(schema, null)
  const written =
    def.type === 'object'
      ? writeObject(def, isNullable, base, write)
      : writeOther(def, isNullable, write)
  const all = Object.entries({ ...written, default: initial, ...words })
  return Object.fromEntries(all.filter(([, value]) => value !== undefined))
}

function typed(type: string, isNullable: boolean): Json {
  return { type: isNullable ? [type, 'null'] : type }
}

function writeObject(
  { shape, catchall }: core.$ZodObjectDef,
  isNullable: boolean,
  base: Base | undefined,
  write: Write,
): Json {
  const isClosed = catchall && defOf(catchall).type === 'never'
  const { properties, required } = fieldsOf(shape, write)
  const object = (fields: Json, needed: readonly string[]) => ({
    ...typed('object', isNullable),
    properties: fields,
    ...(needed.length > 0 && { required: needed }),
    ...(isClosed && { additionalProperties: false }),
  })
  if (!base) {
    return object(properties, required)
  }
  // The base becomes a component, even if no operation refers to it.
  write(base.schema)
  const there = fieldsOf(base.schema.shape, write)
  const needed = required.filter((key) => !there.required.includes(key))
  return { allOf: [refTo(base.name), object(unlike(there.properties, properties), needed)] }
}

function fieldsOf(shape: core.$ZodShape, write: Write) {
  const fields = Object.entries(shape)
  return {
    properties: Object.fromEntries(fields.map(([key, field]) => [key, write(field)])),
    required: fields.flatMap(([key, field]) => (accepts(field, undefined) ? [] : [key])),
  }
}

/** All but objects. */
function writeOther(def: ReturnType<typeof defOf>, isNullable: boolean, write: Write): Json {
  const checks = (def.checks ?? []).map(checkOf)
  const or = (values: unknown[], none: unknown) => (isNullable ? [...values, none] : values)
  switch (def.type) {
    case 'string': {
      const format = 'format' in def ? FORMATS[String(def.format)] : undefined
      return { ...typed('string', isNullable), ...limits(checks, 'Length'), format }
    }
    case 'number': {
      const isWhole = [def, ...checks].some((one) => 'format' in one && one.format === 'safeint')
      return { ...typed(isWhole ? 'integer' : 'number', isNullable), ...limits(checks) }
    }
    case 'boolean':
      return typed('boolean', isNullable)
    case 'enum':
      return { ...typed('string', isNullable), enum: or(Object.values(def.entries), null) }
    case 'array':
      return {
        ...typed('array', isNullable),
        items: write(def.element),
        ...limits(checks, 'Items'),
      }
    case 'record':
      return { ...typed('object', isNullable), additionalProperties: write(def.valueType) }
    case 'union':
      return {
        anyOf: or(
          def.options.map((option) => write(unwrapped(option).inner)),
          NULL,
        ),
      }
    case 'unknown':
      return {}
    default:
      throw new Error(`the document has no form for a schema of the kind ${def.type}`)
  }
}

function checkOf(check: core.$ZodCheck) {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- zod's base type does not know its kinds
  const { _zod: internals } = check as core.$ZodChecks
  return internals.def
}

/** `unit`: the word for a size, of texts or of lists. */
function limits(checks: readonly ReturnType<typeof checkOf>[], unit = ''): Json {
  const all = checks.map((def): Json => {
    switch (def.check) {
      case 'min_length':
        return { [`min${unit}`]: def.minimum }
      case 'max_length':
        return { [`max${unit}`]: def.maximum }
      case 'greater_than':
        return { [def.inclusive ? 'minimum' : 'exclusiveMinimum']: def.value }
      case 'less_than':
        return { [def.inclusive ? 'maximum' : 'exclusiveMaximum']: def.value }
      case 'string_format':
        return { pattern: def.pattern?.source }
      default:
        return {}
    }
  })
  return Object.assign({}, ...all)
}
