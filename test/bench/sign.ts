/** A thread of the load generator: signs the messages of a part of a fleet before the clock runs. */
import { createPrivateKey } from 'node:crypto'
import { parentPort, workerData, Worker } from 'node:worker_threads'
import { availableParallelism } from 'node:os'
import { readIssuer, type IdentityPem } from '../../src/simulator/device/identity.ts'
import { signedDevice, type Fleet, type SignedDevice } from './messages.ts'

export interface Setup {
  readonly server: string
  readonly apiKey: string
  readonly topic: string
  readonly ca: IdentityPem
  /** Signs fast. */
  readonly fillCa: IdentityPem
  /** The devices share a few RSA keys. Each has a certificate of its own. */
  readonly keys: readonly string[]
}

interface Part {
  readonly setup: Setup
  readonly numbers: readonly number[]
}

type Batch = readonly (readonly [n: number, device: SignedDevice])[]

/** The first devices only warm up the Worker's code. They belong to no fleet. */
export const WARMERS = 64
/** The smallest fleet has a megabyte of inventory ready for each device. */
const INVENTORIES = { from: WARMERS, to: 2 * WARMERS }
const BATCH = 100

export function fleetOf({ server, apiKey, topic, ca, keys }: Setup): Fleet {
  return {
    server: new URL(server),
    apiKey,
    topic,
    ca: readIssuer(ca),
    keys: keys.map((key) => createPrivateKey(key)),
  }
}

/** Signs devices in a thread for each processor. */
export async function signDevices(
  setup: Setup,
  numbers: readonly number[],
  keep: (n: number, device: SignedDevice) => void,
): Promise<void> {
  const threads = availableParallelism()
  const size = Math.ceil(numbers.length / threads)
  const parts = Array.from({ length: threads }, (_, n) => numbers.slice(n * size, (n + 1) * size))
  await Promise.all(
    parts.map(
      (part) =>
        new Promise<void>((resolve, reject) => {
          const data: Part = { setup, numbers: part }
          const worker = new Worker(import.meta.filename, { workerData: data })
          worker.on('message', (signed: Batch) => {
            signed.forEach(([n, device]) => keep(n, device))
          })
          worker.once('error', reject).once('exit', () => resolve())
        }),
    ),
  )
}

function signPart({ setup, numbers }: Part, give: (signed: Batch) => void): void {
  const fleet = fleetOf(setup)
  for (let from = 0; from < numbers.length; from += BATCH) {
    const batch = numbers.slice(from, from + BATCH)
    give(batch.map((n) => [n, signedDevice(fleet, n, udidOf('BENCH', n), hasInventory(n))]))
  }
}

function hasInventory(n: number): boolean {
  return n >= INVENTORIES.from && n < INVENTORIES.to
}

export function udidOf(prefix: 'BENCH' | 'FILL', n: number): string {
  return `${prefix}-${String(n).padStart(8, '0')}`
}

if (parentPort) {
  const port = parentPort
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  signPart(workerData as Part, (signed) => port.postMessage(signed))
}
