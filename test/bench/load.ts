/** The load generator: a process of its own, told by `bench.ts` what to send, telling it how that went. */
import { createPrivateKey } from 'node:crypto'
import { newKey, readIssuer, type IdentityPem } from '../../src/simulator/device/identity.ts'
import { open, type Connection } from './connection.ts'
import { signedDevice, type Fleet, type SignedDevice, type Step } from './messages.ts'

export type Kind = 'enrolment' | 'check-in' | 'idle' | 'cycle' | 'enqueue' | 'inventory' | 'fill'

export interface Setup {
  readonly server: string
  readonly apiKey: string
  readonly topic: string
  readonly ca: IdentityPem
  /** Signs fast. */
  readonly fillCa: IdentityPem
  readonly key: string
}

export interface Run {
  readonly kind: Kind
  readonly connections: number
  /** Device numbers from…to, `to` excluded; in turn. */
  readonly from: number
  readonly to: number
  /** Either bounds the run; `count` operations at most, `seconds` at most. */
  readonly count: number
  readonly seconds: number
}

export interface Outcome {
  readonly operations: number
  readonly seconds: number
  /** CPU seconds of this process. */
  readonly cpu: number
  /** Milliseconds. */
  readonly median: number
  readonly p99: number
}

export type Order = { readonly setup: Setup } | { readonly run: Run }
export type Reply =
  | { readonly outcome: Outcome }
  | { readonly error: string }
  | { readonly ready: true }

/** Operations as sequences of requests, each answered 200 or 201. */
const STEPS: Readonly<Record<Kind, readonly Step[]>> = {
  enrolment: ['authenticate', 'tokenUpdate'],
  'check-in': ['tokenUpdate'],
  idle: ['idle'],
  cycle: ['command', 'idle', 'done'],
  inventory: ['command', 'idle', 'inventory'],
  enqueue: ['command'],
  /** Enrolments that only have to be there: signed as they are sent, with keys that sign fast. */
  fill: ['authenticate', 'tokenUpdate'],
}

/** So many devices have a megabyte of inventory ready. */
const INVENTORIES = 16

let fleet: Fleet | undefined
let fillers: Fleet | undefined
const devices = new Map<number, SignedDevice>()

process.once('disconnect', () => process.exit())
process.on('message', (order: Order) => {
  void obey(order).then(
    (reply) => process.send?.(reply),
    (error: unknown) =>
      process.send?.({ error: error instanceof Error ? error.message : String(error) }),
  )
})

async function obey(order: Order): Promise<Reply> {
  if ('setup' in order) {
    const { server, apiKey, topic, ca, key } = order.setup
    fleet = {
      server: new URL(server),
      apiKey,
      topic,
      ca: readIssuer(ca),
      key: createPrivateKey(key),
    }
    fillers = { ...fleet, ca: readIssuer(order.setup.fillCa), key: newKey('ec') }
    devices.clear()
    return { ready: true }
  }
  if (!fleet) {
    throw new Error('no setup')
  }
  return { outcome: await run(fleet, order.run) }
}

async function run(known: Fleet, what: Run): Promise<Outcome> {
  const last = what.kind === 'fill' ? what.from : Math.min(what.to, what.from + what.count)
  for (let n = what.from; n < last; n++) {
    if (!devices.has(n)) {
      devices.set(n, signedDevice(known, `BENCH-${String(n).padStart(8, '0')}`, n < INVENTORIES))
    }
  }
  const connections = await Promise.all(
    Array.from({ length: what.connections }, () => open(known.server)),
  )
  const times: number[] = []
  let next = 0
  const cpu = process.cpuUsage()
  const began = performance.now()
  await Promise.all(
    connections.map(async (connection) => {
      while (next < what.count && performance.now() - began < what.seconds * 1000) {
        const n = what.from + (next++ % (what.to - what.from))
        const from = performance.now()
        const device = what.kind === 'fill' ? filler(known, n) : devices.get(n)
        await operate(connection, what.kind, device)
        times.push(performance.now() - from)
      }
    }),
  )
  const seconds = (performance.now() - began) / 1000
  const { user, system } = process.cpuUsage(cpu)
  connections.forEach((connection) => connection.close())
  times.sort((a, b) => a - b)
  return {
    operations: times.length,
    seconds,
    cpu: (user + system) / 1e6,
    median: times[Math.floor(times.length / 2)] ?? 0,
    p99: times[Math.floor(times.length * 0.99)] ?? 0,
  }
}

/** Sent once and forgotten. */
function filler(known: Fleet, n: number): SignedDevice {
  return signedDevice(fillers ?? known, `FILL-${String(n).padStart(8, '0')}`, false)
}

async function operate(
  connection: Connection,
  kind: Kind,
  device: SignedDevice | undefined,
): Promise<void> {
  if (!device) {
    throw new Error(`no device for ${kind}`)
  }
  for (const step of STEPS[kind]) {
    const answer = await connection.send(device.requests[step])
    if (answer.status !== 200 && answer.status !== 201) {
      throw new Error(`${step} of ${device.udid}: ${answer.status} ${answer.body.toString()}`)
    }
  }
}
