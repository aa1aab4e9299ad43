/**
 * `npm run bench -- --only console`: how long a person waits at the console, with a fleet in its list. Each
 * figure stands beside its budget.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { transformSync } from 'esbuild'
import type { Browser, Page } from 'playwright-core'
import { launchChromium, openVisit, type Visit } from '../console/browser.ts'
import { findChromium } from '../console/chromium.ts'
import { fetchAlone, type RunningServer } from '../e2e/server.ts'
import { figureOf, percentile, tellFigure } from './figure.ts'
import { once } from './passes.ts'
import { apiKeyOf, type Bench, type Scene, withServer } from './server.ts'
import { measureTasks } from './tasks.ts'
import { processesOf, untilQuiet } from './usage.ts'

const PAGE_SCRIPT = transformSync(
  readFileSync(join(import.meta.dirname, '../console/figures.ts'), 'utf8'),
  { loader: 'ts' },
).code
/** Devices that do something while the page is looked at. */
const BUSY = 100
const CYCLES_PER_SECOND = 12
const LIVE_SECONDS = 20
const ROUNDS = 5
const SEARCHES = 40
/** Milliseconds between two keys of a person who types fast. */
const BETWEEN_KEYS = 120
/** Chromium tells of no event that was shorter. */
const SHORTEST_EVENT = 16
const SLOW_CPU = 4
const MB = 1_000_000

interface Place {
  readonly browser: Browser
  readonly server: RunningServer
  readonly key: string
}

export async function measureConsole(scene: Scene, size: number): Promise<void> {
  if (findChromium() === undefined) {
    console.log(
      'console: skipped, because there is no Chromium. Install one, or name it in CHROMIUM.',
    )
    return
  }
  await withServer(scene, [], async (bench) => {
    const server = bench.server()
    await bench.load.run(once({ kind: 'fill', from: 0, to: size }))
    await bench.load.run(once({ kind: 'enrolment', from: 0, to: BUSY }))
    await untilListed(server, size + BUSY)
    await untilQuiet(processesOf(server))
    const browser = await launchChromium()
    const place = { browser, server, key: await apiKeyOf(server) }
    console.log(`\nthe console with ${size} devices, Chromium ${browser.version()}, headless`)
    try {
      await measureSearch(place)
      await measureFirstRows(place)
      await measureKeys(place)
      await measureLive(place, bench)
    } finally {
      await browser.close()
    }
  })
  await measureTasks()
}

async function untilListed(server: RunningServer, count: number): Promise<void> {
  for (let total = 0; total < count;) {
    const { body } = await server.api<{ total: number }>('GET', '/api/devices?limit=1')
    total = body.total
  }
}

const opened = async ({ browser, server, key }: Place, path: string): Promise<Visit> => {
  const visit = await openVisit(browser, server.url, '/console/nowhere', { key })
  await visit.page.addInitScript({ content: PAGE_SCRIPT })
  await visit.page.goto(path)
  return visit
}

/** The call behind the filter and the palette. */
async function measureSearch({ server, key }: Place): Promise<void> {
  const headers = { authorization: `Basic ${btoa(`micromdm:${key}`)}` }
  const times: number[] = []
  for (let n = 0; n < SEARCHES; n++) {
    const began = performance.now()
    const answer = await fetchAlone(
      `${server.url}/api/devices?q=${String(n * 97).padStart(4, '0')}`,
      {
        headers,
      },
    )
    await answer.text()
    times.push(performance.now() - began)
  }
  tellFigure('GET /api/devices?q=, p95', figureOf(percentile(times, 95), 'ms'), 150)
}

/** In a browser that has nothing of the console. */
async function measureFirstRows(place: Place): Promise<void> {
  const times: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const { page, close } = await opened(place, '/console/devices')
    await page.locator('tr[data-row]').first().waitFor()
    // Two frames later it is noted.
    await page.evaluate('new Promise((noted) => setTimeout(noted, 200))')
    times.push(await page.evaluate<number>('figures.firstRows'))
    await close()
  }
  tellFigure('first rows, p95', figureOf(percentile(times, 95), 'ms'), 1500)
}

