import { expect, it } from 'vitest'
import { withoutWords } from '../../../../src/cli/build/wordless.ts'

it('the words of an operation go, and the schemas of its request stay', () => {
  const source = `routes.openapi(
  operation('doThing', 'post', '/things/{id}', {
    tags: ['Things'],
    summary: 'Does it',
    params: pathId(z.string(), 'its id', 'one'),
    body: body(z.strictObject({ n: z.int().openapi({ description: 'a number' }) }), { one: { n: 1 } }),
    answers: { 200: answer('done', thing, { id: 'one' }) },
  }),
  async (c) => c.json({ id: c.req.valid('param').id }, 200),
)`
  const lean = withoutWords(source)
  expect(lean.replaceAll(/\s+/g, ' ')).toBe(
    "routes.openapi( operation('doThing', 'post', '/things/{id}', { " +
      "params: pathId(z.string(), 'its id', 'one'), " +
      'body: body(z.strictObject({ n: z.int() }), {}), }), ' +
      "async (c) => c.json({ id: c.req.valid('param').id }, 200), )",
  )
  expect(lean.split('\n')).toHaveLength(source.split('\n').length)
})

it.each([
  ["z.string().openapi('Name')", 'z.string()'],
  [
    "z.string().min(1).openapi('Name', { description: 'x' }).optional()",
    'z.string().min(1).optional()',
  ],
  ['z.array(z.int().openapi(WORDS)).openapi(WORDS)', 'z.array(z.int())'],
  ['routes.openapi(declared, handler)', 'routes.openapi(declared, handler)'],
  ['routes.openapi(operation(a, b, c, given), (c) => c.body(null))', undefined],
  ['c.body(null, 204)', 'c.body(null, 204)'],
])('%s becomes %s', (source, lean = source) => {
  expect(withoutWords(source)).toBe(lean)
})

it('a constant that is made by calls may be left out, and one that is a value is as it was', () => {
  expect(withoutWords('export const thing = z.object({})\nconst MAX = 5\nconst f = () => 1')).toBe(
    'export const thing = /* @__PURE__ */ (() => (z.object({})))()\nconst MAX = 5\nconst f = () => 1',
  )
})
