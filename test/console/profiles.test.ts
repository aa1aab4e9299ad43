import { afterAll, beforeAll, expect, it } from 'vitest'
import { expectAccessible, expectDone, PHONE, visit, type Visit } from './console.ts'
import { callApi, joinDevice } from './device-tools.ts'
import { expectAccessibleInBothLooks } from './looks.ts'

const ID = 'com.example.office'
const profileOf = (more: string): string => `<?xml version="1.0"?><plist version="1.0"><dict>
  <key>PayloadContent</key><array><dict><key>PayloadType</key>
  <string>com.apple.wifi.managed</string><key>Password</key><string>hush</string></dict></array>
  <key>PayloadDisplayName</key><string>Office Wi-Fi</string>
  <key>PayloadIdentifier</key><string>${ID}</string>
  ${more}<key>PayloadType</key><string>Configuration</string></dict></plist>`
const OFFICE = profileOf('')

let ada: Visit
beforeAll(async () => {
  ada = await visit('/console')
})
afterAll(async () => {
  expect(ada.faults).toEqual([])
  await ada.close()
})

/** Drops a file in the middle of the page. */
async function drop(text: string): Promise<void> {
  const dataTransfer = await ada.page.evaluateHandle((content) => {
    const data = new DataTransfer()
    data.items.add(new File([content], 'office.mobileconfig'))
    return data
  }, text)
  await ada.page.dispatchEvent('main', 'dragover', { dataTransfer })
  await ada.page.getByText('Drop the profile here').waitFor()
  await ada.page.dispatchEvent('main', 'drop', { dataTransfer })
}

it('task 8: a profile is dropped on a device, read, installed, listed and removed, in 3 actions', async () => {
  const { page } = ada
  const device = await joinDevice(ada.url)
  await callApi(ada.url, 'POST', `/api/devices/${device.udid}/refresh`)
  await device.poll()
  await page.goto(`/console/devices/${device.udid}?tab=profiles`)
  await page.getByRole('heading', { name: /^Profiles \(/ }).waitFor()
  // A drop is no click, tap, Enter or shortcut.
  await drop(OFFICE)
  await page.getByText('It carries secrets: Wi-Fi (Password).').waitFor()
  await expectAccessibleInBothLooks(ada)
  await ada.click('button', /^Install$/)
  await page.getByRole('listitem').filter({ hasText: 'InstallProfile' }).waitFor()
  // The device is asked for its list by the same press, before the dialog closes.
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  await device.poll()
  await ada.click('button', /^Remove… Office Wi-Fi$/)
  await page.getByText('The device removes the profile and what it brought').waitFor()
  await ada.click('button', 'Remove profile')
  await page.getByRole('listitem').filter({ hasText: 'RemoveProfile' }).waitFor()
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  await expectAccessible(ada)
  await device.poll()
  await page.getByText(ID).waitFor({ state: 'detached' })
  expectDone(ada, 3)
  // The enrolment is not removed by two presses.
  await page.getByRole('button', { name: /^Remove…/ }).click()
  await page.getByText('This profile is the enrolment.').waitFor()
  await page.getByRole('button', { name: 'Remove profile' }).click()
  await page.locator('.field .fault', { hasText: 'Type ' }).waitFor()
  await expectAccessible(ada)
})

it('a profile is saved in the library, read there, replaced, offered to many devices, and deleted', async () => {
  const { page } = ada
  await page.goto('/console/profiles')
  await page.getByRole('heading', { name: 'Profiles' }).waitFor()
  await drop('no profile')
  await page
    .getByText('office.mobileconfig is no configuration profile: it is no property list.')
    .waitFor()
  await page.getByRole('button', { name: 'Dismiss' }).click()
  await drop(OFFICE)
  await page.getByText('Payload 1 has no PayloadIdentifier and no PayloadUUID.').waitFor()
  await page.getByRole('button', { name: 'Save to the library' }).click()
  const row = page.getByRole('row', { name: /Office Wi-Fi/ })
  await row.getByText('not signed').waitFor()
  await expectAccessibleInBothLooks(ada)
  await row.getByRole('link').click()
  await page.getByRole('heading', { name: 'Payloads (1)' }).waitFor()
  await expectAccessibleInBothLooks(ada)
  const downloading = page.waitForEvent('download')
  await page.getByRole('button', { name: 'Download' }).click()
  expect((await downloading).suggestedFilename()).toBe(`${ID}.mobileconfig`)
  const buffer = Buffer.from(profileOf('<key>PayloadRemovalDisallowed</key><true/>'))
  const file = { name: 'new.mobileconfig', mimeType: 'text/xml', buffer }
  await page.locator('input[type=file]').setInputFiles(file)
  await page.getByRole('button', { name: 'Replace profile' }).click()
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  await page.getByText('Users cannot remove it.').waitFor()
  await page.getByRole('button', { name: 'Install on…' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Install' }).first().waitFor()
  await expectAccessible(ada)
  await page.getByRole('link', { name: 'macOS' }).click()
  await page.locator('.chosen', { hasText: 'Office Wi-Fi' }).waitFor()
  await page.getByText(/^To \d+ devices?\. /).waitFor()
  await page.goBack()
  await page.getByRole('button', { name: 'Delete…' }).click()
  await page.getByText('Devices that have the profile keep it.').waitFor()
  await page.getByRole('button', { name: 'Delete profile' }).click()
  await page.waitForURL(/\/console\/profiles$/)
  await row.waitFor({ state: 'detached' })
})

it('shows its other states: empty, failed, and a key that may only read', async () => {
  const { page } = ada
  await page.route('**/api/profiles?*', (route) =>
    route.fulfill({ json: { items: [], next: null, total: 0 } }),
  )
  await page.goto('/console/profiles')
  await page.getByText('The library is empty').waitFor()
  await expectAccessible(ada)
  await page.unroute('**/api/profiles?*')
  await page.goto('/console/profiles/com.example.none')
  await page.getByText('no profile is stored under the id com.example.none').waitFor()
  const { key } = await callApi<{ key: string }>(ada.url, 'POST', '/api/keys', {
    name: 'reader of profiles',
    scopes: ['read'],
  })
  const look = { key, viewport: PHONE, colorScheme: 'dark' } as const
  const cleo = await visit('/console/profiles/com.example.none', look)
  await cleo.page.getByText('reading it needs the scope config').waitFor()
  await expectAccessible(cleo)
  await cleo.close()
})
