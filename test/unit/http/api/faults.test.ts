import { expect, it } from 'vitest'
import { faultOf } from '../../../../src/http/api/faults.ts'
import { z } from '../../../../src/http/api/zod.ts'

z.config({ customError: faultOf })

it.each<[z.ZodType, unknown, string]>([
  [z.string(), undefined, 'is missing'],
  [z.string(), 1, 'has to be a text, not a number'],
  [z.int(), 1.5, 'has to be a whole number, not a number'],
  [z.enum(['a', 'b']), 'c', '"c" is not one of: a, b'],
  [z.string().min(2), 'a', 'has to have at least 2 characters'],
  [z.array(z.string()).max(1), ['a', 'b'], 'has to have at most 1 items'],
  [z.number().max(1), 2, 'has to be at most 1'],
  [z.strictObject({ limit: z.int() }), { limit: 1, limti: 1 }, 'Unrecognized key: "limti"'],
  [z.base64(), '*', 'has to be base64'],
  [z.iso.datetime(), 'today', 'has to be a date and time, like 2026-01-31T12:00:00Z'],
  [z.url(), 'no', 'has to be a URL'],
  [z.string().regex(/^\d$/), 'a', 'has to match /^\\d$/'],
])('the fault of a value is told in words for an admin', (schema, value, words) => {
  const [issue] = schema.safeParse(value).error?.issues ?? []
  expect(issue?.message).toContain(words)
})
