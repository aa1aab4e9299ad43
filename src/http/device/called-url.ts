import type { Context } from 'hono'
import type { AppEnv } from '../app-env.ts'

const NO_PARAMS = {}

/** The URL as in the device's profile: behind a proxy that ends TLS, the scheme of the public URL differs. */
export function calledUrl(c: Context<AppEnv>): string {
  const { publicUrl } = c.var.config
  if (publicUrl === '' || c.req.url.startsWith(`${publicUrl}/`)) {
    return c.req.url
  }
  const called = new URL(c.req.url)
  return new URL(publicUrl).host === called.host
    ? publicUrl + c.req.url.slice(called.origin.length)
    : c.req.url
}

/** `url_params`: the first value of each key in the query. */
export function firstValues(url: string): Readonly<Record<string, string>> {
  if (!url.includes('?')) {
    return NO_PARAMS
  }
  const { searchParams: params } = new URL(url)
  const values = new Map<string, string>()
  for (const [key, value] of params) {
    values.set(key, values.get(key) ?? value)
  }
  return Object.fromEntries(values)
}
