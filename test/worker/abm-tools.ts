/** A simulated service of Apple in place of the real one, and an account that the Worker has there. */
import { vi } from 'vitest'
import { pem } from '../../src/pki/x509/issue.ts'
import { createSimulatedDep } from '../../src/simulator/dep/dep.ts'
import { clock } from './clock.ts'
import { api, BASIC, serve } from './server.ts'

const APPLE = 'https://mdmenrollment.apple.com/'

export const apple = createSimulatedDep({ now: () => clock.now() })

const outside = globalThis.fetch
vi.spyOn(globalThis, 'fetch').mockImplementation((input, init) => {
  const request = new Request(input, init)
  return request.url.startsWith(APPLE) ? apple.handle(request) : outside(request)
})

/** The token file of a server entry, in base64, for the certificate that the Worker has for it. */
export async function tokenFile(server?: string): Promise<string> {
  const { body } = await api<{ public_key: string }>('GET', '/v1/dep-tokens')
  const der = new Uint8Array(Buffer.from(body.public_key, 'base64'))
  return btoa(apple.tokenFile(pem('CERTIFICATE', der), {}, server))
}

/** Imports a token as `mdmctl` does. @returns the account's id */
export async function connected(server?: string): Promise<string> {
  const p7m_content = await tokenFile(server)
  const { status, body } = await api('PUT', '/v1/dep-tokens', { p7m_content })
  if (status !== 200) {
    throw new Error(JSON.stringify(body))
  }
  const accounts = await api<{ items: { id: string }[] }>('GET', '/api/dep/accounts')
  return accounts.body.items[0]?.id ?? ''
}

export async function synced(): Promise<void> {
  await api('POST', '/v1/dep/syncnow')
}

/** A call of `mdmctl`: its body comes in chunks, of which the first is `{` (Go's net/http). */
export async function mdmctl(method: string, path: string, body?: object) {
  const text = JSON.stringify(body)
  const chunks = text === undefined ? [] : [text.slice(0, 1), `${text.slice(1)}\n`]
  const stream = new ReadableStream({
    start(controller) {
      chunks.forEach((chunk) => controller.enqueue(new TextEncoder().encode(chunk)))
      controller.close()
    },
  })
  const response = await serve(path, {
    method,
    headers: { authorization: BASIC, 'content-type': 'application/json; charset=utf-8' },
    ...(text !== undefined && { body: stream, duplex: 'half' }),
  } as RequestInit)
  const answer = await response.text()
  const type = response.headers.get('content-type')
  return { status: response.status, type, text: answer, body: JSON.parse(answer || 'null') }
}
