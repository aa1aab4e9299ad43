/** A browser at the console, for tests, `npm run looks` and `npm run bench`. */
import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
} from 'playwright-core'
import { PATIENCE } from '../patience.ts'
import { findChromium } from './chromium.ts'
import { CONSOLE_KEY } from './setup.ts'

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
export const WIDE = { width: 1280, height: 800 }
const OF_CONSOLE = { 'x-edgemdm': 'console' }
export const PHONE = { width: 390, height: 844 }

/** @throws Error without a browser on this machine */
export async function launchChromium(flags: readonly string[] = []): Promise<Browser> {
  const executablePath = findChromium()
  if (executablePath === undefined) {
    throw new Error('no Chromium: install one, or name it in CHROMIUM')
  }
  // Chromium as root refuses to start with its sandbox.
  const sandbox = process.getuid?.() === 0 ? ['--no-sandbox'] : []
  return chromium.launch({ executablePath, args: [...sandbox, ...flags] })
}

/** One person's browser at the console. */
export interface Visit {
  readonly page: Page
  readonly url: string
  /** A click, tap, Enter or shortcut counts as one action; typing does not (docs/console.md). */
  readonly actions: { count: number }
  press(keys: string): Promise<void>
  click(
    role: 'button' | 'link' | 'checkbox' | 'radio' | 'menuitem' | 'option',
    name: string | RegExp,
  ): Promise<void>
  /** Milliseconds from the first action, or from the opening before there is one. */
  elapsed(): number
  /** What the test does meanwhile is no part of the time that elapses. */
  aside<T>(does: () => Promise<T>): Promise<T>
  /** What went wrong beside the test: errors of scripts, refusals of the policy, requests to other sites. */
  readonly faults: string[]
  close(): Promise<void>
}

export type VisitOptions = BrowserContextOptions & { readonly key?: string | null }

/**
 * Opens the console with a session, at a screen.
 *
 * @param options.key without one: of the tests’ server, with all scopes; `null`: without a session
 */
export async function openVisit(
  browser: Browser,
  url: string,
  path: string,
  options: VisitOptions = {},
): Promise<Visit> {
  const { key = CONSOLE_KEY, ...more } = options
  // A look in the middle of a transition would see colours that stand nowhere.
  const context = await browser.newContext({
    viewport: WIDE,
    baseURL: url,
    reducedMotion: 'reduce',
    ...more,
  })
  context.setDefaultTimeout(PATIENCE)
  if (key !== null) {
    await signInBy(context, url, key)
  }
  const page = await context.newPage()
  const faults: string[] = []
  watch(page, url, faults)
  let count = 0
  let began = performance.now()
  const actions = {
    get count() {
      return count
    },
    set count(now) {
      if (count === 0) {
        began = performance.now()
      }
      count = now
    },
  }
  await page.goto(path)
  return {
    page,
    url,
    actions,
    faults,
    async press(keys) {
      actions.count++
      await page.keyboard.press(keys)
    },
    async click(role, name) {
      actions.count++
      await page.getByRole(role, { name }).click()
    },
    elapsed: () => performance.now() - began,
    async aside(does) {
      const from = performance.now()
      try {
        return await does()
      } finally {
        began += performance.now() - from
      }
    },
    async close() {
      // A key has 20 sessions at most: another one would end the session of a file that runs beside this.
      if ((await context.cookies()).length > 0) {
        await context.request.delete(`${url}/console/session`, { headers: OF_CONSOLE })
      }
      await context.close()
    },
  }
}

async function signInBy(context: BrowserContext, url: string, key: string): Promise<void> {
  const answer = await context.request.post(`${url}/console/session`, {
    data: { key, who: 'Ada' },
    headers: OF_CONSOLE,
  })
  if (answer.status() !== 201) {
    throw new Error(`no session: ${answer.status()} ${await answer.text()}`)
  }
}

function watch(page: Page, url: string, faults: string[]): void {
  page.on('pageerror', ({ message }) => faults.push(`error: ${message}`))
  page.on('console', (message) => {
    const text = message.text()
    if (message.type() === 'error' && !text.startsWith('Failed to load resource')) {
      faults.push(`console: ${text}`)
    }
  })
  page.on('request', (request) => {
    const address = request.url()
    if (!address.startsWith(url) && !address.startsWith('data:')) {
      faults.push(`another site: ${address}`)
    }
  })
}

/** Each rule of WCAG 2.2 AA that the page breaks, and where. */
export async function brokenRules(page: Page): Promise<string[]> {
  // Through the debugger: the page's own policy refuses a script that is added to it.
  if (!(await page.evaluate("'axe' in globalThis"))) {
    await page.evaluate(AXE)
  }
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      axe: {
        run(options: object): Promise<{
          violations: { id: string; nodes: { target: unknown[]; failureSummary?: string }[] }[]
        }>
      }
    }
    const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']
    const { violations } = await axe.run({ runOnly: { type: 'tag', values: tags } })
    return violations.flatMap(({ id, nodes }) =>
      nodes.map(({ target, failureSummary }) => `${id} ${target.join(' ')}: ${failureSummary}`),
    )
  })
}
