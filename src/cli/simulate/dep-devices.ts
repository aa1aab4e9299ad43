/** Simulated devices that Apple’s simulated service knows. An assigned profile switches them on. */
import { join } from 'node:path'
import type { Platform } from '../../apple/platform.ts'
import type { SimulatedDep } from '../../simulator/dep/dep.ts'
import { platformOfModel } from '../../simulator/dep/devices.ts'
import { joinByDep } from '../../simulator/dep/join.ts'
import { desktopText, isHeld } from '../../simulator/device/desktop.ts'
import type { SimulatedDevice } from '../../simulator/device/device.ts'
import { newKey } from '../../simulator/device/identity.ts'
import { HARDWARE } from '../../simulator/device/platforms.ts'
import type { Fleet } from '../../simulator/fleet/fleet.ts'
import { messageOf } from '../error.ts'
import { type FleetStart, startFleet } from './fleet.ts'

/** Milliseconds between two polls of a device in Setup Assistant. */
export const SETUP_POLL = 2000
const AT_A_TIME = 4

const PLATFORMS: readonly Platform[] = ['macOS', 'iOS', 'iPadOS', 'tvOS', 'visionOS']

export interface Machine {
  readonly serial: string
  readonly platform: Platform
}

type DepDevicesStart = Pick<FleetStart, 'server' | 'release' | 'apns' | 'faults' | 'applied'> & {
  readonly dep: Pick<SimulatedDep, 'activate' | 'onAssigned' | 'add' | 'state'>
  readonly count: number
  /** Each device is remembered in a directory of its own. */
  readonly stateDir: string
  readonly say: (text: string) => void
}

/** Adds devices to the service, the same ones at each start, and switches them on in time. */
export function startDepDevices(options: DepDevicesStart): { close(): Promise<void> } {
  const { dep, count, say } = options
  const fleets = new Map<string, Promise<Fleet | undefined>>()
  const lanes: Promise<unknown>[] = []
  const key = newKey('rsa')
  const machines = new Map<string, Machine>()

  function switchOn(serial: string): void {
    const machine = machines.get(serial)
    if (machine && !fleets.has(serial)) {
      const lane = fleets.size % AT_A_TIME
      const fleet = Promise.resolve(lanes[lane])
        .then(() => startOne(options, machine, key))
        .catch((error: unknown) => {
          // It may be switched on again, by another assignment.
          fleets.delete(serial)
          say(`${serial}: ${messageOf(error)}`)
          return undefined
        })
      lanes[lane] = fleet
      fleets.set(serial, fleet)
    }
  }

  for (let n = 0; n < count; n += 1) {
    const platform = PLATFORMS[n % PLATFORMS.length] ?? 'macOS'
    const serial = `SMLT${String(n + 1).padStart(8, '0')}`
    if (!dep.state.devices[serial]) {
      dep.add({ serial_number: serial, model: HARDWARE[platform].modelName })
    }
    machines.set(serial, { serial, platform })
    const { status } = dep.state.devices[serial]?.profile ?? {}
    if (status === 'assigned' || status === 'pushed') {
      switchOn(serial)
    }
  }
  const end = dep.onAssigned(switchOn)
  return {
    async close() {
      end()
      await Promise.all([...fleets.values()].map(async (fleet) => (await fleet)?.close()))
    },
  }
}

async function startOne(
  { dep, stateDir, say, ...options }: DepDevicesStart,
  { serial, platform }: Machine,
  key: ReturnType<typeof newKey>,
): Promise<Fleet> {
  const { server } = options
  const told = tellDesktops(say)
  let devices: readonly SimulatedDevice[] = []
  const fleet = await startFleet({
    ...options,
    count: 1,
    key,
    machines: [{ serial, platform }],
    join: joinByDep({ fetch, server, activate: dep.activate }),
    retryAfter: SETUP_POLL,
    stateDir: join(stateDir, serial),
    sessionEnded: () => told(devices),
  })
  devices = fleet.devices
  told(devices)
  return fleet
}

/** Says once of each device what it has when Setup Assistant is over. */
export function tellDesktops(
  say: (text: string) => void,
): (devices: readonly SimulatedDevice[]) => void {
  const told = new Set<SimulatedDevice>()
  return (devices) => {
    for (const device of devices) {
      if (!isHeld(device) && !told.has(device)) {
        told.add(device)
        say(desktopText(device))
      }
    }
  }
}

interface PortalDevice {
  readonly serial_number: string
  readonly model: string
  readonly profile_status: string
}

/** Devices in the portal of a service in another process: the named ones, or the first with a profile. */
export async function machinesAt(
  depUrl: string,
  wanted: { readonly serials: readonly string[]; readonly count: number },
): Promise<Machine[]> {
  const response = await fetch(`${depUrl}/portal/devices`)
  const devices: PortalDevice[] = JSON.parse(await response.text())
  const { serials, count } = wanted
  const chosen =
    serials.length > 0
      ? devices.filter(({ serial_number: serial }) => serials.includes(serial))
      : devices.filter(({ profile_status: status }) => status === 'assigned').slice(0, count)
  return chosen.map(({ serial_number: serial, model }) => ({
    serial,
    platform: platformOfModel(model),
  }))
}
