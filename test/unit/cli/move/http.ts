import { createServer, type IncomingHttpHeaders } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { onTestFinished } from 'vitest'
import { type Call, patientCalls } from '../../../../src/cli/move/client.ts'

export interface Asked {
  readonly method: string
  readonly path: string
  readonly authorization: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface Said {
  readonly status: number
  readonly body?: object | Uint8Array
  readonly headers?: Record<string, string>
}

/** A server that says what a test says, or closes the connection. @returns its address */
export async function serving(answer: (asked: Asked) => Said | 'close'): Promise<string> {
  const server = createServer((request, response) => {
    const { method = '', url: path = '', headers } = request
    void text(request).then((body) => {
      const said = answer({
        method,
        path,
        body,
        headers,
        authorization: headers.authorization ?? '',
      })
      if (said === 'close') {
        return response.destroy()
      }
      const content = said.body instanceof Uint8Array ? said.body : JSON.stringify(said.body ?? {})
      return response.writeHead(said.status, { connection: 'close', ...said.headers }).end(content)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Calls of the tool, whose waits pass at once and are listed. */
export async function calling(
  answer: Parameters<typeof serving>[0],
): Promise<{ readonly call: Call; readonly waits: number[]; readonly said: string[] }> {
  const [waits, said]: [number[], string[]] = [[], []]
  const call = patientCalls(
    { url: await serving(answer), apiKey: 'key' },
    {
      sleep: async (wait) => waits.push(wait),
      say: (sentence) => said.push(sentence),
    },
  )
  return { call, waits, said }
}
