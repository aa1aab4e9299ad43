import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { expectAccessible, expectDone, PHONE, visit, type Visit } from './console.ts'
import { callApi, joinDevice } from './device-tools.ts'
import type { SharedDevice } from './setup.ts'

/** This file has the second Mac and the second iPhone of the server for itself. */
const mac = second('macOS')
const iphone = second('iOS')
let ada: Visit

function second(platform: string): SharedDevice {
  const found = inject('devices').filter((one) => one.platform === platform)[1]
  if (!found) {
    throw new Error(`the server has no second device with ${platform}`)
  }
  return found
}

beforeAll(async () => {
  ada = await visit('/console')
})
afterAll(async () => {
  expect(ada.faults).toEqual([])
  await ada.close()
})

/** Opens a page, and counts actions from here. */
async function begin(path: string): Promise<void> {
  await ada.page.goto(path)
  ada.actions.count = 0
}

const lastFour = ({ serial_number: serial }: SharedDevice): string => serial.slice(-4)
const WIFI = `<?xml version="1.0"?><plist version="1.0"><dict>
  <key>PayloadContent</key><array><dict><key>PayloadType</key>
  <string>com.apple.wifi.managed</string></dict></array>
  <key>PayloadDisplayName</key><string>Office Wi-Fi</string>
  <key>PayloadIdentifier</key><string>com.example.wifi</string>
  <key>PayloadType</key><string>Configuration</string></dict></plist>`

it('task 3: any command, with its answer as a table in place, in 4 actions', async () => {
  await begin(`/console/devices/${mac.id}`)
  await ada.page.getByRole('heading', { level: 1 }).waitFor()
  await ada.press('c')
  // The cursor stands in the field: nothing more than the letters is needed.
  await ada.page.locator('#find-command:focus').waitFor()
  await ada.page.keyboard.type('devinf')
  await ada.page.getByRole('link', { name: /^DeviceInformation/ }).waitFor()
  await expectAccessible(ada)
  await ada.press('Enter')
  await ada.page.getByRole('heading', { name: 'DeviceInformation' }).waitFor()
  await ada.click('button', 'Send')
  const fact = ada.page.locator('dl.facts > div', { hasText: 'Serial number' })
  expect(await fact.locator('dd').textContent()).toBe(mac.serial_number)
  expectDone(ada, 4)
  await expectAccessible(ada)
  // The focus has followed, and a page that is loaded again shows the same.
  await ada.page.locator('h1:focus', { hasText: 'DeviceInformation' }).waitFor()
  await ada.page.reload()
  await fact.waitFor()
  await ada.page.getByRole('button', { name: 'Property list' }).click()
  await ada.page.getByText('<key>QueryResponses</key>').waitFor()
  await ada.page.getByRole('button', { name: 'All keys' }).click()
  await ada.page.getByText('IsActivationLockEnabled').waitFor()
  await expectAccessible(ada)
})

it('task 5a: lock a Mac with a PIN that is made, in 3 actions', async () => {
  await begin(`/console/devices/${mac.id}`)
  await ada.click('link', /^Lock…/)
  await ada.page.getByLabel('Message').fill('Call 555')
  const pin = await ada.page.getByLabel('PIN').inputValue()
  expect(pin).toMatch(/^\d{6}$/)
  await expectAccessible(ada)
  await ada.click('button', /^Lock Mac/)
  const dialog = ada.page.getByRole('dialog')
  await dialog.getByText(pin).waitFor()
  await expectAccessible(ada)
  await dialog.getByLabel(`Type ${lastFour(mac)} to confirm`).fill(lastFour(mac).toLowerCase())
  ada.actions.count++
  await dialog.getByRole('button', { name: 'Lock Mac' }).click()
  await ada.page.getByText('DeviceLock queued.').waitFor()
  await ada.page.locator('.command-card').getByText('Done').waitFor()
  expectDone(ada, 3)
  expect(await ada.page.locator('.toast').getByText('Cancel').count()).toBe(0)
  // The PIN stays with the command, for a reason.
  await ada.page.getByRole('button', { name: 'Reveal…' }).click()
  await ada.page.getByLabel('Reason').fill('the owner called')
  await ada.page.getByRole('button', { name: 'Reveal', exact: true }).click()
  await ada.page.getByText(pin).waitFor()
})

