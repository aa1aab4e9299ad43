import { type ApnsTransport, createApnsTransport, type PushCall } from './apns-transport.ts'
import { CliError, messageOf } from '../error.ts'
import type { PemPair } from '../state.ts'

export interface PushKeeping {
  pair: PemPair
  /** Where its pushes go, and what that server's certificate descends from, if not from a public CA. */
  url: string
  ca: string | undefined
  /** Stores another pair and says where its pushes go. Throws when that cannot be. */
  readonly install: (pair: PemPair) => string
}

/**
 * What stands behind the Worker's bindings `APNS` and `PUSH_KEEPER`: pushes leave with the pair that is kept, and the Worker may
 * ask for its certificate and hand over another pair. Nobody gets the key back.
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
