/** The simulated devices of `npm start`. */
import { join } from 'node:path'
import type { Reported } from '../../../ddm/states.ts'
import { joinByProfile } from '../../../simulator/device/joining.ts'
import { versionIn } from '../../../simulator/device/os.ts'
import { HARDWARE } from '../../../simulator/device/platforms.ts'
import type { Fleet } from '../../../simulator/fleet/fleet.ts'
import type { AdminAccess } from '../../api-client.ts'
import { CliError, messageOf } from '../../error.ts'
import type { StartOptions } from '../../options.ts'
import { appliedText } from '../../simulate/applied.ts'
import { startDepDevices } from '../../simulate/dep-devices.ts'
import { type FleetStart, startFleet } from '../../simulate/fleet.ts'
import { tryText } from '../panel.ts'
import type { Pushing } from '../pushing.ts'
import type { Output } from '../terminal/output.ts'
import { portalText, type StartedDep } from './dep-simulator.ts'

export interface Simulated {
  readonly access: AdminAccess
  readonly directory: string
  readonly dep: StartedDep | undefined
  readonly apns: Pushing['simulated']
  readonly profileUrl: string
}

/** Devices, and how a person plays Apple’s web site for them. */
export async function startSimulated(
  options: StartOptions,
  running: AsyncDisposableStack,
  output: Output,
  { access, directory, dep, apns, profileUrl }: Simulated,
): Promise<void> {
  const server = access.url
  const where = { server, ...(apns && { apns }) }
  if (dep) {
    output.say(portalText(dep.url, access))
    const devices = startDepDevices({
      ...choicesOf(options, output),
      ...where,
      dep: dep.dep,
      count: options.devices,
      stateDir: join(directory, 'dep-devices'),
      say: output.say,
    })
    running.defer(() => devices.close())
  } else if (options.devices > 0) {
    const fleet = await startDevices(options, output, {
      ...where,
      join: joinByProfile({ fetch, server, profileUrl }),
      stateDir: join(directory, 'devices'),
    })
    running.defer(() => fleet.close())
    showFirst(fleet, access, output)
  }
}

/** The behaviour of devices that the command line chooses. */
function choicesOf({ os: release, faults }: StartOptions, output: Output) {
  return {
    ...(release !== undefined && { release }),
    faults,
    applied: (states: readonly Reported[], { enrollmentId }: { enrollmentId: string }) => {
      output.say(`device ${enrollmentId} ${appliedText(states)}`)
    },
  }
}

async function startDevices(
  options: StartOptions,
  output: Output,
  where: Omit<FleetStart, 'count'>,
): Promise<Fleet> {
  const { devices: count, os: release } = options
  const things = count === 1 ? 'device' : 'devices'
  output.progress(`enrolling ${count} simulated ${things} …`)
  const fleet = await startFleet({
    count,
    ...where,
    ...choicesOf(options, output),
    started: (n) => output.progress(`enrolling ${count} simulated ${things} …`, `${n} of ${count}`),
  }).catch((error: unknown) => {
    throw new CliError(`the simulated devices: ${messageOf(error)}`)
  })
  output.say(`${count} simulated ${things} enrolled`)
  const others = fleet.devices.filter(
    ({ platform, osVersion }) =>
      release !== undefined && osVersion !== versionIn(release, platform),
  )
  if (others.length > 0) {
    output.say(
      `${others.length} of them are of an earlier start and keep their OS: --os is for new ones`,
    )
  }
  return fleet
}

/** The next step: a command to a running device, and its answer. */
function showFirst({ devices }: Fleet, { url, apiKey }: AdminAccess, output: Output): void {
  for (const { udid, platform } of devices) {
    output.nameDevice(udid, HARDWARE[platform].modelName)
  }
  const first = devices.find((device) => device.state() === 'enrolled')
  if (first) {
    const { udid, platform, osVersion } = first
    const { modelName: model } = HARDWARE[platform]
    output.say(tryText(url, apiKey, { id: udid, model, osVersion }))
  }
}
