import { type ApnsTransport, createApnsTransport, type PushCall } from './apns-transport.ts'
import { CliError, messageOf } from '../error.ts'
import type { PemPair } from '../state.ts'

export interface PushKeeping {
  pair: PemPair
  /** The URL that its pushes go to, and the CA of that server's certificate, if it is not public. */
  url: string
  ca: string | undefined
  /** Stores another pair and returns the URL of its pushes. @throws when that is impossible */
  readonly install: (pair: PemPair) => string
}

/**
 * Serves the Worker's bindings `APNS` and `PUSH_KEEPER`: pushes leave with the stored pair, and the Worker
 * may read its certificate and replace the pair. The key never leaves.
 */
export interface ApnsKeeper {
  apns: Pick<ApnsTransport, 'fetch'>
  fetch(request: PushCall): Promise<Response>
  close(): void
}

export function createPushKeeper(keeping: PushKeeping): ApnsKeeper {
  const { url, ca, install } = keeping
  let { pair } = keeping
  let transport = createApnsTransport({ ...pair, url, ca })

  async function replace(request: PushCall): Promise<Response> {
    const next: PemPair = JSON.parse(await request.text())
    let to: string
    try {
      to = install(next)
    } catch (error) {
      return new Response(messageOf(error), { status: error instanceof CliError ? 409 : 500 })
    }
    const before = transport
    pair = next
    transport = createApnsTransport({ ...next, url: to })
    before.retire()
    return new Response(null)
  }

  return {
    apns: { fetch: (request) => transport.fetch(request) },
    fetch: async (request) =>
      request.method === 'PUT' ? replace(request) : new Response(pair.certificate),
    close: () => transport.close(),
  }
}
