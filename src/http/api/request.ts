import type { Context } from 'hono'
import type { AppEnv } from '../app-env.ts'
import { AdminError } from '../at-device.ts'
import { readBody } from '../body.ts'

/** The body as a JSON object; an empty body is an empty one. */
export async function jsonObjectOf(c: Context<AppEnv>): Promise<Readonly<Record<string, unknown>>> {
  const bytes = await readBody(c.req.raw)
  if (bytes === undefined) {
    throw new AdminError('the body is longer than 20 MB', 413)
  }
  const value = parse(new TextDecoder().decode(bytes).trim() || '{}')
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new AdminError('the body has to be a JSON object', 400)
  }
  return { ...value }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new AdminError('the body is no JSON', 400)
  }
}
