/** A socket that programs call, and behind it one process that has Wrangler loaded. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'

/** What a process is started with. */
export interface Call {
  readonly args: readonly string[]
  readonly cwd: string
  readonly env: NodeJS.ProcessEnv
}

/** What a process leaves. */
export interface Outcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** A call leaves 12 MB that nothing frees. After so many calls, another process begins. */
const CALLS = 20

export interface Door {
  readonly path: string
  close(): Promise<void>
}

/** The process starts with the first call: a run without one does not pay for it. */
export async function openDoor(): Promise<Door> {
  const folder = await mkdtemp(join(tmpdir(), 'edgemdm-wrangler-'))
  const path = join(folder, 'door')
  let resident: Resident | undefined
  let calls = 0
  let last: Promise<void> = Promise.resolve()
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    // A caller may have been killed: its call is not made, or its outcome is for nothing.
    socket.on('error', () => {})
    const call = text(socket).catch(() => '')
    // One after the other: a process has one environment.
    last = last.then(async () => {
      const line = await call
      if (!isWhole(line)) {
        socket.destroy()
        return
      }
      resident ??= startResident()
      const outcome = await resident.ask(line)
      socket.end(outcome ?? JSON.stringify(ENDED))
      calls++
      if (outcome === undefined || calls % CALLS === 0) {
        resident.end()
        resident = undefined
      }
    })
  })
  server.listen(path)
  await once(server, 'listening')
  return {
    path,
    async close() {
      resident?.end()
      server.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

const ENDED: Outcome = { code: 1, stdout: '', stderr: 'the process of Wrangler has ended' }

function isWhole(json: string): boolean {
  try {
    JSON.parse(json)
    return true
  } catch {
    return false
  }
}

interface Resident {
  readonly end: () => void
  /** The outcome of a call, both as JSON. `undefined`: the process has ended. */
  readonly ask: (call: string) => Promise<string | undefined>
}

function startResident(): Resident {
  const child = spawn(process.execPath, ['--no-warnings', join(import.meta.dirname, 'loop.ts')], {
    stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
    // A name other than this machine's leads to a closed port.
    env: {
      ...process.env,
      HTTPS_PROXY: 'http://127.0.0.1:9',
      NO_PROXY: '127.0.0.1',
      NODE_USE_ENV_PROXY: '1',
    },
  })
  const channel = child.stdio[3]
  if (!(channel instanceof Socket)) {
    throw new Error('the process has no channel')
  }
  // It may have ended, which its lines tell.
  channel.on('error', () => {})
  const lines = createInterface({ input: channel })[Symbol.asyncIterator]()
  return {
    // Wrangler's handlers keep it from ending by another signal.
    end: () => void child.kill('SIGKILL'),
    async ask(call) {
      channel.write(`${call}\n`)
      const answer = await lines.next().catch(() => undefined)
      return answer?.value
    },
  }
}
