import type { Browser } from 'playwright-core'
import { expect, inject, TestRunner } from 'vitest'
import { brokenRules, launchChromium, openVisit, type Visit, type VisitOptions } from './browser.ts'

export { PHONE, type Visit } from './browser.ts'

declare module 'vitest' {
  interface TaskMeta {
    /** From the first action of a task to its end (docs/performance.md). */
    seconds?: number
  }
}

/** The files that a process runs share it. It ends with the process. */
let browser: Promise<Browser> | undefined

/** Opens the console of the server that all tests share. */
export async function visit(path: string, options?: VisitOptions): Promise<Visit> {
  browser ??= launchChromium()
  return openVisit(await browser, inject('consoleUrl'), path, options)
}

/** The task is done: it took so many actions at most, and so long, which is noted for the bench. */
export function expectDone(visitor: Visit, mostActions: number): void {
  const test = TestRunner.getCurrentTest()
  if (test) {
    test.meta.seconds = visitor.elapsed() / 1000
  }
  expect(visitor.actions.count).toBeLessThanOrEqual(mostActions)
}

/** Fails with each rule of WCAG 2.2 AA that the screen breaks, and where. */
export async function expectAccessible({ page, faults, aside }: Visit): Promise<void> {
  expect(await aside(() => brokenRules(page))).toEqual([])
  expect(faults).toEqual([])
}