it('a push that Apple has taken says so, without Apple’s id of it', async () => {
  // This device connects only when the test says so: a command for it always needs a push.
  const { udid } = await joinDevice(ada.url)
  const command = { request_type: 'SecurityInfo' }
  const { id } = await callApi<{ id: string }>(
    ada.url,
    'POST',
    `/api/devices/${udid}/commands`,
    command,
  )
  await ada.page.goto(`/console/commands/${id}`)
  const push = ada.page.locator('.command-steps .detail', { hasText: /delivered/ })
  await push.waitFor()
  expect(await push.textContent()).toBe(' delivered')
})

it('asks for the right word before a Mac is locked, and sends nothing without it', async () => {
  await begin(`/console/devices/${mac.id}/command/DeviceLock`)
  const sent: string[] = []
  const note = (request: { method(): string; url(): string }): void => {
    if (request.method() === 'POST') {
      sent.push(request.url())
    }
  }
  ada.page.on('request', note)
  await ada.page.getByRole('button', { name: /^Lock Mac/ }).click()
  const dialog = ada.page.getByRole('dialog')
  await dialog.getByLabel(/to confirm/).fill('nope')
  await dialog.getByRole('button', { name: 'Lock Mac' }).click()
  await dialog.getByText(`Type ${lastFour(mac)}`, { exact: true }).waitFor()
  await dialog.getByRole('button', { name: 'Back' }).click()
  expect(sent).toEqual([])
  ada.page.off('request', note)
})

it('task 5c: a lost iPhone shows a message and tells where it is, in 4 actions', async () => {
  await begin(`/console/devices/${iphone.id}`)
  ada.actions.count++
  await ada.page.locator('.device-actions summary').click()
  await ada.click('link', 'Lost Mode…')
  await ada.page.getByLabel('Message').fill('Lost. Please call 555.')
  await ada.click('button', 'Turn on Lost Mode')
  await ada.click('button', 'Locate')
  await ada.page.getByText(/^\d+\.\d+, \d+\.\d+/).waitFor()
  await ada.page.getByText(/Within [\d.]+ m/).waitFor()
  const map = await ada.page.getByRole('link', { name: 'Open in Maps' }).getAttribute('href')
  expect(map).toMatch(/^https:\/\/maps\.apple\.com\/\?ll=/)
  expectDone(ada, 4)
  await expectAccessible(ada)
})

it('puts the server’s faults beside their fields, and keeps what was typed', async () => {
  await begin(`/console/devices/${mac.id}/command/RemoveProfile`)
  await ada.click('button', 'Remove profile')
  const field = ada.page.getByLabel('Identifier')
  expect(await field.getAttribute('aria-invalid')).toBe('true')
  await field.fill('com.example.gone')
  expect(await field.getAttribute('aria-invalid')).toBe('false')
  await ada.page.route('**/api/devices/*/commands', (route) =>
    route.fulfill({
      status: 400,
      contentType: 'application/problem+json',
      body: JSON.stringify({
        code: 'invalid_command',
        detail: 'RemoveProfile is not queued',
        errors: [{ at: 'Command.Identifier', detail: 'is strange' }],
      }),
    }),
  )
  await ada.press('Control+Enter')
  await ada.page.locator('.field .fault', { hasText: 'is strange' }).waitFor()
  await expectAccessible(ada)
  await ada.page.unroute('**/api/devices/*/commands')
  await ada.page.getByRole('link', { name: 'All commands' }).click()
  await ada.page.goBack()
  expect(await ada.page.getByLabel('Identifier').inputValue()).toBe('com.example.gone')
})

it('takes JSON and a call of curl, and the form follows', async () => {
  await begin(`/console/devices/${mac.id}/command/RestartDevice`)
  await ada.page.getByRole('button', { name: 'JSON' }).click()
  const body = { Command: { RequestType: 'RestartDevice', NotifyUser: true } }
  await ada.page.getByLabel('Request').fill(`curl https://x -d '${JSON.stringify(body)}'`)
  await ada.page.getByRole('button', { name: 'Form', exact: true }).click()
  const notify = ada.page.getByRole('group', { name: 'Notify user' })
  expect(await notify.getByRole('radio', { name: 'Yes' }).isChecked()).toBe(true)
  await ada.page.getByRole('button', { name: 'as curl' }).click()
  await ada.page.getByText('"NotifyUser": true').waitFor()
  await expectAccessible(ada)
})

