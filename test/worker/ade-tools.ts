/** Apple's simulated service in workerd, and devices that enrol by it at the Worker. */
import { exports } from 'cloudflare:workers'
import type { DeviceOptions, SimulatedDevice } from '../../src/simulator/device/device.ts'
import { readIssuer } from '../../src/simulator/device/identity.ts'
import { createSimulatedDep, type SimulatedDep } from '../../src/simulator/dep/dep.ts'
import { enrolNewDevice, joinByDep } from '../../src/simulator/dep/join.ts'
import { clock } from './clock.ts'
import { ORIGIN } from './file-tools.ts'
import { newAuthority, install, scepFetch, someKey } from './scep-client.ts'
import { env } from './server.ts'

const { SIMULATED_CA, SIMULATED_CA_KEY } = env as unknown as Record<string, string>

/** Its devices are those of a CA that the Worker trusts. Its clock is that of the tests. */
export function newDep(): SimulatedDep {
  return createSimulatedDep({
    now: () => clock.now(),
    wait: async () => undefined,
    deviceCa: readIssuer({
      certificate: SIMULATED_CA ?? '',
      privateKey: SIMULATED_CA_KEY ?? '',
    }),
  })
}

/** The CA of `/scep`, which devices get their identities from. */
export async function installIssuingCa(): Promise<void> {
  await install(newAuthority())
}

/** A device of the service that has a profile enrols with it. */
export function enrolByDep(
  dep: Pick<SimulatedDep, 'activate'>,
  serial: string,
  options: Partial<DeviceOptions> = {},
): Promise<SimulatedDevice> {
  const join = joinByDep({ fetch: scepFetch, server: ORIGIN, activate: dep.activate })
  return enrolNewDevice(
    join,
    { serial, platform: options.platform ?? 'macOS', key: someKey },
    {
      fetch: (url, init) => exports.default.fetch(new Request(url, init as RequestInit)),
      clock: () => new Date(clock.now()),
      ...options,
    },
  )
}
