import type { ProvidedContext } from 'vitest'
import type { TestProject } from 'vitest/node'
import { createSimulatedDep } from '../../src/simulator/dep/dep.ts'
import { listenDep } from '../../src/simulator/dep/portal/listen.ts'
import { fetchAlone, newState, start, within } from '../e2e/server.ts'

export interface SharedDevice {
  readonly id: string
  readonly platform: string
  readonly serial_number: string
}

declare module 'vitest' {
  interface ProvidedContext {
    readonly consoleUrl: string
    /** The simulated devices that answer at once. Tests that join others leave these alone. */
    readonly devices: readonly [SharedDevice, ...SharedDevice[]]
    /** Apple’s device assignment service, simulated: no account is connected at the start. */
    readonly appleUrl: string
  }
}

/** The key of the server that all files of this project share. */
export const CONSOLE_KEY = 'key-of-the-console-tests-0123456789'
const DEVICES = 6

/** One server with a few devices for all files: each file leaves the devices of the others alone. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const apple = await listenDep(createSimulatedDep())
  const server = await start(
    await newState(),
    ['--api-key', CONSOLE_KEY, '--devices', String(DEVICES)],
    'It answers at once',
    { DEP_URL: apple.url },
  )
  const devices = await within(listDevices(server.url), () => `${DEVICES} devices in the list`)
  project.provide('devices', devices)
  project.provide('consoleUrl', server.url)
  project.provide('appleUrl', apple.url)
  return async () => {
    await server.stop()
    await apple.close()
  }
}

/** The list of devices follows the devices themselves, a moment later. */
async function listDevices(url: string): Promise<ProvidedContext['devices']> {
  const headers = { authorization: `Basic ${btoa(`micromdm:${CONSOLE_KEY}`)}` }
  for (;;) {
    const answer = await fetchAlone(`${url}/api/devices`, { headers })
    const { items }: { items: SharedDevice[] } = JSON.parse(await answer.text())
    const [first, ...rest] = items.filter(({ platform }) => platform !== null)
    if (first && rest.length === DEVICES - 1) {
      return [first, ...rest]
    }
  }
}
