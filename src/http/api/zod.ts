/**
 * The part of zod that this Worker uses, in zod's place: `alias` in wrangler.toml and `paths` in tsconfig.json put it there.
 * @hono/zod-openapi hands `z` on as a value, so a bundle keeps all that is in it: zod's own `z` adds 68 KB of gzip, most of
 * it error texts in fifty languages. What this list lacks does not compile.
 */
export type * from 'zod/v4'
export {
  array,
  base64,
  boolean,
  config,
  enum,
  int,
  iso,
  json,
  literal,
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
