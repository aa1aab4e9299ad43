import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createFleet, type DeviceMemory, type Fleet, type Register } from '../simulator/fleet.ts'
import { readIssuer } from '../simulator/identity.ts'

export interface FleetStart {
  readonly count: number
  readonly serverUrl: string
  readonly checkInUrl?: string
  /** PEM. */
  readonly caCertificate: string
  readonly caKey: string
  readonly apns?: { readonly register: Register }
  readonly topic: string
  /** Where the devices are remembered; without it each start enrols new ones. */
  readonly stateDir?: string
}

/**
 * Simulated devices beside a server that we run: enrolled, or continued from `stateDir`, and woken by the
 * simulated APNs.
 */
export async function startFleet(options: FleetStart): Promise<Pick<Fleet, 'close'>> {
  const { caCertificate, caKey, apns, stateDir, ...rest } = options
  const ca = readIssuer({ certificate: caCertificate, privateKey: caKey })
  return createFleet({
    ...rest,
    fetch,
    ca,
    ...(apns === undefined ? {} : { register: apns.register }),
    ...(stateDir === undefined ? {} : memoryIn(stateDir)),
  })
}

const MEMORY_FILE = /^device-(\d+)\.json$/

function memoryIn(stateDir: string) {
  mkdirSync(stateDir, { recursive: true, mode: 0o700 })
  const remembered = new Map<number, DeviceMemory>()
  for (const name of readdirSync(stateDir)) {
    const index = MEMORY_FILE.exec(name)?.[1]
    if (index !== undefined) {
      remembered.set(Number(index), readMemory(join(stateDir, name)))
    }
  }
  return {
    remembered,
    remember(index: number, memory: DeviceMemory): void {
      const file = join(stateDir, `device-${index}.json`)
      // A kill between the two leaves the older memory whole.
      writeFileSync(`${file}.new`, JSON.stringify(memory), { mode: 0o600 })
      renameSync(`${file}.new`, file)
    },
  }
}

/** Written by this program alone, and whole (see `remember`). */
function readMemory(file: string): DeviceMemory {
  const memory: DeviceMemory = JSON.parse(readFileSync(file, 'utf8'))
  return memory
}
