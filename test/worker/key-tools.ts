import { makeKey } from '../../src/keys/key.ts'
import type { Scope } from '../../src/keys/scopes.ts'
import { turn } from './clock.ts'
import { env, serve } from './server.ts'

let count = 0

/** A key with these scopes, as it is sent. */
export async function keyWith(...scopes: Scope[]): Promise<string> {
  const { text, id, secretHash } = makeKey((bytes) => crypto.getRandomValues(new Uint8Array(bytes)))
  const made = await env.CONTROL.getByName('control').createKey({
    id,
    secretHash,
    name: `key ${++count}`,
    scopes,
    expiresAt: 0,
    by: 'test',
  })
  if (made.kind !== 'created') {
    throw new Error(made.kind)
  }
  // Each isolate asks for unknown keys ten times a second.
  turn(1000)
  await serve('/api/devices', { headers: { authorization: `Bearer ${text}` } })
  return text
}

/** A request with a key, as a Bearer token. */
export function sendWith(
  key: string,
  method: string,
  path: string,
  body?: unknown,
): Promise<Response> {
  return serve(path, {
    method,
    headers: { authorization: `Bearer ${key}` },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
}
