import type { Browser, Route } from 'playwright-core'
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

/**
 * The session ends with the next request of this method and address, and no earlier: the page reads what
 * is new at any time, and would ask for the sign-in before the test has come to its click.
 */
export async function endSessionAt({ page }: Visit, method: string, url: string): Promise<void> {
  const end = async (route: Route): Promise<void> => {
    if (route.request().method() !== method) {
      await route.fallback()
      return
    }
    await page.context().clearCookies()
    const { cookie: _cookie, ...headers } = await route.request().allHeaders()
    const response = await route.fetch({ headers })
    expect(response.status()).toBe(401)
    await route.fulfill({ response })
    await page.unroute(url, end)
  }
  await page.route(url, end)
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
