/** A server with something in front of it, and the doctor that looks at it. */
import { once } from 'node:events'
import { createServer, request as forward, type IncomingMessage } from 'node:http'
import type { DoctorResult } from '../../../src/cli/doctor/check.ts'
import { OUTSIDE_CHECKS } from '../../../src/cli/doctor/outside/checks.ts'
import { runChecks } from '../../../src/cli/doctor/run.ts'
import { fetchAlone } from '../server.ts'

export interface Answer {
  readonly status: number
  readonly headers?: Record<string, string>
  readonly body?: string
}

export interface Front {
  readonly url: string
  close(): Promise<void>
}

interface Behaviour {
  /** What the proxy answers itself. */
  readonly answer?: (request: IncomingMessage) => Answer | undefined
  /** Bytes of headers that it takes. */
  readonly maxHeaderSize?: number
  /** Bytes of a body that it takes. */
  readonly maxBodySize?: number
  /** What it changes in the request and in the answer. */
  readonly toServer?: Record<string, string>
  readonly toClient?: Record<string, string>
  readonly removes?: readonly string[]
}

/** A reverse proxy in front of a server. Without a target it is another server. */
export async function startFront(
  target: string | undefined,
  {
    answer,
    maxHeaderSize = 128 * 1024,
    maxBodySize = Infinity,
    toServer,
    toClient,
    removes = [],
  }: Behaviour,
): Promise<Front> {
  const server = createServer({ maxHeaderSize }, (incoming, outgoing) => {
    const own = answer?.(incoming) ?? (target === undefined ? { status: 404 } : undefined)
    if (own) {
      incoming.resume()
      outgoing.writeHead(own.status, own.headers).end(own.body)
      return
    }
    const { method, headers, url } = incoming
    const onward = forward(
      `${target}${url}`,
      { method, headers: { ...headers, ...toServer } },
      (reply) => {
        const kept = Object.entries({ ...reply.headers, ...toClient }).filter(
          ([name]) => !removes.includes(name),
        )
        outgoing.writeHead(reply.statusCode ?? 500, Object.fromEntries(kept))
        reply.pipe(outgoing)
      },
    )
    onward.once('error', () => outgoing.destroy())
    let size = 0
    incoming.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > maxBodySize && !outgoing.headersSent) {
        incoming.unpipe(onward)
        incoming.resume()
        onward.removeAllListeners('error').once('error', () => undefined)
        onward.destroy()
        outgoing.writeHead(413).end()
      }
    })
    incoming.pipe(onward)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  return {
    url: `http://127.0.0.1:${port}`,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

export interface Examination {
  readonly key?: string
  readonly only?: readonly number[]
  readonly now?: () => number
  readonly isLocal?: boolean
  readonly version?: string
}

/** The outside checks, without a limit of time: a busy machine is not ill. */
export function examine(url: string, facts: Examination = {}): Promise<readonly DoctorResult[]> {
  const { key, only, now = Date.now, isLocal = true, version = '0' } = facts
  return runChecks(
    OUTSIDE_CHECKS,
    ({ number }) => only?.includes(number) ?? true,
    { url, isLocal, version, ...(key !== undefined && { key }) },
    { fetch: fetchLoose, now, timeout: () => new AbortController().signal },
  )
}

const fetchLoose: typeof fetch = (input, init) =>
  fetchAlone(input instanceof Request ? input.url : input.toString(), init)

/** Level, sentence and remedy of a check. */
export function foundBy(results: readonly DoctorResult[], number: number): string {
  const result = results.find((one) => one.number === number)
  return result === undefined
    ? 'not run'
    : `${result.level}: ${result.seen}${'fix' in result ? `. ${result.fix}` : ''}`
}
