/**
 * `npm run looks`: each screen of the console and its states, light and dark, wide and on a phone. Says what is
 * cut off, too small, inaccessible or refused, and leaves pictures in `test/console/looks/`.
 */
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Browser, Page, Request } from 'playwright-core'
import { newState, start } from '../../e2e/server.ts'
import { brokenRules, launchChromium, openVisit, PHONE, type Visit, WIDE } from '../browser.ts'
import { CONSOLE_KEY } from '../setup.ts'
import { addressesOf } from './addresses.ts'
import { addTrouble, openOffice } from './fleet.ts'
import { inspectLayout } from './inspect.ts'
import { fillLibrary, openAccount } from './library.ts'
import { takePictures } from './pictures.ts'
import { lookAtStates } from './states.ts'

const HELP = `Usage: npm run looks -- [options]

  --only TEXT   only addresses and states whose name has this text, such as /jobs or offline
  --pictures    makes the pictures of docs/images, and looks at nothing
  -h, --help    show this
`
const PICTURES = join(import.meta.dirname, '../looks')
/** Milliseconds without a call, after which a screen has what it needs. */
const QUIET = 150

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    pictures: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
})
if (values.help) {
  console.log(HELP)
  process.exit()
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => process.exit(1))
}

/** Ids in addresses, and the words that stand for them in the names of pictures. */
const names: [word: string, id: string][] = []
const flags = ['--api-key', CONSOLE_KEY, '--devices', '3', '--dep-simulator']
const state = await newState()
const server = await start(state, flags, 'Remove a device:')
const browser = await launchChromium()
try {
  const office = await openOffice(server.url)
  if (values.pictures) {
    await takePictures(browser, office)
  } else {
    await fillLibrary(office)
    const account = await openAccount(server, office)
    const examples = { ...(await addTrouble(office)), account }
    await rm(PICTURES, { recursive: true, force: true })
    await mkdir(PICTURES, { recursive: true })
    const addresses = addressesOf(examples).filter((address) => address.includes(values.only))
    names.push(...Object.entries(examples))
    const faults = [
      ...(await lookAtScreens(browser, server.url, addresses)),
      ...(await lookAtStates(browser, server.url, values.only, look)),
    ]
    console.log(`${faults.length} faults; the pictures are in ${PICTURES}`)
    process.exitCode = faults.length > 0 ? 1 : 0
  }
} finally {
  await browser.close()
  await server.stop()
  await rm(state, { recursive: true, force: true, maxRetries: 5 })
}

async function lookAtScreens(
  chromium: Browser,
  url: string,
  addresses: readonly string[],
): Promise<string[]> {
  const faults: string[] = []
  for (const viewport of [WIDE, PHONE]) {
    const visit = await openVisit(chromium, url, '/console', { viewport })
    const settled = watchReads(visit.page)
    for (const address of addresses) {
      await visit.page.goto(address)
      await settled()
      faults.push(...(await look(visit, address)))
    }
    await visit.close()
  }
  return faults
}

/** @returns what resolves when the page shows its data, and reads nothing more but what it waits for */
function watchReads(page: Page): () => Promise<void> {
  const reads = new Set<Request>()
  page.on('request', (request) => {
    if (!/\/api\/stream|[?&]wait=/.test(request.url())) {
      reads.add(request)
    }
  })
  page.on('requestfinished', (request) => reads.delete(request))
  page.on('requestfailed', (request) => reads.delete(request))
  return async () => {
    await page.locator('h1').first().waitFor()
    do {
      await page.waitForTimeout(QUIET)
    } while (reads.size > 0)
    await page.locator('.bone').first().waitFor({ state: 'detached' })
  }
}

/** Looks at what is shown now, light and dark. @returns the faults, which it prints too */
async function look({ page, faults: beside }: Visit, name: string): Promise<string[]> {
  const size = page.viewportSize()?.width ?? 0
  const faults: string[] = []
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme })
    await page.screenshot({
      path: join(PICTURES, `${fileOf(name)}.${size}.${colorScheme}.png`),
      fullPage: true,
    })
    const found = [
      ...(await page.evaluate(inspectLayout, size === PHONE.width)),
      ...(await brokenRules(page)),
      ...beside.splice(0),
    ]
    faults.push(...found.map((fault) => `${name} ${size} ${colorScheme}: ${fault}`))
  }
  faults.forEach((fault) => console.log(fault))
  return faults
}

/** `/console/devices/3F2A…?tab=queue` is `devices.mac.tab.queue`. */
function fileOf(name: string): string {
  // Longer ids first: that of a command begins with that of its device.
  const known = names.toSorted(([, a], [, b]) => b.length - a.length)
  const readable = known.reduce(
    (text, [word, id]) => text.replace(encodeURIComponent(id), word),
    name.replace(/^\/console(?=\W|$)/, ''),
  )
  return readable.replaceAll(/[^\w-]+/g, '.').replace(/^\./, '') || 'overview'
}
