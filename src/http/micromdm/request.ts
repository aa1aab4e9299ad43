import type { Context } from 'hono'
import { isJsonObject } from '../../commands/go-fields.ts'
import { readGoJson, type JsonObject, type JsonValue } from '../../commands/go-json.ts'
import { writeGoJson, type WritableJson } from '../../commands/go-json-write.ts'
import type { AppEnv } from '../app-env.ts'
import { RequestError } from '../request-error.ts'
import { readBody } from '../body.ts'

export type AdminContext = Context<AppEnv>

/** The body as bytes, without regard to its content type. */
export async function readBodyBytes(c: AdminContext): Promise<Uint8Array> {
  const body = await readBody(c.req.raw)
  if (body === undefined) {
    throw new RequestError('the body is longer than 20 MB', 413)
  }
  return body
}

/** The first JSON value of the body, read as Go's decoder reads it (docs/micromdm.md). */
export async function readJson(c: AdminContext): Promise<JsonValue> {
  const read = readGoJson(new TextDecoder().decode(await readBodyBytes(c)))
  if (!read.ok) {
    throw new RequestError(read.error)
  }
  return read.value
}

/** The same for an expected struct: `null` is an empty one. */
export async function readObject(c: AdminContext): Promise<JsonObject> {
  const value = await readJson(c)
  if (value === null) {
    return {}
  }
  if (!isJsonObject(value)) {
    throw new RequestError(
      'json: cannot unmarshal the body into a Go struct: it has to be an object',
    )
  }
  return value
}

export function goJson(value: WritableJson, status = 200): Response {
  return new Response(writeGoJson(value), {
    status,
    headers: { 'content-type': 'application/json; charset=utf-8' },
  })
}

/** Characters of a warning; longer headers are refused by some proxies. */
const MAX_WARNING = 1000

/** What was done and yet may not be meant. MicroMDM has no place for it in its JSON (RFC 7234 §5.5). */
export function withWarnings(response: Response, warnings: readonly string[]): Response {
  for (const text of warnings) {
    const shown = text.slice(0, MAX_WARNING).replace(/[^ -~]/g, '?')
    response.headers.append('warning', `299 - "${shown.replace(/["\\]/g, '\\$&')}"`)
  }
  return response
}
