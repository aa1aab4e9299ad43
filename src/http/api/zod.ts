/**
 * zod, as far as this Worker uses it, with the method `openapi` (said.ts). `z` is a value, so a bundle keeps
 * all that it has: zod's own `z` is 68 KB of gzip more, most of it error texts in fifty languages. Code that
 * uses a name outside this list does not compile.
 */
import { ZodObject, ZodType } from 'zod/v4'
import { extendZod } from './said.ts'

export type * from 'zod/v4'
export {
  array,
  base64,
  boolean,
  config,
  enum,
  int,
  iso,
  NEVER,
  number,
  object,
  preprocess,
  record,
  strictObject,
  string,
  unknown,
  url,
  ZodObject,
  ZodType,
} from 'zod/v4'
// oxlint-disable-next-line import/no-self-import -- as in zod, `z` is all that its module exports
export * as z from './zod.ts'

extendZod({ ZodObject, ZodType })
