import type { Context } from 'hono'
import type { AppEnv } from './app-env.ts'

/** Where we are reached from outside, without a slash at the end. */
export function baseUrl(c: Context<AppEnv>): string {
  return c.var.config.publicUrl || new URL(c.req.url).origin
}
