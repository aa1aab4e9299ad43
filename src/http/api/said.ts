/** What `.openapi()` says of schemas. */
import type { core, z } from 'zod/v4'

/** A component that another schema extends. */
export interface Base {
  readonly name: string
  readonly schema: z.ZodObject
}

/** `name` makes the schema a component. */
export interface About {
  readonly name?: string | undefined
  readonly base?: Base | undefined
  /** The keys of a parameter. */
  readonly param: Readonly<Record<string, unknown>>
  /** The keys of a schema: description, example, format. */
  readonly words: Readonly<Record<string, unknown>>
}

interface Words extends Readonly<Record<string, unknown>> {
  readonly param?: About['param']
}

const NOTHING: About = { param: {}, words: {} }
const said = new WeakMap<core.$ZodType, About>()

function joined(inner: About, outer: About): About {
  return {
    name: outer.name ?? inner.name,
    base: outer.base ?? inner.base,
    param: { ...inner.param, ...outer.param },
    words: { ...inner.words, ...outer.words },
  }
}

/** A check makes a copy of its schema, for which the same holds. */
function ownAbout(schema: core.$ZodType): About {
  const { _zod: internals } = schema
  const { parent } = internals
  const own = said.get(schema) ?? NOTHING
  return parent ? joined(ownAbout(parent), own) : own
}

/** What is said of a schema and of those that it wraps; the outer ones come first. */
export function aboutOf(schema: core.$ZodType): About {
  const inner = inside(schema)
  return inner ? joined(aboutOf(inner), ownAbout(schema)) : ownAbout(schema)
}

/** The schema inside `.optional()`, `.transform()` and the like. */
function inside(schema: core.$ZodType): core.$ZodType | undefined {
  const def = defOf(schema)
  switch (def.type) {
    case 'optional':
    case 'nullable':
    case 'default':
      return def.innerType
    case 'pipe':
      return defOf(def.in).type === 'transform' ? def.out : def.in
    default:
      return undefined
  }
}

/** The schema that no other one is inside of, and the default value of those around it. */
export function unwrapped(schema: core.$ZodType): { inner: core.$ZodType; initial: unknown } {
  const next = inside(schema)
  if (!next) {
    return { inner: schema, initial: undefined }
  }
  const def = defOf(schema)
  const found = unwrapped(next)
  return def.type === 'default' ? { ...found, initial: def.defaultValue } : found
}

/** The definition of a schema; its `type` tells the kinds apart. */
export function defOf(schema: core.$ZodType) {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- zod's base type does not know its kinds
  const { _zod: internals } = schema as core.$ZodTypes
  return internals.def
}

/**
 * Gives all schemas the method `openapi(name?, words?)`. It answers a copy, because one schema may stand in
 * several places with other words. An object that extends a named one refers to it.
 */
export function extendZod({ ZodType, ZodObject }: Pick<typeof z, 'ZodType' | 'ZodObject'>): void {
  ZodType.prototype.openapi = function openapi(
    this: z.ZodType,
    ...given: [string | Words, Words?]
  ) {
    const [first, second = {}] = given
    const { param = {}, ...words } = typeof first === 'string' ? second : first
    const copy = this.clone()
    said.set(copy, { name: typeof first === 'string' ? first : undefined, param, words })
    if (copy instanceof ZodObject) {
      const extend = copy.extend.bind(copy)
      const extendNamed: typeof extend = (shape) => {
        const extended = extend(shape)
        said.set(extended, extending(copy))
        return extended
      }
      Object.assign(copy, { extend: extendNamed })
    }
    return copy
  }
}

/** What holds for an object that extends this one. */
function extending(schema: z.ZodObject): About {
  const { name, base, ...about } = ownAbout(schema)
  return { ...about, base: name === undefined ? base : { name, schema } }
}