it('says why a device lacks a command, and who may send one', async () => {
  const answer = await ada.page.request.post(`${ada.url}/api/keys`, {
    data: { name: 'reader of commands', scopes: ['read'] },
    headers: { 'x-edgemdm': 'console' },
  })
  expect(answer.status(), await answer.text()).toBe(201)
  const { key } = (await answer.json()) as { key: string }
  const ben = await visit(`/console/devices/${mac.id}/command`, {
    key,
    viewport: PHONE,
    colorScheme: 'dark',
  })
  await ben.page.getByRole('searchbox').fill('lostmode')
  await ben.page.getByText('not on macOS').first().waitFor()
  await expectAccessible(ben)
  await ben.page.goto(`/console/devices/${mac.id}/command/SecurityInfo`)
  await ben.page.getByRole('button', { name: /Send/ }).waitFor()
  const send = ben.page.getByRole('button', { name: /Your key lacks the scope command/ })
  expect(await send.getAttribute('aria-disabled')).toBe('true')
  await expectAccessible(ben)
  await ben.close()
})

it('shows the chooser’s other states: loading, failed, a device that is not known', async () => {
  await ada.page.route('**/api/command-types', (route) => route.fulfill({ status: 503, body: '' }))
  await begin(`/console/devices/${mac.id}/command`)
  await ada.page.getByRole('alert').waitFor()
  await expectAccessible(ada)
  await ada.page.unroute('**/api/command-types')
  await ada.click('button', 'Try again')
  await ada.page.getByText('SecurityInfo').first().waitFor()
  await begin('/console/devices/NOT-HERE-YET/command/SecurityInfo')
  await ada.page.getByText('Nothing is known of this device yet').waitFor()
  await expectAccessible(ada)
  await begin('/console/commands/NOT-HERE-YET.1')
  await ada.page.getByRole('alert').waitFor()
  await expectAccessible(ada)
})

it('holds a command until its time, and cancels it while it waits', async () => {
  await begin(`/console/devices/${mac.id}/command/RestartDevice`)
  await ada.page.getByText('When: now').click()
  await ada.page.getByLabel('Not before').fill('2001-01-01T00:00')
  await ada.page.getByText('This time is past').waitFor()
  await ada.page.getByLabel('Not before').fill('2099-01-01T00:00')
  await ada.click('button', 'Restart Mac')
  await ada.page.locator('.command-card').getByText('Held').waitFor()
  await ada.click('button', 'Cancel')
  await ada.page.locator('.command-card').getByText('Cancelled').first().waitFor()
  await ada.page.locator('.state:focus', { hasText: 'Cancelled' }).waitFor()
  await expectAccessible(ada)
})

it('task 5b: erase an iPhone with Return to Service, in 4 actions', async () => {
  await begin(`/console/devices/${iphone.id}`)
  await ada.click('link', 'Erase…')
  const wifi = ada.page.getByLabel('Wi-Fi profile', { exact: true })
  const asFile = (text: string): Parameters<typeof wifi.setInputFiles>[0] => ({
    name: 'w.mobileconfig',
    mimeType: 'text/xml',
    buffer: Buffer.from(text),
  })
  ada.actions.count++
  await wifi.setInputFiles(asFile(WIFI))
  await ada.page.getByText('Office Wi-Fi').waitFor()
  const enabled = ada.page.getByRole('group', { name: /^Enabled/ })
  expect(await enabled.getByRole('radio', { name: 'Yes' }).isChecked()).toBe(true)
  await ada.click('button', /^Erase iPhone/)
  const dialog = ada.page.getByRole('dialog')
  await dialog.getByText('Return to Service is on').waitFor()
  await dialog.getByText('All data, apps, accounts and the enrolment').waitFor()
  await dialog.getByLabel(/to confirm/).fill(lastFour(iphone))
  ada.actions.count++
  await dialog.getByRole('button', { name: 'Erase iPhone' }).click()
  await ada.page
    .locator('.command-card .state')
    .getByText(/Done|Waiting|Given/)
    .waitFor()
  expectDone(ada, 4)
  await begin(`/console/devices/${iphone.id}/command/EraseDevice`)
  await wifi.setInputFiles(asFile('no profile'))
  await ada.page.getByText('No profile can be read in it').waitFor()
  await ada.click('button', /^Erase iPhone/)
  await dialog.getByText('does not come back online by itself').waitFor()
})

