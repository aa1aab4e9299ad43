import { describe, expect, it } from 'vitest'
import { type Schemas, writeSchema } from '../../../../../src/http/api/openapi/write-schema.ts'
import { z } from '../../../../../src/http/api/zod.ts'

const written = (schema: z.ZodType) => writeSchema(schema, {})

describe('a schema of the API’s document', () => {
  it.each<[string, z.ZodType, object]>([
    ['a text', z.string().min(1).max(9), { type: 'string', minLength: 1, maxLength: 9 }],
    ['a pattern', z.string().regex(/^a\/b$/), { type: 'string', pattern: '^a\\/b$' }],
    ['an address', z.url(), { type: 'string', format: 'uri' }],
    ['a time', z.iso.datetime(), { type: 'string', format: 'date-time' }],
    ['base64', z.base64(), { type: 'string' }],
    ['a number', z.number().min(0.5), { type: 'number', minimum: 0.5 }],
    ['a whole number', z.number().int().max(9), { type: 'integer', maximum: 9 }],
    [
      'a number above',
      z.int().gt(1).lt(3),
      { type: 'integer', exclusiveMinimum: 1, exclusiveMaximum: 3 },
    ],
    ['yes or no', z.boolean(), { type: 'boolean' }],
    ['words', z.enum(['a', 'b']), { type: 'string', enum: ['a', 'b'] }],
    ['words or null', z.enum(['a']).nullable(), { type: ['string', 'null'], enum: ['a', null] }],
    ['a list', z.array(z.int()).max(2), { type: 'array', items: { type: 'integer' }, maxItems: 2 }],
    [
      'a record',
      z.record(z.string(), z.int()),
      { type: 'object', additionalProperties: { type: 'integer' } },
    ],
    [
      'a choice',
      z.int().or(z.string()).nullable(),
      { anyOf: [{ type: 'integer' }, { type: 'string' }, { type: 'null' }] },
    ],
    ['any value', z.unknown().nullable(), {}],
    ['a default', z.int().default(7), { type: 'integer', default: 7 }],
    ['what a request writes', z.string().transform(Number), { type: 'string' }],
    ['what is read from a query', z.preprocess(String, z.boolean()), { type: 'boolean' }],
    ['a type of its own', z.unknown().openapi({ type: 'object' }), { type: 'object' }],
  ])('has the form of %s', (_, schema, form) => expect(written(schema)).toEqual(form))

  it('requires the keys of an object that may not be left out', () => {
    const schema = z.strictObject({ a: z.int(), b: z.int().optional(), c: z.int().default(1) })
    expect(written(schema)).toEqual({
      type: 'object',
      properties: {
        a: { type: 'integer' },
        b: { type: 'integer' },
        c: { type: 'integer', default: 1 },
      },
      required: ['a'],
      additionalProperties: false,
    })
  })

  it('keeps words behind checks and wrappers, and the outer ones count', () => {
    const inner = z.string().openapi({ description: 'inner', example: 'x' })
    expect(written(inner.min(1).nullable().openapi({ description: 'outer' }))).toEqual({
      type: ['string', 'null'],
      minLength: 1,
      description: 'outer',
      example: 'x',
    })
    expect(written(inner)).toEqual({ type: 'string', description: 'inner', example: 'x' })
  })

  it('is a component if it has a name, and each use refers to it', () => {
    const word = z.enum(['a', 'b']).openapi('Word')
    const schemas: Schemas = {}
    const $ref = '#/components/schemas/Word'
    expect(writeSchema(word, schemas)).toEqual({ $ref })
    expect(writeSchema(word.openapi({ description: 'of b' }), schemas)).toEqual({
      allOf: [{ $ref }, { description: 'of b' }],
    })
    expect(writeSchema(word.nullable(), schemas)).toEqual({ anyOf: [{ $ref }, { type: 'null' }] })
    expect(schemas).toEqual({ Word: { type: 'string', enum: ['a', 'b'] } })
  })

  it('refers to the component that it extends, and adds what is new', () => {
    const thing = z.object({ id: z.string(), size: z.int() }).openapi('Thing')
    const detail = thing.extend({ more: z.string() }).openapi('Detail')
    const schemas: Schemas = {}
    writeSchema(detail, schemas)
    expect(Object.keys(schemas)).toEqual(['Detail', 'Thing'])
    expect(schemas['Detail']).toEqual({
      allOf: [
        { $ref: '#/components/schemas/Thing' },
        { type: 'object', properties: { more: { type: 'string' } }, required: ['more'] },
      ],
    })
  })

  it('is refused if its kind has no form', () => {
    expect(() => written(z.string().readonly())).toThrow(
      'no form for a schema of the kind readonly',
    )
  })
})
