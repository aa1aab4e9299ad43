import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config'
import { findChromium } from './console/chromium.ts'
import { PATIENCE } from './patience.ts'
import { workerProject } from './worker/project.ts'

/** Each wait has its own bound and says what was missing. This one ends a test that hangs elsewhere. */
const HANGS_AFTER = 900_000

// The processes of a run load the same modules again and again: half of what a short one does is to compile them.
process.env['NODE_COMPILE_CACHE'] ??= join(tmpdir(), 'edgemdm-compile-cache')

const suite = (name: string) => ({
  name,
  root: import.meta.dirname,
  include: [`${name}/**/*.test.ts`],
  maxWorkers: 3,
  testTimeout: HANGS_AFTER,
  hookTimeout: HANGS_AFTER,
  expect: { poll: { timeout: PATIENCE, interval: 20 } },
})

// A contributor may have no browser. CI fails without one.
const withBrowser = findChromium() !== undefined || process.env['CI'] !== undefined
if (!withBrowser) {
  console.warn('Tests in a browser are left out: no Chromium. Install one, or name it in CHROMIUM.')
}
const attack = suite('attack')
const attackProject: TestProjectInlineConfiguration = {
  test: withBrowser ? attack : { ...attack, exclude: ['attack/admin-acts.test.ts'] },
}
const consoleProject: TestProjectInlineConfiguration[] = withBrowser
  ? [{ test: { ...suite('console'), isolate: false, globalSetup: 'console/setup.ts' } }]
  : []

// All run together: most of the time of e2e and attack, which bring their own workerd, is waiting. The files of
// the unit project share processes: they keep nothing in modules. Those of console keep their browser. Those of worker share a workerd (worker/setup.ts).
const projects: TestProjectInlineConfiguration[] = [
  { test: { ...suite('unit'), isolate: false } },
  {
    ...workerProject,
    test: { ...suite('worker'), isolate: false, setupFiles: ['worker/setup.ts'] },
  },
  { test: { ...suite('e2e'), isolate: false, globalSetup: 'e2e/setup.ts' } },
  attackProject,
  ...consoleProject,
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
