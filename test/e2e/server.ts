import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtemp, readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PATIENCE } from '../patience.ts'

export const PROJECT = join(import.meta.dirname, '../..')

/**
 * On a connection of its own: a kept one may be closed by the server just when a busy machine uses it
 * again.
 */
export function fetchAlone(url: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers)
  headers.set('connection', 'close')
  return fetch(url, { ...init, headers })
}

export interface RunningServer {
  readonly url: string
  readonly process: ChildProcess
  readonly state: string
  output(): string
  /** An admin's call: status and JSON body. */
  api<Body>(method: string, path: string, body?: unknown): Promise<{ status: number; body: Body }>
  stop(signal?: 'SIGTERM' | 'SIGKILL'): Promise<number | null>
}

/** @throws when it takes longer than `patience`, saying what is `missing`. */
export async function within<T>(
  promise: Promise<T>,
  missing: () => string,
  patience = PATIENCE,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`waited ${patience / 1000} s in vain: ${missing()}`))
    }, patience)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

/** They end when this process exits. A killed process leaves them. */
const servers = new Set<ChildProcess>()
process.once('exit', () => servers.forEach((server) => server.kill()))

export function newState(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'edgemdm-test-'))
}

/** What a process prints, on both channels. */
export function outputOf(child: ChildProcess) {
  let output = ''
  let check = (): void => undefined
  const take = (chunk: Buffer): void => {
    output += chunk.toString()
    check()
  }
  child.stdout?.on('data', take)
  child.stderr?.on('data', take)
  return {
    text: () => output,
    /** Resolves when it has printed `text`; rejects when it ends before. */
    until: (text: string) =>
      within(
        new Promise<void>((resolve, reject) => {
          check = () => {
            if (output.includes(text)) {
              resolve()
            }
          }
          // `close`, not `exit`: by then its last output has been read.
          child.once('close', (code) => {
            reject(new Error(`ended with ${code} before it printed "${text}":\n${output}`))
          })
          check()
        }),
        () => `"${text}" is not in what was printed:\n${output}`,
      ),
  }
}

/** `npm start` on a free port, as soon as it has printed `until`. */
export async function start(
  state: string,
  flags: readonly string[],
  until = 'EdgeMDM ready on',
  env: Readonly<Record<string, string>> = {},
  project = PROJECT,
): Promise<RunningServer> {
  const child = spawn(
    process.execPath,
    ['src/cli/start/start.ts', '--port', '0', '--state', state, ...flags],
    { cwd: project, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } },
  )
  servers.add(child)
  child.once('exit', () => servers.delete(child))
  const output = outputOf(child)
  try {
    await output.until(until)
  } catch (error) {
    // Another process may take the free port before workerd listens on it.
    if (output.text().includes('Address already in use')) {
      return start(state, flags, until, env, project)
    }
    throw error
  }
  const url = /EdgeMDM ready on (\S+)/.exec(output.text())?.[1] ?? ''
  const apiKey = (await readFile(join(state, 'api-key'), 'utf8')).trim()
  return {
    url,
    process: child,
    state,
    output: output.text,
    async api(method, path, body) {
      const response = await fetchAlone(url + path, {
        method,
        headers: { authorization: `Basic ${btoa(`micromdm:${apiKey}`)}` },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      // A call that leaves nothing to show answers 204.
      return { status: response.status, body: JSON.parse((await response.text()) || '{}') }
    },
    async stop(signal = 'SIGTERM') {
      if (child.exitCode === null && child.signalCode === null) {
        const exit = once(child, 'exit')
        child.kill(signal)
        await within(exit, () => `${signal} has not ended it:\n${output.text()}`)
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
  /** What it does with some events, whatever it answers to the others: a status, or no answer ever. */
  answerTo: ((event: ReceivedEvent) => number | 'silence' | undefined) | undefined
  /** Milliseconds until it answers; what it takes it has taken at once. */
  delay: number
  /** Resolves when the received events satisfy the condition, which may take so many milliseconds. */
  until(
    condition: (received: readonly ReceivedEvent[]) => boolean,
    patience?: number,
  ): Promise<void>
  close(): Promise<void>
}

/** A webhook receiver that does nothing but remember and answer an empty 200. */
export async function startReceiver(port = 0): Promise<Receiver> {
  const received: ReceivedEvent[] = []
  const waiting = new Set<() => void>()
  const receiver: Pick<Receiver, 'answer' | 'answerTo' | 'delay'> = {
    answer: 200,
    answerTo: undefined,
    delay: 0,
  }
  const server: Server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString()
    })
    request.on('end', () => {
      const event: ReceivedEvent = JSON.parse(body)
      const answer = receiver.answerTo?.(event) ?? receiver.answer
      if (answer === 'silence') {
        return
      }
      setTimeout(() => response.writeHead(answer).end(), receiver.delay)
      if (answer < 400) {
        received.push(event)
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
    until: (condition: (events: readonly ReceivedEvent[]) => boolean, patience?: number) =>
      within(
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
        () => {
          const events = received.map(({ topic, sequence }) => `${sequence} ${topic}`)
          return `${condition.toString()} does not hold of ${events.join(', ') || 'no event'}`
        },
        patience,
      ),
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  })
}
