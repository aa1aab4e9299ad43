/** The simulated service on a port of this machine. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { DroppedConnection } from '../faults.ts'
import type { SimulatedDep } from '../dep.ts'

export interface ListeningDep {
  readonly url: string
  close(): Promise<void>
}

export async function listenDep(
  dep: Pick<SimulatedDep, 'handle'>,
  port = 0,
): Promise<ListeningDep> {
  const server = createServer((request, response) => {
    pass(dep, request, response).catch((error: unknown) => {
      // A broken connection is an answer too; everything else is a bug that the caller has to see.
      response.destroy(error instanceof DroppedConnection ? undefined : asError(error))
      if (!(error instanceof DroppedConnection)) {
        process.emitWarning(asError(error))
      }
    })
  })
  // On a busy machine the default of five seconds closes connections that are about to be used.
  server.keepAliveTimeout = 0
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  const address = server.address()
  const at = typeof address === 'object' && address !== null ? address.port : port
  return {
    url: `http://127.0.0.1:${at}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function pass(
  dep: Pick<SimulatedDep, 'handle'>,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const chunks: Uint8Array[] = []
  for await (const chunk of incoming) {
    chunks.push(chunk)
  }
  const { method = 'GET', url = '/', headers } = incoming
  const body = Buffer.concat(chunks)
  const answer = await dep.handle(
    new Request(`http://${headers.host ?? '127.0.0.1'}${url}`, {
      method,
      headers: Object.entries(headers).flatMap(([name, value]): [string, string][] =>
        typeof value === 'string' ? [[name, value]] : [],
      ),
      ...(body.length === 0 || method === 'GET' || method === 'HEAD' ? {} : { body }),
    }),
  )
  outgoing.writeHead(answer.status, Object.fromEntries(answer.headers))
  outgoing.end(new Uint8Array(await answer.arrayBuffer()))
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}
