import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'

/** Counts posts and answers an empty 200; written for a machine that it shares with the server under load. */
export interface CountingReceiver {
  readonly url: string
  count(): number
  /** Resolves when so many posts have come. */
  until(posts: number): Promise<void>
  close(): Promise<void>
}

const ANSWER = 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'

export async function startReceiver(answerAfter = 0): Promise<CountingReceiver> {
  let posts = 0
  const waiting = new Map<number, () => void>()
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket)).on('error', () => socket.destroy())
    let received = ''
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1')
      for (let rest = afterRequest(received); rest !== undefined; rest = afterRequest(received)) {
        received = rest
        posts += 1
        setTimeout(() => socket.write(ANSWER), answerAfter)
        for (const [count, resolve] of waiting) {
          if (posts >= count) {
            waiting.delete(count)
            resolve()
          }
        }
      }
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  return {
    url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/hook`,
    count: () => posts,
    until: (count) =>
      posts >= count
        ? Promise.resolve()
        : new Promise((resolve) => {
            waiting.set(count, resolve)
          }),
    async close() {
      sockets.forEach((socket) => socket.destroy())
      server.close()
      await once(server, 'close')
    },
  }
}

/** What follows the first whole request; `undefined` while it is not whole. */
function afterRequest(received: string): string | undefined {
  const end = received.indexOf('\r\n\r\n')
  const length = Number(/\r\ncontent-length: (\d+)/i.exec(received.slice(0, end))?.[1] ?? 0)
  const whole = end + 4 + length
  return end === -1 || received.length < whole ? undefined : received.slice(whole)
}
