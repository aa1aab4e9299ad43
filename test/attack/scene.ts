/** What a test file of attacks runs against: the server, its webhook's receiver, and the admin. */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import { join } from 'node:path'
import {
  fetchAlone,
  newState,
  start,
  startReceiver,
  type Receiver,
  type RunningServer,
} from '../e2e/server.ts'
import type { Site } from './device.ts'

export interface Scene extends Site {
  readonly server: RunningServer
  readonly hook: Receiver
  /** The server at `DM_URL`. */
  readonly upstream: Recorder
  close(): Promise<void>
}

/** The server with a webhook, a DDM server and these settings. */
export async function openScene(
  env: Readonly<Record<string, string>> = {},
  flags: readonly string[] = [],
): Promise<Scene> {
  const [hook, upstream] = await Promise.all([startReceiver(), startRecorder()])
  const server = await start(await newState(), ['--webhook', hook.url, ...flags], undefined, {
    DM_URL: upstream.url,
    // Attackers have their identities already.
    SCEP_RATE: '100000',
    ...env,
  })
  return {
    server,
    hook,
    upstream,
    url: server.url,
    token: env['ENROLL_TOKEN'] ?? '',
    async close() {
      await server.stop()
      await Promise.all([hook.close(), upstream.close()])
    },
  }
}

export interface Recorder {
  readonly url: string
  readonly asked: { readonly headers: IncomingHttpHeaders; readonly body: string }[]
  close(): Promise<void>
}

/** A server that remembers what it is asked, and answers anything with an empty JSON object. */
export async function startRecorder(): Promise<Recorder> {
  const asked: Recorder['asked'] = []
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString()
    })
    request.on('end', () => {
      asked.push({ headers: request.headers, body })
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  return {
    url: `http://127.0.0.1:${port}/`,
    asked,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

export interface AdminAnswer {
  readonly status: number
  readonly body: unknown
}

export interface ListedCommand {
  readonly id: string
  readonly command_uuid: string
  readonly request_type: string
  readonly state: string
}

/** Queues a command by MicroMDM's API. */
export function queue(
  { server }: Scene,
  udid: string,
  request_type: string,
  fields: Readonly<Record<string, unknown>> = {},
): Promise<AdminAnswer> {
  return server.api('POST', '/v1/commands', { udid, request_type, ...fields })
}

/** Queues a command by our own API. @returns its id */
export async function queueApi(
  scene: Scene,
  id: string,
  command: Readonly<Record<string, unknown>>,
): Promise<string> {
  const path = `${deviceUrl(id)}/commands`
  const { status, body } = await scene.server.api<{ id: string }>('POST', path, command)
  if (status !== 202) {
    throw new Error(`${status} for a command to ${id}: ${JSON.stringify(body)}`)
  }
  return body.id
}

export async function commandsOf(scene: Scene, id: string): Promise<ListedCommand[]> {
  const answer = await scene.server.api<{ items: ListedCommand[] }>(
    'GET',
    `${deviceUrl(id)}/commands`,
  )
  return answer.body.items
}

/** An admin's call with any bytes as its body. */
export function admin(
  server: RunningServer,
  path: string,
  init: RequestInit = {},
): Promise<Response> {
  const headers = new Headers(init.headers)
  headers.set('authorization', basicAuth(apiKeyOf(server)))
  return fetchAlone(server.url + path, { ...init, headers })
}

export function apiKeyOf(server: RunningServer): string {
  return readFileSync(join(server.state, 'api-key'), 'utf8').trim()
}

export function basicAuth(apiKey: string): string {
  return `Basic ${btoa(`micromdm:${apiKey}`)}`
}

export function deviceUrl(id: string): string {
  return `/api/devices/${encodeURIComponent(id)}`
}
