/**
 * The part of zod that this Worker uses. `alias` in wrangler.toml and `paths` in tsconfig.json put it in
 * zod's place.
 * @hono/zod-openapi exports `z` as a value, so a bundle keeps all of it: zod's own `z` adds 68 KB of gzip,
 * most of it error texts in fifty languages. Code that uses a name outside this list does not compile.
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
