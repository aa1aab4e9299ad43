import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config'
import { PATIENCE } from './patience.ts'
import { workerProject } from './worker/project.ts'

/** Each wait has its own bound and says what was missing. This one ends a test that hangs elsewhere. */
const HANGS_AFTER = 900_000

const suite = (name: string) => ({
  name,
  root: import.meta.dirname,
  include: [`${name}/**/*.test.ts`],
  maxWorkers: 3,
  testTimeout: HANGS_AFTER,
  hookTimeout: HANGS_AFTER,
  expect: { poll: { timeout: PATIENCE, interval: 20 } },
})

// All run together: most of the time of e2e and attack, which bring their own workerd, is waiting. The files of
// the unit project share processes: they keep nothing in modules.
const projects: TestProjectInlineConfiguration[] = [
  { test: { ...suite('unit'), isolate: false } },
  { ...workerProject, test: { ...suite('worker'), setupFiles: ['worker/setup.ts'] } },
  { test: suite('e2e') },
  { test: suite('attack') },
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