it('sends one command to several devices, and asks for their number before they lose something', async () => {
  const ids = `ids=${mac.id},${iphone.id}`
  await begin(`/console/commands/new?${ids}&type=DeviceLock`)
  await ada.page.getByText('To 2 devices.').waitFor()
  await ada.page.locator('p', { hasText: 'To 2 devices.' }).getByRole('link').nth(1).waitFor()
  // One of them is a Mac.
  expect(await ada.page.getByLabel('PIN').inputValue()).toMatch(/^\d{6}$/)
  await ada.page.getByRole('button', { name: /^Lock 2 devices/ }).click()
  const dialog = ada.page.getByRole('dialog')
  await dialog.getByLabel('Type 2 to confirm').waitFor()
  await expectAccessible(ada)
  await dialog.getByRole('button', { name: 'Back' }).click()
  await begin(`/console/commands/new?${ids}&type=EnableLostMode`)
  await ada.page.getByText('1 device of 2 cannot take it').waitFor()
  await ada.click('button', 'Turn on Lost Mode')
  await ada.page.getByText('One is needed: Message, Phone number').waitFor()
  await begin('/console/commands/new?platform=macOS&type=SecurityInfo')
  await ada.page.getByText(/^To \d+ devices\. Platform: macOS$/).waitFor()
  await begin('/console/commands/new?type=SecurityInfo')
  await ada.page.getByText(/^To all devices: \d+\.$/).waitFor()
  await begin(`/console/commands/new?${ids}`)
  await ada.page.getByRole('searchbox', { name: 'Find a command' }).fill('securityinfo')
  await ada.press('Enter')
  await ada.click('button', 'Send')
  await ada.page.waitForURL(/\/console\/jobs\//)
})

it('asks for the number of devices before a fleet restarts, which loses nothing', async () => {
  await ada.page.route('**/api/commands/preview', (route) =>
    route.fulfill({
      json: { total: 11, failed: 0, faults: [], unlisted: 0, groups: [], confirm: null },
    }),
  )
  await begin('/console/commands/new?type=RestartDevice')
  await ada.page.getByRole('button', { name: /^Restart 11 devices…/ }).click()
  await ada.page.getByRole('dialog').getByLabel('Type 11 to confirm').waitFor()
  await ada.page.unroute('**/api/commands/preview')
})

it('keeps an answer of 5 MB usable: rows near the screen only, and texts that are cut', async () => {
  const apps = Array.from({ length: 20_000 }, (_, n) => ({
    Name: `App ${n}`,
    Identifier: `com.example.app-${n}`,
    Path: `/Applications/${'x'.repeat(180)}.app`,
  }))
  const time = '2026-11-30T09:00:00.000Z'
  const result = { Status: 'Acknowledged', InstalledApplicationList: apps }
  await ada.page.route('**/api/commands/BIG.1', (route) =>
    route.fulfill({
      json: {
        id: 'BIG.1',
        enrollment_id: 'BIG',
        request_type: 'InstalledApplicationList',
        state: 'acknowledged',
        held_for: null,
        queued_at: time,
        queued_by: null,
        not_before: null,
        expires_at: null,
        answered_at: time,
        ended_at: time,
        timeline: [],
        secrets: [],
        errors: [],
        result,
      },
    }),
  )
  await begin('/console/commands/BIG.1')
  await ada.page.getByText('Installed application list (20,000)').waitFor()
  expect(await ada.page.locator('tbody tr').count()).toBeLessThan(200)
  await ada.page.getByRole('searchbox').fill('App 19999')
  await ada.page.getByText('com.example.app-19999').waitFor()
  await ada.page.getByRole('button', { name: 'All keys' }).click()
  await ada.page.getByRole('button', { name: 'Show more of 20,000' }).waitFor()
  await ada.page.getByRole('button', { name: 'JSON' }).click()
  expect((await ada.page.locator('pre').textContent())?.length).toBeLessThan(300_000)
  await ada.page.getByRole('button', { name: 'Save as file' }).waitFor()
  await ada.page.unroute('**/api/commands/BIG.1')
})