async function measureKeys(place: Place): Promise<void> {
  const { page, close } = await opened(place, '/console/devices')
  await page.locator('tr[data-row]').first().waitFor()
  const session = await page.context().newCDPSession(page)
  for (const rate of [1, SLOW_CPU]) {
    await session.send('Emulation.setCPUThrottlingRate', { rate })
    const slow = rate === 1 ? '' : `, CPU ${rate} × slower`
    const budget = rate === 1 ? 100 : 200
    await page.getByRole('searchbox').fill('')
    await page.getByRole('searchbox').focus()
    tellKeys(`key in the filter${slow}`, await typeInto(page), budget)
    await page.keyboard.press('Control+k')
    await page.getByRole('combobox').waitFor()
    tellKeys(`key in the palette${slow}`, await typeInto(page), budget)
    await page.keyboard.press('Escape')
  }
  await close()
}

/** Numbers that ever fewer devices have, three times over. @returns the milliseconds of each key */
async function typeInto(page: Page): Promise<number[]> {
  await page.evaluate('figures.keys.clear()')
  const texts = ['fill-000012', 'fill-0000345', 'fill-00009']
  for (const text of texts) {
    await page.keyboard.type(text, { delay: BETWEEN_KEYS })
    for (const _ of text) {
      await page.keyboard.press('Backspace', { delay: BETWEEN_KEYS })
    }
  }
  const times = await page.evaluate<number[]>('[...figures.keys.values()]')
  const pressed = 2 * texts.join('').length
  return [...times, ...Array.from({ length: pressed - times.length }, () => SHORTEST_EVENT)]
}

function tellKeys(what: string, times: readonly number[], budget: number): void {
  const worst = figureOf(Math.max(...times), 'ms')
  tellFigure(
    `${what}, p95 of ${times.length} (worst ${worst.text})`,
    figureOf(percentile(times, 95), 'ms'),
    budget,
  )
}

/** Real events of devices that take a command and answer it, while the page shows them. */
async function measureLive(place: Place, { load }: Bench): Promise<void> {
  for (const path of ['/console/activity', '/console/devices?state=enrolled']) {
    const { page, close } = await opened(place, path)
    await page.getByText(/✓ Live/).waitFor({ state: 'attached' })
    await page.locator('.bone').first().waitFor({ state: 'detached' })
    await page.evaluate('figures.longTasks.length = 0')
    const [events] = await Promise.all([
      countEvents(place),
      load.run({
        kind: 'cycle',
        connections: 4,
        from: 0,
        to: BUSY,
        count: CYCLES_PER_SECOND * LIVE_SECONDS,
        perSecond: CYCLES_PER_SECOND,
        seconds: LIVE_SECONDS,
      }),
    ])
    const tasks = await page.evaluate<number[]>('figures.longTasks')
    const rate = (events / LIVE_SECONDS).toFixed(0)
    const what = `longest task of ${path.slice(9)} at ${rate} events/s (${tasks.length} above 50 ms)`
    tellFigure(what, figureOf(Math.max(0, ...tasks), 'ms'), 50)
    tellFigure(`heap of ${path.slice(9)} then`, figureOf((await heapOf(page)) / MB, 'MB'), 60)
    await close()
  }
}

/** How many events another reader of the stream gets meanwhile. */
async function countEvents({ server, key }: Place): Promise<number> {
  const headers = { authorization: `Basic ${btoa(`micromdm:${key}`)}` }
  const signal = AbortSignal.timeout(LIVE_SECONDS * 1000)
  let events = 0
  try {
    const answer = await fetchAlone(`${server.url}/api/stream`, { headers, signal })
    const decoder = new TextDecoder()
    for await (const chunk of answer.body ?? []) {
      events += decoder.decode(chunk, { stream: true }).split('data: {"id"').length - 1
    }
  } catch (error) {
    if (!signal.aborted) {
      throw error
    }
  }
  return events
}

async function heapOf(page: Page): Promise<number> {
  const session = await page.context().newCDPSession(page)
  await session.send('HeapProfiler.collectGarbage')
  const { usedSize } = await session.send('Runtime.getHeapUsage')
  return usedSize
}
