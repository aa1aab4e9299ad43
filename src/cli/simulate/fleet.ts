import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  createFleet,
  type Fleet,
  type FleetOptions,
  type Register,
} from '../../simulator/fleet/fleet.ts'
import type { DeviceMemory } from '../../simulator/fleet/memory.ts'
import type { Join } from '../../simulator/device/joining.ts'
import { versionIn } from '../../simulator/device/os.ts'
import { writeWhole } from '../write-whole.ts'

export interface FleetStart extends Pick<
  FleetOptions,
  'faults' | 'applied' | 'machines' | 'key' | 'retryAfter' | 'sessionEnded'
> {
  readonly count: number
  /** The server's address for this machine. */
  readonly server: string
  /** How new devices enrol. */
  readonly join: Join
  /** The OS release of new devices; see `FleetOptions.release`. */
  readonly release?: string
  readonly apns?: { readonly register: Register }
  /** The directory in which the devices are remembered. Without it each start enrols new ones. */
  readonly stateDir?: string
  /** Reports how many devices there are by now. */
  readonly started?: (n: number) => void
}

/** Simulated devices for a server on this machine: new ones, or continued from `stateDir`. */
export async function startFleet(options: FleetStart): Promise<Fleet> {
  const { server, apns, stateDir, ...others } = options
  return createFleet({
    ...others,
    server,
    fetch,
    scep: { fetch, server },
    ...(apns === undefined ? {} : { register: apns.register }),
    ...(stateDir === undefined ? {} : memoryIn(stateDir)),
  })
}

/** The URL of a server's enrolment profile. */
export function profileUrl(server: string, enrollToken: string): string {
  const query = new URLSearchParams(enrollToken === '' ? [] : [['token', enrollToken]])
  return `${server}/mdm/enroll${query.size === 0 ? '' : `?${query.toString()}`}`
}

const MEMORY_FILE = /^device-(\d+)\.json$/

/** Devices of earlier runs, kept in a directory. */
export function memoryIn(
  stateDir: string,
): Required<Pick<FleetOptions, 'remembered' | 'remember'>> {
  mkdirSync(stateDir, { recursive: true, mode: 0o700 })
  const remembered = new Map<number, DeviceMemory>()
  for (const name of readdirSync(stateDir)) {
    const index = MEMORY_FILE.exec(name)?.[1]
    const memory = index === undefined ? undefined : readMemory(join(stateDir, name))
    if (memory) {
      remembered.set(Number(index), memory)
    }
  }
  return {
    remembered,
    remember(index: number, memory: DeviceMemory): void {
      writeWhole(join(stateDir, `device-${index}.json`), JSON.stringify(memory))
    },
  }
}

/** The OS of all devices before they remembered it. */
const FORMER_RELEASE = '18.1'

type Later = 'profile' | 'osVersion' | 'declarative'

/**
 * Only this program writes it, and always whole (see `remember`). Older versions wrote it without the
 * profile, the OS or declarations.
 */
function readMemory(file: string): DeviceMemory | undefined {
  const memory: Omit<DeviceMemory, Later> & Partial<Pick<DeviceMemory, Later>> = JSON.parse(
    readFileSync(file, 'utf8'),
  )
  const { profile, osVersion = versionIn(FORMER_RELEASE, memory.platform) } = memory
  const { declarative = false } = memory
  return profile === undefined ? undefined : { ...memory, profile, osVersion, declarative }
}
