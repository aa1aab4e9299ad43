import { TEST } from './declaration-tools.ts'
import { serve } from './server.ts'

export const KMFDDM = `Basic ${btoa('kmfddm:test-key')}`
export const TEXT = 'text/plain; charset=utf-8'
export const JSON_TYPE = 'application/json'

export function send(
  method: string,
  path: string,
  body?: string | object,
  headers: Record<string, string> = { authorization: KMFDDM },
): Promise<Response> {
  const text = typeof body === 'object' ? JSON.stringify(body) : body
  return serve(path, { method, headers, ...(text === undefined ? {} : { body: text }) })
}

/** A request’s status, body, and content type. */
export async function answer(
  ...request: Parameters<typeof send>
): Promise<[number, string, string | null]> {
  const response = await send(...request)
  return [response.status, await response.text(), response.headers.get('content-type')]
}

export const echo = (Identifier: string, Echo = 'x') => ({
  Identifier,
  Type: TEST,
  Payload: { Echo },
})
