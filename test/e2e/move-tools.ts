/** MicroMDM's file with 40 devices, `npm run move`, and a relay between the tool and the server. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { createSimulatedDevice, type SimulatedDevice } from '../../src/simulator/device/device.ts'
import { identityFromPem } from '../../src/simulator/device/identity.ts'
import { fetchAlone, PROJECT, type RunningServer } from './server.ts'

const VECTORS = join(import.meta.dirname, '../vectors/micromdm-1.13.1')
export const FILE = join(VECTORS, 'micromdm.db')

interface Push {
  readonly token: string
  readonly topic: string
}
interface Expected {
  readonly devices: readonly {
    readonly udid: string
    readonly serial_number: string
    readonly blocked: boolean
    readonly push: Push
  }[]
  readonly user_channels: readonly (Push & { readonly user_id: string })[]
  readonly bootstrap_tokens: Readonly<Record<string, string>>
  readonly key_files: Readonly<Record<string, string>>
  readonly queues: Readonly<Record<string, readonly string[]>>
}

/** What is in the file. */
export const fleet: Expected = JSON.parse(readFileSync(join(VECTORS, 'expected.json'), 'utf8'))
export const TOPIC = fleet.devices[0]?.push.topic ?? ''

export interface Running {
  readonly process: ChildProcess
  readonly ended: Promise<{ readonly code: number | null; readonly output: string }>
}

/** `npm run move` at a server, and all that it prints. */
export function runMove(
  server: Pick<RunningServer, 'url' | 'state'>,
  ...args: readonly string[]
): Running {
  const apiKey = readFileSync(join(server.state, 'api-key'), 'utf8').trim()
  const line = ['src/cli/move/move.ts', ...args, '--server', server.url]
  const child = spawn(process.execPath, line, {
    cwd: PROJECT,
    env: { ...process.env, API_KEY: apiKey },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString()
    })
  }
  return {
    process: child,
    ended: once(child, 'close').then(() => ({ code: child.exitCode, output })),
  }
}

/** A device of the file, with the identity that it has from MicroMDM. */
export function deviceOfFile(server: RunningServer, name: string): SimulatedDevice {
  const udid = fleet.key_files[name] ?? ''
  const known = fleet.devices.find((device) => device.udid === udid)
  const [certificate = '', privateKey = ''] = ['cert', 'key'].map((part) =>
    readFileSync(join(VECTORS, `${name}-${part}.pem`), 'utf8'),
  )
  return createSimulatedDevice({
    fetch: fetchAlone,
    serverUrl: `${server.url}/mdm/connect`,
    checkInUrl: `${server.url}/mdm/checkin`,
    identity: identityFromPem({ certificate, privateKey }),
    platform: 'macOS',
    udid,
    serial: known?.serial_number ?? '',
    topic: TOPIC,
    state: 'enrolled',
  })
}

/** The commands that are held, by device, in their order. */
export async function heldCommands(server: RunningServer): Promise<Record<string, string[]>> {
  const held: Record<string, string[]> = {}
  for (const udid of Object.keys(fleet.queues)) {
    const { body } = await server.api<{ items: { command_uuid: string }[] }>(
      'GET',
      `/api/devices/${udid}/commands?state=held`,
    )
    // The newest comes first.
    held[udid] = body.items.map((one) => one.command_uuid).toReversed()
  }
  return held
}

export interface Relay {
  readonly url: string
  /** A request such as `PUT items`, before it is passed on or after it was answered. False: no answer. */
  act: (request: string, when: 'before' | 'after') => Promise<boolean> | boolean
  close(): void
}

/** Stands between the tool and a server, whose address may change. */
export async function startRelay(target: () => string): Promise<Relay> {
  const relay = { url: '', act: () => true, close: () => server.close() } as Relay & { url: string }
  /** @returns nothing where the tool gets no answer */
  async function pass({ method = '', url = '', headers }: IncomingMessage, body: string) {
    const path = url.split('?')[0] ?? ''
    const name = `${method} ${/(activate|items|moves)$/.exec(path)?.[1] ?? 'other'}`
    if (!(await relay.act(name, 'before'))) {
      return undefined
    }
    const answer = await fetchAlone(target() + url, {
      method,
      headers: { authorization: headers.authorization ?? '' },
      ...(body && { body }),
    })
    const content = await answer.text()
    return (await relay.act(name, 'after')) ? { status: answer.status, content } : undefined
  }
  const server = createServer((request, response) => {
    void text(request)
      .then((body) => pass(request, body))
      .catch(() => undefined)
      .then((passed) =>
        passed ? response.writeHead(passed.status).end(passed.content) : response.destroy(),
      )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  relay.url = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
  return relay
}
