import { readFileSync } from 'node:fs'
import { expect, inject, it } from 'vitest'
import { endSessionAt, expectAccessible, visit } from './console.ts'
import { callApi, joinDevice } from './device-tools.ts'
import { expectAccessibleInBothLooks } from './looks.ts'
import { CONSOLE_KEY } from './setup.ts'

const url = inject('consoleUrl')
const DAY = 86_400_000

interface Detail {
  inventory: Record<string, { at: string } | null>
}

/** An example of the documented answers. */
function exampleOf(path: string): object {
  const file = new URL('../../docs/openapi.json', import.meta.url)
  const { paths } = JSON.parse(readFileSync(file, 'utf8')) as {
    paths: Record<
      string,
      { get: { responses: { 200: { content: { 'application/json': { example: object } } } } } }
    >
  }
  const example = paths[path]?.get.responses[200].content['application/json'].example
  if (!example) {
    throw new Error(`${path} has no example`)
  }
  return example
}

it('a device that comes slowly, is old, or is out of reach says so, and stays readable', async () => {
  const device = await joinDevice(url)
  const path = `/api/devices/${device.udid}`
  await callApi(url, 'POST', `${path}/refresh`)
  await device.poll()
  const old = await callApi<Detail>(url, 'GET', path)
  for (const report of Object.values(old.inventory)) {
    if (report) {
      report.at = new Date(Date.now() - 9 * DAY).toISOString()
    }
  }
  const { promise: held, resolve: answer } = Promise.withResolvers<void>()
  const ada = await visit('/console/settings')
  const { page } = ada
  await page.route(`**${path}`, async (route) => {
    await held
    await route.fulfill({ json: old })
  })
  await page.route(`**${path}/setup`, (route) =>
    route.fulfill({ json: exampleOf('/api/devices/{id}/setup') }),
  )
  // The browser's clock is wrong by a day: ages come from the server's.
  await page.clock.setFixedTime(Date.now() + DAY)
  await page.goto(`/console/devices/${device.udid}`)
  // Before the code of the screen is there, its frame shows bones too, without a heading.
  await page.getByRole('heading', { level: 1 }).waitFor()
  await page.locator('.bone').first().waitFor()
  await expectAccessible(ada)
  answer()
  await page.locator('.verdict', { hasText: 'Alive' }).waitFor()
  await ada.click('link', 'Inventory')
  await page.getByText(/as of/i).first().waitFor()
  await page.getByRole('button', { name: 'Ask again' }).first().waitFor()
  expect(await page.getByText('1 day ago').count()).toBe(0)
  await ada.click('link', 'Setup')
  await page.getByText('com.example.trust').waitFor()
  await expectAccessibleInBothLooks(ada)
  await page.context().setOffline(true)
  await page.getByText(/^No connection\. Shown as of \d\d:\d\d\.$/).waitFor()
  const push = page.getByRole('button', { name: 'Push' })
  expect(await push.getAttribute('title')).toBe('No connection')
  await page.locator('.verdict', { hasText: 'Alive' }).waitFor()
  await expectAccessibleInBothLooks(ada)
  await page.context().setOffline(false)
  await page.unrouteAll({ behavior: 'ignoreErrors' })
  await ada.close()
})

it('a form keeps what was typed when the session ends, and says what others did meanwhile', async () => {
  const device = await joinDevice(url)
  const ada = await visit(`/console/devices/${device.udid}/command/DeviceLock`)
  const { page } = ada
  await page.getByLabel('Message').fill('Call 555')
  await page.getByText('When: now').waitFor()
  const path = `/api/devices/${device.udid}/commands`
  await callApi(url, 'POST', path, { request_type: 'EraseDevice', pin: '482913' })
  await page.getByText(/^Changed meanwhile: .* has queued EraseDevice/).waitFor()
  expect(await page.getByLabel('Message').inputValue()).toBe('Call 555')
  await expectAccessibleInBothLooks(ada)
  await endSessionAt(ada, 'POST', '**/api/devices/*/commands*')
  await ada.click('button', /^Lock Mac/)
  await page.getByLabel(/to confirm/).fill(device.serial.slice(-4))
  await page.getByRole('dialog').getByRole('button', { name: 'Lock Mac' }).click()
  await page.getByText('Your session has ended').waitFor()
  await expectAccessibleInBothLooks(ada)
  await page.getByLabel('API key').fill(CONSOLE_KEY)
  await ada.click('button', 'Sign in')
  await page.getByText('DeviceLock queued.').waitFor()
  const queued = await callApi<object>(url, 'GET', `/api/commands/${device.udid}.2`)
  expect(queued).toMatchObject({ command: { RequestType: 'DeviceLock', Message: 'Call 555' } })
  await ada.close()
})
