import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config'
import { PATIENCE } from './patience.ts'
import { workerProject } from './worker/project.ts'

/** Each wait has its own bound and says what was missing. This one ends a test that hangs elsewhere. */
const HANGS_AFTER = 900_000

const suite = (name: string, groupOrder: number, maxWorkers: number) => ({
  name,
  root: import.meta.dirname,
  include: [`${name}/**/*.test.ts`],
  maxWorkers,
  testTimeout: HANGS_AFTER,
  hookTimeout: HANGS_AFTER,
  expect: { poll: { timeout: PATIENCE, interval: 20 } },
  // The suites run one after the other, also when an earlier one fails.
  sequence: { groupOrder },
})

const projects: TestProjectInlineConfiguration[] = [
  { test: suite('unit', 1, 2) },
  { ...workerProject, test: { ...suite('worker', 2, 3), setupFiles: ['worker/setup.ts'] } },
  // Each brings its own workerd; most of their time is waiting.
  { test: suite('e2e', 3, 2) },
  { test: suite('attack', 4, 2) },
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
