/** The states that a screen has beside the usual one. */
import type { Browser, Page } from 'playwright-core'
import { callApi } from '../device-tools.ts'
import { openVisit, PHONE, type Visit, WIDE } from '../browser.ts'

const SCREENS = [
  '',
  '/devices',
  '/activity',
  '/jobs',
  '/webhooks',
  '/audit',
  '/health',
  '/enrolment',
]
/** A call that a screen makes to show itself. */
const READS = /\/api\/(?!stream)/

interface State {
  readonly name: string
  readonly key?: (url: string) => Promise<string>
  readonly before?: (page: Page) => Promise<unknown>
  readonly after?: (page: Page) => Promise<void>
}

const problem = {
  status: 503,
  contentType: 'application/problem+json',
  body: JSON.stringify({
    code: 'unavailable',
    detail: `The directory does not answer. ${'w'.repeat(300)}`,
  }),
}

const STATES: readonly State[] = [
  {
    name: 'error',
    before: (page) => page.route(READS, (route) => route.fulfill(problem)),
    after: (page) => page.getByRole('alert').first().waitFor(),
  },
  {
    name: 'empty',
    before: (page) =>
      page.route(READS, async (route) => {
        const answer = await route.fetch()
        const body: object = await answer.json()
        const json = 'items' in body ? { ...body, items: [], next: null, total: 0 } : body
        await route.fulfill({ json })
      }),
  },
  {
    name: 'loading',
    before: (page) => page.route(READS, () => undefined),
    after: (page) => page.locator('.bone').first().waitFor(),
  },
  { name: 'reader', key: (url) => keyWith(url, ['read']) },
  { name: 'no-read', key: (url) => keyWith(url, ['enroll']) },
  {
    name: 'offline',
    async after(page) {
      await page.locator('h1').first().waitFor()
      await page.context().setOffline(true)
      await page
        .getByText(/^No connection/)
        .first()
        .waitFor()
    },
  },
]

async function keyWith(url: string, scopes: readonly string[]): Promise<string> {
  const name = `looks ${scopes.join()} ${crypto.randomUUID()}`
  return (await callApi<{ key: string }>(url, 'POST', '/api/keys', { name, scopes })).key
}

/** @param only a part of the names `/console/devices offline` to look at */
export async function lookAtStates(
  browser: Browser,
  url: string,
  only: string,
  look: (visit: Visit, name: string) => Promise<string[]>,
): Promise<string[]> {
  const faults: string[] = []
  for (const { name, key, before, after } of STATES) {
    const own = await key?.(url)
    for (const screen of SCREENS) {
      const address = `/console${screen}`
      if (!`${address} ${name}`.includes(only)) {
        continue
      }
      const visit = await openVisit(browser, url, '/console/nowhere', own ? { key: own } : {})
      const { page } = visit
      await before?.(page)
      await page.goto(address)
      await page.locator('h1').first().waitFor()
      await after?.(page)
      for (const size of [WIDE, PHONE]) {
        await page.setViewportSize(size)
        faults.push(...(await look(visit, `${address} ${name}`)))
      }
      await page.unrouteAll({ behavior: 'ignoreErrors' })
      await visit.close()
    }
  }
  return faults
}
