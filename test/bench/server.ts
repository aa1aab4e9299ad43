/** The server under load as `npm start` runs it, and the load generator beside it. */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pem } from '../../src/pki/x509/issue.ts'
import { createIssuer, newKey, type Issuer } from '../../src/simulator/device/identity.ts'
import { start, type RunningServer } from '../e2e/server.ts'
import type { Outcome } from './drive.ts'
import { INSPECTOR } from './profile.ts'
import type { Order, Reply, Run, Tally } from './load.ts'
import type { Setup } from './sign.ts'

/** A key costs 80 ms, so a fleet shares a few. */
const KEYS = 4

export interface Scene {
  readonly tmpfs: boolean
  readonly profile: boolean
  /** The working tree whose server is measured. */
  readonly tree: string
}

export interface Bench {
  readonly load: Load
  /** Whether V8 profiles of the Worker are made. They cost some of the rate. */
  readonly profile: boolean
  server(): RunningServer
  /** Stops the server and starts it on the same state and port. Afterwards all objects are cold. */
  restart(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>
}

/** A bench that is stopped by a signal leaves no state either. */
const states = new Set<string>()
process.once('exit', () =>
  states.forEach((state) => rmSync(state, { recursive: true, force: true, maxRetries: 5 })),
)

/** A server of its own with a load generator that knows it. */
export async function withServer(
  { tmpfs, profile, tree }: Scene,
  args: readonly string[],
  use: (bench: Bench) => Promise<void>,
): Promise<void> {
  const state = await mkdtemp(join(tmpfs ? '/dev/shm' : tmpdir(), 'edgemdm-bench-'))
  states.add(state)
  const ca = createIssuer({ commonName: 'bench' })
  const fillCa = createIssuer({ commonName: 'bench, fast', key: newKey('ec') })
  const caFile = join(state, 'bench-ca.pem')
  await writeFile(caFile, pemOf(ca).certificate + pemOf(fillCa).certificate)
  const flags = [
    '--device-ca',
    caFile,
    ...(profile ? ['--inspect', String(INSPECTOR)] : []),
    ...args,
  ]
  const startWith = (more: readonly string[]): Promise<RunningServer> =>
    start(state, [...flags, ...more], undefined, {}, tree)
  let server = await startWith([])
  const { url } = server
  const load = await startLoad({
    server: url,
    apiKey: await apiKeyOf(server),
    topic: await pushTopic(server),
    ca: pemOf(ca),
    fillCa: pemOf(fillCa),
    keys: Array.from({ length: KEYS }, () =>
      newKey('rsa').export({ type: 'pkcs8', format: 'pem' }).toString(),
    ),
  })
  console.log(`server ready on ${url}`)
  try {
    await use({
      load,
      profile,
      server: () => server,
      async restart(signal) {
        await server.stop(signal)
        server = await startWith(['--port', new URL(url).port])
      },
    })
  } finally {
    await load.close()
    await server.stop()
    await rm(state, { recursive: true, force: true })
    states.delete(state)
  }
}

function pemOf({ certificate, privateKey }: Issuer): Setup['ca'] {
  return {
    certificate: pem('CERTIFICATE', certificate.der),
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}

/** The key that the server has made. */
export async function apiKeyOf({ state }: RunningServer): Promise<string> {
  return (await readFile(join(state, 'api-key'), 'utf8')).trim()
}

/** The devices' topic is the server's, as in any fleet that can be pushed. */
export async function pushTopic(server: RunningServer): Promise<string> {
  return (await server.api<{ topic: string }>('GET', '/api/push-certificate')).body.topic
}

export interface Load {
  /** Signs what these devices will send. A run does that too, for devices that are not signed yet. */
  sign(devices: Pick<Run, 'from' | 'to'>): Promise<void>
  /** @throws when an operation fails, unless the run says that it may. */
  run(what: Run): Promise<Outcome>
  /** How the devices stand that synchronise. */
  tally(): Promise<Tally>
  close(): Promise<void>
}

/** A load generator that knows the server and its devices. */
export async function startLoad(setup: Setup): Promise<Load> {
  const child = fork(join(import.meta.dirname, './load.ts'))
  await order(child, { setup })
  return {
    async sign({ from, to }) {
      await order(child, { sign: { from, to } })
    },
    async run(run) {
      const reply = await order(child, { run })
      if (!('outcome' in reply)) {
        throw new Error('the load generator answered out of turn')
      }
      return reply.outcome
    },
    async tally() {
      const reply = await order(child, { tally: true })
      if (!('tally' in reply)) {
        throw new Error('the load generator answered out of turn')
      }
      return reply.tally
    },
    async close() {
      // A generator that has failed is gone already, and its error is the one to see.
      if (child.connected) {
        const exit = once(child, 'exit')
        child.disconnect()
        await exit
      }
    },
  }
}

async function order(child: ChildProcess, what: Order): Promise<Reply> {
  const answer = new Promise<Reply>((resolve, reject) => {
    child.once('message', (reply: Reply) => resolve(reply))
    child.once('exit', (code, signal) => {
      reject(new Error(`the load generator ended with ${code ?? signal}`))
    })
  })
  child.send(what)
  const reply = await answer
  child.removeAllListeners('exit')
  if ('error' in reply) {
    throw new Error(reply.error)
  }
  return reply
}
