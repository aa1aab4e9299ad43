import type { TestProject } from 'vitest/node'
import { openDoor } from '../cloudflare/resident/door.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** The socket of the process that has Wrangler loaded, for all files of this project. */
    readonly wranglerDoor: string
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const door = await openDoor()
  project.provide('wranglerDoor', door.path)
  return door.close
}
