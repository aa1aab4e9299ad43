import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtemp, readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const PROJECT = join(import.meta.dirname, '../..')

export interface RunningServer {
  readonly url: string
  readonly process: ChildProcess
  readonly state: string
  output(): string
  /** An admin's call: status and JSON body. */
  api<Body>(method: string, path: string, body?: unknown): Promise<{ status: number; body: Body }>
  stop(signal?: 'SIGTERM' | 'SIGKILL'): Promise<number | null>
}

export function newState(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'edgemdm-test-'))
}

/** `npm start` on a free port, as soon as it has printed `until`. */
export async function start(
  state: string,
  flags: readonly string[],
  until = 'EdgeMDM ready on',
  env: Readonly<Record<string, string>> = {},
): Promise<RunningServer> {
  const child = spawn(
    process.execPath,
    ['src/cli/start.ts', '--port', '0', '--state', state, ...flags],
    { cwd: PROJECT, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } },
  )
  let output = ''
  const ready = new Promise<void>((resolve, reject) => {
    const take = (chunk: Buffer): void => {
      output += chunk.toString()
      if (output.includes(until)) {
        resolve()
      }
    }
    child.stdout.on('data', take)
    child.stderr.on('data', take)
    child.once('exit', (code) => {
      reject(new Error(`npm start ended with ${code}:\n${output}`))
    })
  })
  await ready
  const url = /EdgeMDM ready on (\S+)/.exec(output)?.[1] ?? ''
  const apiKey = (await readFile(join(state, 'api-key'), 'utf8')).trim()
  return {
    url,
    process: child,
    state,
    output: () => output,
    async api(method, path, body) {
      const response = await fetch(url + path, {
        method,
        headers: { authorization: `Basic ${btoa(`micromdm:${apiKey}`)}` },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      return { status: response.status, body: await response.json() }
    },
    async stop(signal = 'SIGTERM') {
      if (child.exitCode === null && child.signalCode === null) {
        const exit = once(child, 'exit')
        child.kill(signal)
        await exit
      }
      return child.exitCode
    },
  }
}

export interface ReceivedEvent {
  readonly topic: string
  readonly event_id: string
  readonly sequence: number
  readonly acknowledge_event?: {
    udid: string
    status: string
    command_uuid?: string
    raw_payload: string
  }
  readonly checkin_event?: { udid: string; raw_payload: string }
}

export interface Receiver {
  readonly url: string
  readonly received: ReceivedEvent[]
  /** Answers with this status from now on. */
  answer: number
  /** Milliseconds until it answers; what it takes it has taken at once. */
  delay: number
  /** Resolves when the received events satisfy the condition. */
  until(condition: (received: readonly ReceivedEvent[]) => boolean): Promise<void>
  close(): Promise<void>
}

/** A webhook receiver that does nothing but remember and answer an empty 200. */
export async function startReceiver(port = 0): Promise<Receiver> {
  const received: ReceivedEvent[] = []
  const waiting = new Set<() => void>()
  const receiver = { answer: 200, delay: 0 }
  const server: Server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString()
    })
    request.on('end', () => {
      const { answer, delay } = receiver
      setTimeout(() => response.writeHead(answer).end(), delay)
      if (answer < 400) {
        received.push(JSON.parse(body))
        for (const check of waiting) {
          check()
        }
      }
    })
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const actual = typeof address === 'object' && address ? address.port : 0
  return Object.assign(receiver, {
    url: `http://127.0.0.1:${actual}/hook`,
    received,
    until: (condition: (events: readonly ReceivedEvent[]) => boolean) =>
      new Promise<void>((resolve) => {
        const check = (): void => {
          if (condition(received)) {
            waiting.delete(check)
            resolve()
          }
        }
        waiting.add(check)
        check()
      }),
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  })
}
