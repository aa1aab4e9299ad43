import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config'
import { PATIENCE } from './patience.ts'
import { workerProject } from './worker/project.ts'

/** A test ends by itself and says what was missing; this is for one that hangs. */
const HANGS_AFTER = 900_000

const suite = (name: string, groupOrder: number, maxWorkers: number) => ({
  name,
  root: import.meta.dirname,
  include: [`${name}/**/*.test.ts`],
  maxWorkers,
  testTimeout: HANGS_AFTER,
  expect: { poll: { timeout: PATIENCE, interval: 20 } },
  hookTimeout: HANGS_AFTER,
  // One after the other, whatever becomes of the one before.
  sequence: { groupOrder },
})

const projects: TestProjectInlineConfiguration[] = [
  { test: suite('unit', 1, 2) },
  { ...workerProject, test: { ...suite('worker', 2, 3), setupFiles: ['worker/setup.ts'] } },
  // Each brings its own workerd; most of their time is waiting.
  { test: suite('e2e', 3, 2) },
]

export default defineConfig({
  test: {
    root: import.meta.dirname,
    projects,
    // What a test prints is shown when it fails.
    silent: 'passed-only',
    // How long a test takes says more of the machine than of the test.
    slowTestThreshold: HANGS_AFTER,
  },
})
