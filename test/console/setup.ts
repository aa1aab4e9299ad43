import type { TestProject } from 'vitest/node'
import { createSimulatedDep } from '../../src/simulator/dep/dep.ts'
import { listenDep } from '../../src/simulator/dep/portal/listen.ts'
import { newState, start } from '../e2e/server.ts'

declare module 'vitest' {
  interface ProvidedContext {
    readonly consoleUrl: string
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
  project.provide('consoleUrl', server.url)
  project.provide('appleUrl', apple.url)
  return async () => {
    await server.stop()
    await apple.close()
  }
}
