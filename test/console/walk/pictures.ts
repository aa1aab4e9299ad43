/** `npm run looks -- --pictures`: the pictures of docs/images, of an office with a dozen devices. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { openVisit } from '../browser.ts'
import type { Office } from './fleet.ts'
import { withPalette } from './palette.ts'

const IMAGES = join(import.meta.dirname, '../../../docs/images')
const MOST_BYTES = 120_000

/** @throws Error for a picture that is too large for a page of the docs */
export async function takePictures(browser: Browser, office: Office): Promise<void> {
  const { mac } = office
  await mkdir(IMAGES, { recursive: true })
  const { page } = await openVisit(browser, office.url, '/console')
  await page.getByText(/✓ Live/).waitFor({ state: 'attached' })
  const answered = await work(page, office)
  await page.getByText('SecurityInfo').first().waitFor()
  await take(page, 'overview')
  await page.goto('/console/devices')
  await page.getByText(mac.name).waitFor()
  await take(page, 'devices')
  await page.goto(`/console/devices/${mac.udid}`)
  await page.getByText('AvailableOSUpdates').first().waitFor()
  await take(page, 'device')
  await page.goto(`/console/devices/${mac.udid}/command/DeviceLock`)
  await page.getByLabel('Message').fill('This Mac is lost. Please call 020 7946 0018.')
  await take(page, 'command')
  await page.goto(`/console/commands/${encodeURIComponent(answered)}`)
  await page.getByText('FileVault').first().waitFor()
  await take(page, 'answer')
}

/** What Ada does while the page is open, whose feed shows it. @returns a command with its answer */
async function work(page: Page, { devices, mac }: Office): Promise<string> {
  const send = async (path: string, data: object): Promise<string> => {
    const answer = await page.request.post(path, { data, headers: { 'x-edgemdm': 'console' } })
    const { id }: { id: string } = await answer.json()
    return id
  }
  const ids = devices.slice(4).map(({ udid }) => udid)
  await send('/api/commands', { ids, command: { request_type: 'ProfileList' }, pace: 1 })
  const commands: string[] = []
  for (const device of devices.slice(0, 4)) {
    const path = `/api/devices/${device.udid}/commands`
    commands.push(await send(path, { request_type: 'SecurityInfo' }))
    await device.poll()
  }
  await send(`/api/devices/${mac.udid}/commands`, { request_type: 'AvailableOSUpdates' })
  return commands[0] ?? ''
}

async function take(page: Page, name: string): Promise<void> {
  const path = join(IMAGES, `console-${name}.png`)
  await page.evaluate(() => document.fonts.ready)
  const picture = withPalette(await page.screenshot())
  await writeFile(path, picture)
  console.log(`${path}: ${(picture.length / 1000).toFixed(0)} kB`)
  if (picture.length > MOST_BYTES) {
    throw new Error(`${path} has more than ${MOST_BYTES / 1000} kB`)
  }
}
