import type { TestProject } from 'vitest/node'
import { newState, start } from '../e2e/server.ts'

declare module 'vitest' {
  interface ProvidedContext {
    readonly consoleUrl: string
  }
}

/** The key of the server that all files of this project share. */
export const CONSOLE_KEY = 'key-of-the-console-tests-0123456789'
const DEVICES = 6

/** One server with a few devices for all files: each file leaves the devices of the others alone. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await start(
    await newState(),
    ['--api-key', CONSOLE_KEY, '--devices', String(DEVICES)],
    'It answers at once',
  )
  project.provide('consoleUrl', server.url)
  return async () => {
    await server.stop()
  }
}
