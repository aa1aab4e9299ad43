import { Buffer } from 'node:buffer'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import { asDict } from '../../../src/plist/dict.ts'
import { readPlist } from '../../../src/plist/read.ts'
import type { PlistDict } from '../../../src/plist/value.ts'
import { writePlist } from '../../../src/plist/write.ts'

export interface Received {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: Uint8Array
  readonly message: PlistDict
}

/** An MDM server that answers whatever the test says and keeps what it got. */
export interface FakeServer {
  readonly url: string
  readonly received: Received[]
  /** Handed out one per report, in this order; then the empty body. */
  readonly replies: Uint8Array[]
  /** Overrides every answer while it is set. */
  status: number | undefined
  close(): Promise<void>
}

export async function startFakeServer(): Promise<FakeServer> {
  const received: Received[] = []
  const replies: Uint8Array[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = new Uint8Array(Buffer.concat(chunks))
      const message = asDict(readPlist(body))
      received.push({ path: request.url ?? '', headers: request.headers, body, message })
      response.statusCode = fake.status ?? 200
      const isReport = message['Status'] !== undefined && fake.status === undefined
      response.end(isReport ? replies.shift() : undefined)
    })
  })
  // On a busy machine the default of five seconds closes connections that a device is about to use.
  server.keepAliveTimeout = 0
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  const fake: FakeServer = {
    url: `http://127.0.0.1:${port}`,
    received,
    replies,
    status: undefined,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return fake
}

export function command(uuid: string, requestType: string, fields: PlistDict = {}): Uint8Array {
  return writePlist({ CommandUUID: uuid, Command: { RequestType: requestType, ...fields } })
}
