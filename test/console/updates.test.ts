import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { expectAccessible, expectDone, PHONE, visit, type Visit } from './console.ts'
import { callApi, joinDevice } from './device-tools.ts'
import { expectAccessibleInBothLooks } from './looks.ts'
import { CONSOLE_KEY } from './setup.ts'

/** An OS that no other device of the server has: the policies of this file concern one device. */
const OS = '15.6.9'
const NAME = 'macos-15-7'

let ada: Visit
let id: string
beforeAll(async () => {
  const url = inject('consoleUrl')
  id = (await joinDevice(url, { osVersion: OS })).udid
  ada = await visit('/console')
})
afterAll(async () => {
  await ada.page.request.delete(`${ada.url}/api/software-updates/${NAME}`, {
    headers: { authorization: `Basic ${btoa(`micromdm:${CONSOLE_KEY}`)}` },
  })
  expect(ada.faults).toEqual([])
  await ada.close()
})

it('task 11: a version by a deadline for a filter, and each device with Apple’s reason, in 4 actions', async () => {
  const { page } = ada
  await ada.click('link', 'Updates')
  await ada.click('button', 'New update…')
  const dialog = page.getByRole('dialog')
  await ada.click('checkbox', 'macOS')
  await dialog.getByLabel('Target version').fill('15.')
  await dialog.getByLabel('Deadline').fill('2099-12-10T19:00')
  await dialog.getByLabel('Only with the OS version').fill(OS)
  await dialog.locator('.fault', { hasText: 'has to be a version' }).waitFor()
  await dialog.getByLabel('Target version').fill('15.7')
  await dialog.getByText('1 device.').waitFor()
  await expectAccessibleInBothLooks(ada)
  await ada.click('button', 'Ask 1 device')
  await page.getByRole('heading', { name: 'macOS 15.7' }).waitFor()
  await page.getByText('Thu, 10 Dec 2099, 19:00, in each device’s own time zone').waitFor()
  await page.getByRole('link', { name: /^Not asked yet/ }).waitFor()
  expectDone(ada, 4)
  const stored = await callApi(ada.url, 'GET', `/api/software-updates/${NAME}`)
  expect(stored).toMatchObject({
    platforms: ['macOS'],
    rule: { os_version: OS },
    deadline: { local: '2099-12-10T19:00:00' },
    progress: { devices: 1 },
  })
})

it('shows the states as links with their counts, and what failed with the reason and the remedy', async () => {
  const { page } = ada
  const detail = await callApi<{ progress: { states: object } }>(
    ada.url,
    'GET',
    `/api/software-updates/${NAME}`,
  )
  const { progress } = detail
  const states = { ...progress.states, pending: 0, failed: 1, reached: 7 }
  const ways = { declaration: 6, command: 2, none: 0 }
  await page.route(`**/api/software-updates/${NAME}`, (route) =>
    route.fulfill({ json: { ...detail, progress: { ...progress, devices: 8, ways, states } } }),
  )
  const { items } = await callApi<{ items: object[] }>(
    ada.url,
    'GET',
    `/api/software-updates/${NAME}/devices`,
  )
  const failed = { ...items[0], state: 'failed', reason: 'not enough space', failures: 2 }
  await page.route(`**/api/software-updates/${NAME}/devices?*`, (route) =>
    route.fulfill({ json: { items: [failed], next: null, total: null } }),
  )
  await page.goto(`/console/updates/${NAME}`)
  await page.getByRole('link', { name: /^Reached\s*7/ }).waitFor()
  await page.getByRole('link', { name: /^Failed\s*1/ }).click()
  await page.waitForURL(/\?state=failed$/)
  const row = page.getByRole('row', { name: /not enough space/ })
  await row.getByText('Free storage and connect power.').waitFor()
  expect(await row.getByRole('link').first().getAttribute('href')).toBe(`/console/devices/${id}`)
  await page.getByText('2 devices cannot be asked, because the OS is too old').waitFor()
  await expectAccessibleInBothLooks(ada)
  await page.getByRole('button', { name: 'Send the command…' }).click()
  await page.getByRole('dialog').getByText('the command ScheduleOSUpdate now').waitFor()
  await expectAccessible(ada)
  await page.getByRole('button', { name: 'Send to up to 2 devices' }).click()
  // The server itself knows of none that needs it.
  await page.getByRole('alert').waitFor()
  await page.getByRole('button', { name: 'Cancel' }).click()
  await page.unroute(`**/api/software-updates/${NAME}/devices?*`)
  await page.unroute(`**/api/software-updates/${NAME}`)
})

it('changes the deadline and nothing else, and says what a device does before it deletes', async () => {
  const { page } = ada
  const before = await callApi<object>(ada.url, 'GET', `/api/software-updates/${NAME}`)
  await page.goto(`/console/updates/${NAME}`)
  await page.getByRole('button', { name: 'Change deadline…' }).click()
  await page.getByRole('textbox', { name: 'Deadline' }).fill('2001-01-01T08:00')
  await page.getByText('This moment has passed').waitFor()
  await page.getByRole('textbox', { name: 'Deadline' }).fill('2099-11-01T08:00')
  await page.getByRole('button', { name: 'Change deadline', exact: true }).click()
  await page.getByText('Sun, 1 Nov 2099, 08:00, in each').waitFor()
  const { chosen, changed_at, progress, ...rest } = before as Record<string, unknown>
  const after = await callApi(ada.url, 'GET', `/api/software-updates/${NAME}`)
  const deadline = { local: '2099-11-01T08:00:00', days_after_release: null, time: null }
  expect(after).toMatchObject({ ...rest, deadline })
  expect([chosen, changed_at, progress]).not.toContain(undefined)
  await page.getByRole('button', { name: 'Delete…' }).click()
  await page.getByText('A device that has it keeps it.').waitFor()
  await expectAccessible(ada)
  await page.getByRole('button', { name: 'Delete update' }).click()
  await page.waitForURL(/\/console\/updates$/)
  await page.getByRole('link', { name: NAME }).waitFor({ state: 'detached' })
})

it('shows its other states: empty, failed, and a key that may only read', async () => {
  const { page } = ada
  await page.route('**/api/software-updates', (route) =>
    route.fulfill({ json: { items: [], next: null, total: 0 } }),
  )
  await page.goto('/console/updates?new=update&platform=macOS&push=ready')
  await page.getByText('A policy cannot go by these filters: Push').waitFor()
  await page.keyboard.press('Escape')
  await page.getByText('No update policy').waitFor()
  await expectAccessibleInBothLooks(ada)
  await page.unroute('**/api/software-updates')
  await page.goto('/console/updates/none')
  await page.getByText(/there is no update policy none/).waitFor()
  const { key } = await callApi<{ key: string }>(ada.url, 'POST', '/api/keys', {
    name: 'reader of updates',
    scopes: ['read'],
  })
  const cleo = await visit('/console/updates', { key, viewport: PHONE, colorScheme: 'dark' })
  const add = cleo.page.getByRole('button', { name: /Your key lacks the scope config/ }).first()
  expect(await add.getAttribute('aria-disabled')).toBe('true')
  await expectAccessible(cleo)
  await cleo.close()
})
